//! One value of a document: typed getters that note a mistake instead of returning it.

use std::{
    ops::{Range, RangeInclusive},
    time::Duration,
};

use toml_edit::{Item, TableLike, Value};

use super::table::{Document, TableReader};
use crate::{
    diagnostic::{Diagnostic, Related, codes, nearest},
    quantity,
};

#[derive(Clone)]
pub struct ValueReader<'d> {
    document: &'d Document,
    path: String,
    key_span: Range<usize>,
    found: Found<'d>,
}

#[derive(Clone, Copy)]
enum Found<'d> {
    Item(&'d Item),
    Element(&'d Value),
}

impl<'d> ValueReader<'d> {
    pub(super) fn new(document: &'d Document, path: String, key_span: Range<usize>, item: &'d Item) -> Self {
        ValueReader { document, path, key_span, found: Found::Item(item) }
    }

    /// The dotted key.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn key_span(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// Of the value, or of the key where the value has no place of its own (tables in dotted keys).
    pub fn span(&self) -> Range<usize> {
        let span = match self.found {
            Found::Item(Item::ArrayOfTables(_)) => None,
            Found::Item(item) => item.span(),
            Found::Element(value) => value.span(),
        };
        span.unwrap_or_else(|| self.key_span())
    }

    /// Whether people would call it a key or a table.
    pub(super) fn what(&self) -> &'static str {
        match self.found {
            Found::Item(Item::Table(_) | Item::ArrayOfTables(_)) => "table",
            _ => "key",
        }
    }

    pub fn string(&self) -> Option<String> {
        match self.text() {
            Some(text) => Some(text.to_owned()),
            None => self.wrong_type("a string", "put it in quotes"),
        }
    }

    pub fn boolean(&self) -> Option<bool> {
        match self.value().and_then(Value::as_bool) {
            Some(value) => Some(value),
            None => self.wrong_type("true or false", "write true or false, without quotes"),
        }
    }

    pub fn count(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let Some(number) = self.value().and_then(Value::as_integer) else {
            return self.wrong_type("a whole number", "write digits, without quotes");
        };
        let hint = format!("between {} and {}", range.start(), range.end());
        match u32::try_from(number).ok().filter(|it| range.contains(it)) {
            Some(number) => Some(number),
            None => self.out_of_range(&number.to_string(), hint),
        }
    }

    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let Some(text) = self.text() else {
            return self.wrong_type("a duration", quantity::DURATION_HINT);
        };
        let Some(duration) = quantity::parse_duration(text) else {
            let message = format!("`{}`: {text:?} is no duration", self.path);
            return self.refuse(codes::BAD_VALUE, message, quantity::DURATION_HINT);
        };
        if range.contains(&duration) {
            return Some(duration);
        }
        let [least, most] = [range.start(), range.end()].map(|it| quantity::format_duration(*it));
        self.out_of_range(text, format!("between {least} and {most}"))
    }

    pub fn size(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let Some(text) = self.text() else {
            return self.wrong_type("a size", quantity::SIZE_HINT);
        };
        let Some(size) = quantity::parse_size(text) else {
            let message = format!("`{}`: {text:?} is no size", self.path);
            return self.refuse(codes::BAD_VALUE, message, quantity::SIZE_HINT);
        };
        if range.contains(&size) {
            return Some(size);
        }
        let [least, most] = [range.start(), range.end()].map(|it| quantity::format_size(*it));
        self.out_of_range(text, format!("between {least} and {most}"))
    }

    pub fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.string()?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let names: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            let message = format!("`{}` cannot be {text:?}", self.path);
            let near = nearest(&text, words.iter().map(|(word, _)| *word));
            let hint = match near {
                Some(word) => format!("did you mean {word:?}?"),
                None => format!("one of {}", names.join(", ")),
            };
            self.note(self.error(codes::BAD_VALUE, message).with_hint(hint));
        }
        found.map(|(_, value)| *value)
    }

    /// A time with its offset, as TOML's own date-time or as text.
    pub fn timestamp(&self) -> Option<jiff::Timestamp> {
        let text = match self.value() {
            Some(Value::Datetime(time)) => time.value().to_string(),
            Some(Value::String(text)) => text.value().clone(),
            _ => return self.wrong_type("a time", TIME_HINT),
        };
        match text.parse() {
            Ok(time) => Some(time),
            Err(_) => {
                let message = format!("`{}`: {text:?} is no point in time", self.path);
                self.refuse(codes::BAD_VALUE, message, TIME_HINT)
            }
        }
    }

    /// The string, if it is one.
    pub fn text(&self) -> Option<&'d str> {
        self.value().and_then(Value::as_str)
    }

    /// An array of strings, each with its own place; elements of another type are noted and left out.
    pub fn strings(&self) -> Option<Vec<(String, ValueReader<'d>)>> {
        let Some(array) = self.value().and_then(Value::as_array) else {
            return self.wrong_type("an array of strings", "put it in brackets: [\"…\"]");
        };
        let elements = array.iter().map(|value| ValueReader {
            found: Found::Element(value),
            key_span: self.span(),
            ..self.clone()
        });
        Some(elements.filter_map(|element| element.string().map(|text| (text, element))).collect())
    }

    pub fn is_empty_array(&self) -> bool {
        let array = self.value().and_then(Value::as_array);
        array.is_some_and(|array| array.is_empty())
    }

    pub fn table(&self) -> Option<TableReader<'d>> {
        let table = match self.found {
            Found::Item(item) => item.as_table_like(),
            Found::Element(_) => None,
        };
        match table {
            Some(table) => {
                let path = self.path.clone();
                Some(TableReader::new(self.document, path, self.span(), table))
            }
            None => self.wrong_type("a table", &format!("write it as [{}]", self.path)),
        }
    }

    /// An array of tables, in either of TOML's ways of writing it, each with its own place.
    pub fn tables(&self) -> Option<Vec<TableReader<'d>>> {
        let reader = |span: Option<Range<usize>>, table: &'d dyn TableLike| {
            TableReader::new(self.document, self.path.clone(), span.unwrap_or_else(|| self.span()), table)
        };
        let tables: Option<Vec<_>> = match self.found {
            Found::Item(Item::ArrayOfTables(tables)) => {
                Some(tables.iter().map(|table| reader(table.span(), table)).collect())
            }
            Found::Item(Item::Value(Value::Array(array))) => {
                array.iter().map(|value| Some(reader(value.span(), value.as_inline_table()?))).collect()
            }
            _ => None,
        };
        match tables {
            None => self.wrong_type("an array of tables", &format!("write each of them as [[{}]]", self.path)),
            some => some,
        }
    }

    /// The text of any scalar, unquoted.
    pub fn scalar(&self) -> Option<String> {
        match self.value() {
            Some(Value::String(text)) => Some(text.value().clone()),
            Some(Value::Integer(number)) => Some(number.value().to_string()),
            Some(Value::Boolean(value)) => Some(value.value().to_string()),
            _ => self.wrong_type("a string, a whole number, true or false", "put it in quotes"),
        }
    }

    /// Whether it holds further keys.
    pub fn is_table(&self) -> bool {
        matches!(self.found, Found::Item(item) if item.is_table_like())
    }

    /// An error that points at the value.
    pub fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error_at(code, self.document.source(), self.span(), message)
    }

    /// An error that points at the key.
    pub fn key_error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error_at(code, self.document.source(), self.key_span(), message)
    }

    /// The value as a second place of another mistake.
    pub fn related(&self, message: &str) -> Related {
        Related::at(self.document.source(), self.span(), message)
    }

    /// The key as a second place of another mistake.
    pub fn key_related(&self, message: &str) -> Related {
        Related::at(self.document.source(), self.key_span(), message)
    }

    pub fn note(&self, diagnostic: Diagnostic) {
        self.document.note(diagnostic);
    }

    /// Notes an error about the value; the value itself is then taken as not given.
    pub fn refuse<T>(&self, code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.note(self.error(code, message).with_hint(hint));
        None
    }

    fn value(&self) -> Option<&'d Value> {
        match self.found {
            Found::Item(item) => item.as_value(),
            Found::Element(value) => Some(value),
        }
    }

    fn wrong_type<T>(&self, expected: &str, hint: &str) -> Option<T> {
        let kind = match self.found {
            Found::Item(item) => item.type_name(),
            Found::Element(value) => value.type_name(),
        };
        let message = format!("`{}`: expected {expected}, found {}", self.path, article(kind));
        self.refuse(codes::WRONG_TYPE, message, hint)
    }

    fn out_of_range<T>(&self, found: &str, hint: String) -> Option<T> {
        let message = format!("`{}` is out of range: {found}", self.path);
        self.refuse(codes::BAD_VALUE, message, hint)
    }
}

const TIME_HINT: &str = "write it with its offset, such as 2026-01-31T00:00:00Z";

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}
