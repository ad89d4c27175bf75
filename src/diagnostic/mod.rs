//! What we tell people about their files: mistakes with file, line, column, the text at fault and a hint.
//!
//! A wrong manifest or configuration is data, not a failure of ours, so all its mistakes are gathered and shown at once.

pub mod codes;
mod collection;
mod model;
mod render;
mod source_text;
mod suggest;

#[cfg(test)]
mod tests;

pub use collection::Diagnostics;
pub use model::{Diagnostic, Related, Severity};
pub use source_text::{Position, SourceText};
pub use suggest::{did_you_mean, nearest};
