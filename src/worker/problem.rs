//! What people are told when a function's modules cannot be loaded.

use crate::protocol::control::Problem;

/// A problem without a place; boxed, since it is large and rare.
pub fn problem(code: &str, message: impl Into<String>, file: Option<&str>, hint: &str) -> Box<Problem> {
    Box::new(Problem {
        code: code.to_owned(),
        message: message.into(),
        file: file.map(str::to_owned),
        hint: Some(hint.to_owned()),
        ..Problem::default()
    })
}

/// The same problem, at a line and column.
pub fn at(mut problem: Box<Problem>, line: u32, column: u32) -> Box<Problem> {
    (problem.line, problem.column) = (Some(line), Some(column));
    problem
}
