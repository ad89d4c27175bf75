//! Where each key of a manifest was written, so that later stages can point at it too.

use std::{collections::BTreeMap, ops::Range};

use crate::diagnostic::{Diagnostic, Related, SourceText};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    source: SourceText,
    spans: BTreeMap<String, Range<usize>>,
}

impl Places {
    pub(super) fn new(source: SourceText, spans: BTreeMap<String, Range<usize>>) -> Self {
        Places { source, spans }
    }

    /// The manifest's text, secrets masked.
    pub fn source(&self) -> &SourceText {
        &self.source
    }

    /// Whether the key (dotted: `"sink.topic"`) or table (`"batch"`) was written.
    pub fn has(&self, key: &str) -> bool {
        self.spans.contains_key(key)
    }

    pub fn span(&self, key: &str) -> Option<Range<usize>> {
        self.spans.get(key).cloned()
    }

    /// An error that points at the key where it was written, else at the file.
    pub fn error(&self, code: &'static str, key: &str, message: impl Into<String>) -> Diagnostic {
        match self.span(key) {
            Some(span) => Diagnostic::error_at(code, &self.source, span, message),
            None => Diagnostic::error(code, self.source.file(), message),
        }
    }

    /// The same as a second place of another diagnostic.
    pub fn related(&self, key: &str, message: impl Into<String>) -> Related {
        match self.span(key) {
            Some(span) => Related::at(&self.source, span, message),
            None => Related::file(self.source.file(), message),
        }
    }
}
