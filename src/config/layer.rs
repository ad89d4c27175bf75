//! One layer of the configuration: checked texts by key, and where each came from.

use std::path::Path;

use super::{
    origin::Origin,
    properties::{is_secret, shown},
    reserved,
    schema::{self, PROPERTIES},
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, codes, did_you_mean, nearest},
    document::{Document, TableReader, ValueReader},
};

const VARIABLE_PREFIX: &str = "EDDYLINE__";

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Dotted; below `kafka.properties.` the rest is one name.
    pub key: String,
    pub text: String,
    pub origin: Origin,
}

/// The entries of a file's text, or those that are right together with all mistakes.
pub(super) fn from_text(file: &Path, text: &str, origin: &Origin, mistakes: &mut Diagnostics) -> Vec<Entry> {
    // Judged by the whole key, so that a misspelt or misplaced section gives nothing away.
    let document = match Document::parse(file, text, &is_secret) {
        Ok(document) => document,
        Err(syntax) => {
            mistakes.extend(syntax);
            return Vec::new();
        }
    };
    let mut entries = Vec::new();
    walk(&document.root(), origin, &mut entries);
    let (_, _, found) = document.finish();
    mistakes.extend(found);
    entries
}

fn walk(table: &TableReader<'_>, origin: &Origin, entries: &mut Vec<Entry>) {
    for (_, value) in table.entries() {
        let key = value.path().to_owned();
        if is_section(&key) || (key.starts_with(PROPERTIES) && value.is_table()) {
            if let Some(inner) = value.table() {
                walk(&inner, origin, entries);
            }
            continue;
        }
        let Some(text) = accept_key(&key, &value).and_then(|()| value.scalar()) else {
            continue;
        };
        match check(&key, &text) {
            Ok(()) => entries.push(Entry { key, text, origin: origin.clone() }),
            Err(wrong) => value.note(value.error(wrong.code, wrong.message).with_optional_hint(wrong.hint)),
        }
    }
}

fn accept_key(key: &str, value: &ValueReader<'_>) -> Option<()> {
    match known(key) {
        Ok(()) => Some(()),
        Err(wrong) => {
            let unknown = value.key_error(wrong.code, wrong.message);
            value.note(unknown.with_optional_hint(wrong.hint));
            None
        }
    }
}

/// The entries of all `EDDYLINE__…` variables; an empty one counts as not set.
pub(super) fn from_environment(
    variables: impl Iterator<Item = (String, String)>,
    mistakes: &mut Diagnostics,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut ours: Vec<(String, String)> =
        variables.filter(|(name, value)| name.starts_with(VARIABLE_PREFIX) && !value.is_empty()).collect();
    ours.sort();
    for (name, text) in ours {
        let key = key_of_variable(&name[VARIABLE_PREFIX.len()..]);
        let place = format!("environment variable {name}");
        let origin = Origin::Environment(name);
        entries.extend(scalar_entry(key, text, origin, &place, mistakes));
    }
    entries
}

/// The entries set by flags, by dotted key.
pub(super) fn from_flags(flags: impl Iterator<Item = (String, String)>, mistakes: &mut Diagnostics) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (key, text) in flags {
        let place = format!("flag for {key}");
        let origin = Origin::Flag(key.clone());
        entries.extend(scalar_entry(key, text, origin, &place, mistakes));
    }
    entries
}

fn scalar_entry(key: String, text: String, origin: Origin, place: &str, mistakes: &mut Diagnostics) -> Option<Entry> {
    match known(&key).and_then(|()| check(&key, &text)) {
        Ok(()) => Some(Entry { key, text, origin }),
        Err(wrong) => {
            let error = Diagnostic::error(wrong.code, place, wrong.message);
            mistakes.push(error.with_optional_hint(wrong.hint));
            None
        }
    }
}

fn key_of_variable(name: &str) -> String {
    let parts: Vec<String> = name.split("__").map(|part| part.to_ascii_lowercase().replace('_', "-")).collect();
    parts.join(".")
}

struct Wrong {
    code: &'static str,
    message: String,
    hint: Option<String>,
}

fn is_section(key: &str) -> bool {
    let inside = format!("{key}.");
    PROPERTIES.starts_with(&inside) || schema::KEYS.iter().any(|known| known.name.starts_with(&inside))
}

fn known(key: &str) -> Result<(), Wrong> {
    if let Some(property) = key.strip_prefix(PROPERTIES) {
        return match reserved::reason(property) {
            None => Ok(()),
            Some(reason) => Err(Wrong {
                code: codes::RESERVED_PROPERTY,
                message: format!("`{property}` cannot be set: {reason}"),
                hint: Some("remove it".to_owned()),
            }),
        };
    }
    if schema::find(key).is_some() {
        return Ok(());
    }
    if is_section(key) {
        return Err(Wrong {
            code: codes::WRONG_TYPE,
            message: format!("`{key}` is a section, not a key"),
            hint: Some(format!("name a key in it: `{key}.…`")),
        });
    }
    Err(Wrong { code: codes::UNKNOWN_KEY, message: format!("unknown key `{key}`"), hint: hint_for_unknown(key) })
}

/// Within a known section its keys are offered, else the nearest key or section of all.
fn hint_for_unknown(key: &str) -> Option<String> {
    let sections =
        ["kafka", "functions", "topics", "node", "workers", "source", "limits", "admin", "logging", "shutdown"];
    let Some((section, name)) = key.split_once('.') else {
        return did_you_mean(key, sections);
    };
    let in_section = || {
        let keys = schema::KEYS.iter().map(|known| known.name);
        keys.chain([PROPERTIES.trim_end_matches('.')])
            .filter_map(|known| known.strip_prefix(section)?.strip_prefix('.'))
    };
    if in_section().next().is_some() {
        let names: Vec<&str> = in_section().collect();
        return did_you_mean(name, names);
    }
    let keys = schema::KEYS.iter().map(|known| known.name);
    match nearest(key, keys) {
        Some(known) => Some(format!("did you mean `{known}`?")),
        None => did_you_mean(section, sections),
    }
}

fn check(key: &str, text: &str) -> Result<(), Wrong> {
    if text.contains('\0') {
        // It would end the text early on its way into librdkafka. The value may be a secret, so it is not shown.
        return Err(Wrong {
            code: codes::BAD_VALUE,
            message: format!("`{key}` contains a zero character"),
            hint: Some("remove it".to_owned()),
        });
    }
    let Some(known) = schema::find(key) else {
        return Ok(());
    };
    known.check(text).map_err(|refusal| Wrong {
        code: codes::BAD_VALUE,
        message: format!("`{key}`: {}", refusal.reason),
        hint: Some(refusal.hint),
    })
}

impl Entry {
    /// The value as people may see it.
    pub fn shown(&self) -> &str {
        match self.key.strip_prefix(PROPERTIES) {
            Some(property) => shown(property, &self.text),
            None => &self.text,
        }
    }
}
