//! A text with its name, cheap to share, that turns byte offsets into lines and columns.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

/// A place for people: both numbers count from 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// The text of a file as diagnostics may show it: what looked secret in it is already masked.
#[derive(Clone, PartialEq)]
pub struct SourceText {
    inner: Arc<(PathBuf, String)>,
}

impl fmt::Debug for SourceText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SourceText({:?})", self.file())
    }
}

impl Default for SourceText {
    fn default() -> Self {
        SourceText::new("", "")
    }
}

impl SourceText {
    pub fn new(file: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        SourceText { inner: Arc::new((file.into(), text.into())) }
    }

    pub fn file(&self) -> &Path {
        &self.inner.0
    }

    pub fn text(&self) -> &str {
        &self.inner.1
    }

    pub fn position(&self, offset: usize) -> Position {
        let before = &self.text()[..self.boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }

    /// The span moved onto character boundaries within the text, so that nobody's offsets can make us panic.
    pub(super) fn clamp(&self, span: Range<usize>) -> Range<usize> {
        let start = self.boundary(span.start);
        start..self.boundary(span.end).max(start)
    }

    fn boundary(&self, offset: usize) -> usize {
        let text = self.text();
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}
