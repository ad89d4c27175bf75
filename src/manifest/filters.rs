//! `[[filter]]`: which records the function wants.

use crate::{
    diagnostic::codes,
    document::{TableReader, ValueReader},
    filter::{Filter, Pattern, PatternError},
};

/// Reads every `[[filter]]`; any of them that matches suffices. Nothing where there is none, or a mistake in one.
pub(super) fn filters(root: &mut TableReader<'_>) -> Option<Filter> {
    let value = root.value("filter")?;
    let tables = value.tables()?;
    if tables.is_empty() {
        let hint = "leave it out, and every record is handled";
        return value.refuse(codes::BAD_VALUE, "`filter` is empty, so no record would match", hint);
    }
    // All of them are read before the first mistake counts, so that all mistakes are shown.
    let written: Vec<_> = tables.into_iter().map(filter).collect();
    let written: Vec<_> = written.into_iter().collect::<Option<_>>()?;
    let (patterns, places): (Vec<Pattern>, Vec<ValueReader<'_>>) = written.into_iter().unzip();
    match Filter::new(patterns) {
        Ok(filter) => Some(filter),
        Err((index, error)) => refuse(&places[index], &error),
    }
}

fn filter<'d>(mut table: TableReader<'d>) -> Option<(Pattern, ValueReader<'d>)> {
    let pattern = table.value("pattern");
    if pattern.is_none() {
        let hint = "write pattern = '{ \"value\": { \"status\": [\"paid\"] } }'";
        table.note(table.error(codes::MISSING_KEY, "`filter.pattern` is missing").with_hint(hint));
    }
    table.refuse_unknown();
    let place = pattern?;
    match Pattern::parse(&place.string()?) {
        Ok(pattern) => Some((pattern, place)),
        Err(error) => refuse(&place, &error),
    }
}

fn refuse<T>(place: &ValueReader<'_>, error: &PatternError) -> Option<T> {
    place.refuse(codes::FILTER, format!("`filter.pattern` cannot be used: {error}"), &error.hint)
}
