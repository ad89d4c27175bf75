//! A parsed document and its tables; what was not asked for is unknown.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ops::{Range, RangeInclusive},
    path::Path,
    time::Duration,
};

use toml_edit::{Item, TableLike};

use super::{
    mask::{mask_lines, mask_spans},
    value::ValueReader,
};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceText, codes, did_you_mean};

/// A document, the mistakes noted while reading it, and where its keys were written.
pub struct Document {
    toml: toml_edit::Document<String>,
    source: SourceText,
    mistakes: RefCell<Vec<Diagnostic>>,
    places: RefCell<BTreeMap<String, Range<usize>>>,
}

impl Document {
    /// Parses the text; values of keys (dotted) that `is_secret` names are never quoted.
    pub fn parse(file: &Path, text: &str, is_secret: &dyn Fn(&str) -> bool) -> Result<Self, Diagnostics> {
        match toml_edit::Document::parse(text.to_owned()) {
            Ok(toml) => {
                let mut secrets = Vec::new();
                secret_spans("", toml.as_table(), is_secret, &mut secrets);
                Ok(Document {
                    source: SourceText::new(file, mask_spans(text, secrets)),
                    toml,
                    mistakes: RefCell::default(),
                    places: RefCell::default(),
                })
            }
            Err(error) => {
                let source = SourceText::new(file, mask_lines(text, is_secret));
                let span = error.span().unwrap_or(0..0);
                let message = format!("not valid TOML: {}", error.message());
                Err(Diagnostic::error_at(codes::SYNTAX, &source, span, message).into())
            }
        }
    }

    pub fn root(&self) -> TableReader<'_> {
        TableReader { document: self, path: String::new(), span: 0..0, table: self.toml.as_table(), known: Vec::new() }
    }

    pub fn source(&self) -> &SourceText {
        &self.source
    }

    /// Where each key is written, and all mistakes in the order of the text.
    pub fn finish(self) -> (SourceText, BTreeMap<String, Range<usize>>, Diagnostics) {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|mistake| mistake.span.as_ref().map_or(0, |span| span.start));
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(mistakes);
        (self.source, self.places.into_inner(), diagnostics)
    }

    pub(super) fn note(&self, diagnostic: Diagnostic) {
        self.mistakes.borrow_mut().push(diagnostic);
    }
}

/// One table of a document.
pub struct TableReader<'d> {
    document: &'d Document,
    path: String,
    span: Range<usize>,
    table: &'d dyn TableLike,
    known: Vec<&'static str>,
}

impl<'d> TableReader<'d> {
    pub(super) fn new(document: &'d Document, path: String, span: Range<usize>, table: &'d dyn TableLike) -> Self {
        TableReader { document, path, span, table, known: Vec::new() }
    }

    /// The value of a key that this table may have.
    pub fn value(&mut self, key: &'static str) -> Option<ValueReader<'d>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.reader(key)
    }

    /// The table under a key.
    pub fn table(&mut self, key: &'static str) -> Option<TableReader<'d>> {
        self.value(key)?.table()
    }

    pub fn boolean(&mut self, key: &'static str, target: &mut bool) {
        assign(target, self.value(key).and_then(|value| value.boolean()));
    }

    pub fn count(&mut self, key: &'static str, range: RangeInclusive<u32>, target: &mut u32) {
        assign(target, self.value(key).and_then(|value| value.count(range)));
    }

    pub fn duration(&mut self, key: &'static str, range: RangeInclusive<Duration>, target: &mut Duration) {
        assign(target, self.value(key).and_then(|value| value.duration(range)));
    }

    pub fn size(&mut self, key: &'static str, range: RangeInclusive<u64>, target: &mut u64) {
        assign(target, self.value(key).and_then(|value| value.size(range)));
    }

    /// One of several words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)], target: &mut T) {
        assign(target, self.value(key).and_then(|value| value.choice(words)));
    }

    /// Every key with its value, for tables whose keys are the user's own.
    pub fn entries(&self) -> Vec<(String, ValueReader<'d>)> {
        let keys = self.table.iter().map(|(key, _)| key.to_owned());
        keys.filter_map(|key| self.reader(&key).map(|value| (key, value))).collect()
    }

    /// An error about the table as a whole, such as a key that it lacks.
    pub fn error(&self, code: &'static str, message: &str) -> Diagnostic {
        Diagnostic::error_at(code, self.document.source(), self.span.clone(), message)
    }

    /// Notes a mistake.
    pub fn note(&self, diagnostic: Diagnostic) {
        self.document.note(diagnostic);
    }

    /// Refuses every key that nobody asked for.
    pub fn refuse_unknown(self) {
        for (key, value) in self.entries() {
            if self.known.contains(&key.as_str()) {
                continue;
            }
            let what = value.what();
            let message = format!("unknown {what} `{}`", join(&self.path, &key));
            let hint = did_you_mean(&key, self.known.iter().copied());
            let source = self.document.source();
            self.document.note(
                Diagnostic::error_at(codes::UNKNOWN_KEY, source, value.key_span(), message).with_optional_hint(hint),
            );
        }
    }

    fn reader(&self, key: &str) -> Option<ValueReader<'d>> {
        let item = self.table.get(key).filter(|item| !item.is_none())?;
        let key_span = key_span(self.table, key).or_else(|| item.span());
        let key_span = key_span.unwrap_or_else(|| self.span.clone());
        let value = ValueReader::new(self.document, join(&self.path, key), key_span, item);
        let place = (value.path().to_owned(), value.span());
        self.document.places.borrow_mut().insert(place.0, place.1);
        Some(value)
    }
}

fn key_span(table: &dyn TableLike, key: &str) -> Option<Range<usize>> {
    let (key, _) = table.get_key_value(key)?;
    key.span()
}

fn assign<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn secret_spans(path: &str, table: &dyn TableLike, is_secret: &dyn Fn(&str) -> bool, spans: &mut Vec<Range<usize>>) {
    for (key, item) in table.iter() {
        let path = join(path, key);
        if let Some(inner) = item.as_table_like() {
            secret_spans(&path, inner, is_secret, spans);
        } else if let Item::ArrayOfTables(tables) = item {
            for inner in tables {
                secret_spans(&path, inner, is_secret, spans);
            }
        } else if is_secret(&path) {
            spans.extend(item.span());
        }
    }
}
