//! One mistake, and where it is.

use std::{ops::Range, path::PathBuf};

use serde::Serialize;

use super::source_text::SourceText;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One mistake in a file, an environment variable or a flag.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostic {
    /// Stable, `E` and four digits; `docs/errors/` has a page for each.
    pub code: &'static str,
    pub severity: Severity,
    /// A lowercase fragment that names the offending value.
    pub message: String,
    /// The file, or in words what stands in its place: `environment variable EDDYLINE__…`, `flag --brokers`.
    pub file: PathBuf,
    /// Bytes within the file.
    pub span: Option<Range<usize>>,
    /// From 1; absent when the whole file is meant.
    pub line: Option<usize>,
    /// From 1, in characters.
    pub column: Option<usize>,
    /// The offending text itself; secrets in it are masked.
    pub snippet: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that belong to the mistake.
    pub related: Vec<Related>,
    /// The text that the renderer draws the lines from.
    #[serde(skip)]
    pub(super) source: Option<SourceText>,
}

/// A second place that a diagnostic refers to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Related {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub message: String,
    #[serde(skip)]
    pub(super) span: Option<Range<usize>>,
    #[serde(skip)]
    pub(super) source: Option<SourceText>,
}

impl Diagnostic {
    /// An error about something that has no text to point into.
    pub fn error(code: &'static str, file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            file: file.into(),
            span: None,
            line: None,
            column: None,
            snippet: None,
            hint: None,
            related: Vec::new(),
            source: None,
        }
    }

    /// An error about the bytes `span` of `source`.
    pub fn error_at(code: &'static str, source: &SourceText, span: Range<usize>, message: impl Into<String>) -> Self {
        let span = source.clamp(span);
        let position = source.position(span.start);
        Diagnostic {
            line: Some(position.line),
            column: Some(position.column),
            snippet: Some(source.text()[span.clone()].to_owned()),
            span: Some(span),
            source: Some(source.clone()),
            ..Diagnostic::error(code, source.file(), message)
        }
    }

    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn with_optional_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    pub fn with_related(mut self, related: Related) -> Self {
        self.related.push(related);
        self
    }
}

impl Related {
    pub fn file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Related { file: file.into(), line: None, column: None, message: message.into(), span: None, source: None }
    }

    pub fn at(source: &SourceText, span: Range<usize>, message: impl Into<String>) -> Self {
        let span = source.clamp(span);
        let position = source.position(span.start);
        Related {
            line: Some(position.line),
            column: Some(position.column),
            span: Some(span),
            source: Some(source.clone()),
            ..Related::file(source.file(), message)
        }
    }
}
