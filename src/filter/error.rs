//! What is wrong with a pattern, and where in it.

use std::fmt::Write;

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(path))]
pub struct PatternError {
    /// Where in the pattern: `value.total[0].numeric`; empty for the pattern as a whole.
    pub path: String,
    /// A lowercase fragment that names what was found.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("`{path}`: ") }
}

/// Where we are in a pattern; cheap to extend, written out only for a mistake.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(super) fn key(&'a self, name: &'a str) -> Path<'a> {
        Path::Key(self, name)
    }

    pub(super) fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }

    pub(super) fn error(&self, message: impl Into<String>, hint: impl Into<String>) -> PatternError {
        let mut path = String::new();
        self.write(&mut path);
        PatternError { path, message: message.into(), hint: hint.into() }
    }

    fn write(&self, text: &mut String) {
        match self {
            Path::Root => {}
            Path::Key(parent, name) => {
                parent.write(text);
                let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
                if name.is_empty() || !name.chars().all(plain) {
                    let _ = write!(text, "[{name:?}]");
                } else {
                    text.push_str(if text.is_empty() { "" } else { "." });
                    text.push_str(name);
                }
            }
            Path::Index(parent, index) => {
                parent.write(text);
                let _ = write!(text, "[{index}]");
            }
        }
    }
}
