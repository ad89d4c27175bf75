//! A pattern as it is written: conditions along paths, all of which must hold, and alternatives.

use super::error::{Path, PatternError};
use super::json::Json;
use super::leaf::{Kind, Leaf, found, leaf};
use crate::diagnostic::nearest;

/// Longer than this is no pattern, but a table that belongs elsewhere.
const MAX_BYTES: usize = 16 << 10;
/// Levels of a pattern, arrays and objects together; what reads JSON for us stops earlier than our stack would.
const MAX_DEPTH: usize = 32;

const OR: &str = "$or";
const FIELDS: [&str; 7] = ["topic", "partition", "offset", "timestamp", "key", "headers", "value"];

/// One checked pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    pub(super) text: String,
    pub(super) root: Group,
}

/// What an object of a pattern demands: every field, and of every `$or` one alternative.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    pub(super) fields: Vec<(String, Demand)>,
    pub(super) ors: Vec<Vec<Group>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Demand {
    Leaf(Leaf),
    Inner(Group),
}

/// What the keys of an object name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Record,
    Headers,
    Value,
}

impl Pattern {
    /// Reads the text of a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let path = Path::Root;
        if text.len() > MAX_BYTES {
            let message = format!("the pattern has {} bytes, more than {MAX_BYTES}", text.len());
            return Err(path.error(message, "let the handler decide what needs such long lists"));
        }
        let json: Json = serde_json::from_str(text).map_err(|error| {
            let hint = "in TOML, 'single quotes' or '''three of them''' take JSON as it is";
            path.error(format!("this is no JSON: {error}"), hint)
        })?;
        let Json::Object(entries) = &json else {
            let hint = "write {\"value\": {\"status\": [\"paid\"]}}";
            return Err(path.error(found("an object", &json), hint));
        };
        Ok(Pattern { text: text.to_owned(), root: group(entries, Scope::Record, path, 1)? })
    }
}

fn group(entries: &[(String, Json)], scope: Scope, path: Path<'_>, depth: usize) -> Result<Group, PatternError> {
    if depth > MAX_DEPTH {
        let message = format!("the pattern is more than {MAX_DEPTH} levels deep");
        return Err(path.error(message, "let the handler decide what lies so deep"));
    }
    if entries.is_empty() {
        let hint = "name a field and its admissible values; without any [[filter]], every record matches";
        return Err(path.error("the object is empty, so it says nothing", hint));
    }
    let mut group = Group::default();
    for (name, value) in entries {
        if name == OR {
            group.ors.push(alternatives(value, scope, path.key(name), depth)?);
        } else {
            let demand = demand(name, value, scope, path.key(name), depth)?;
            group.fields.push((name.clone(), demand));
        }
    }
    Ok(group)
}

fn alternatives(value: &Json, scope: Scope, path: Path<'_>, depth: usize) -> Result<Vec<Group>, PatternError> {
    const HINT: &str = "write \"$or\": [{\"a\": [1]}, {\"b\": [2]}]";
    let Json::Array(elements) = value else {
        return Err(path.error(found("an array of alternatives", value), HINT));
    };
    if elements.len() < 2 {
        let message = format!("expected at least two alternatives, found {}", elements.len());
        return Err(path.error(message, HINT));
    }
    let each = elements.iter().enumerate().map(|(index, element)| match element {
        Json::Object(entries) => group(entries, scope, path.index(index), depth + 1),
        other => Err(path.index(index).error(found("an object", other), HINT)),
    });
    each.collect()
}

fn demand(name: &str, value: &Json, scope: Scope, path: Path<'_>, depth: usize) -> Result<Demand, PatternError> {
    let (kind, inner) = match scope {
        Scope::Value => (Some(Kind::Json), Some(Scope::Value)),
        Scope::Headers => (Some(Kind::TextOrNull), None),
        Scope::Record => match name {
            "topic" | "key" => (Some(Kind::Text), None),
            "partition" | "offset" | "timestamp" => (Some(Kind::Number), None),
            "headers" => (None, Some(Scope::Headers)),
            "value" => (Some(Kind::Json), Some(Scope::Value)),
            _ => return Err(unknown_field(name, path)),
        },
    };
    match (value, kind, inner) {
        (Json::Array(elements), Some(kind), _) => leaf(elements, kind, path).map(Demand::Leaf),
        (Json::Object(entries), _, Some(inner)) => group(entries, inner, path, depth + 1).map(Demand::Inner),
        (other, Some(_), None) => {
            let hint = "write its admissible values in an array: [\"a\", {\"prefix\": \"b\"}]";
            Err(path.error(found("an array", other), hint))
        }
        (other, None, _) => {
            Err(path.error(found("an object", other), "name a header and its values: {\"source\": [\"web\"]}"))
        }
        (other, ..) => {
            let hint = "write the admissible values in an array, also a single one: [\"paid\"]";
            Err(path.error(found("an array or an object", other), hint))
        }
    }
}

fn unknown_field(name: &str, path: Path<'_>) -> PatternError {
    let hint = match nearest(name, FIELDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}; the fields of a record's JSON stand below `value`", FIELDS.join(", ")),
    };
    path.error("a record has nothing of that name", hint)
}
