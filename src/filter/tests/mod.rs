//! Patterns and records: rules, mistakes, and a model.

mod generate;
mod mistakes;
mod model;
mod random;
mod record;
mod value;

use super::*;

type NoHeaders<'a> = std::iter::Empty<(&'a [u8], Option<&'a [u8]>)>;

/// The patterns as one filter.
#[track_caller]
fn filter(patterns: &[&str]) -> Filter {
    let parse = |text: &&str| Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Filter::new(patterns.iter().map(parse).collect()).unwrap()
}

/// A record of which only the value matters.
fn valued(value: Option<&[u8]>) -> Subject<'_, NoHeaders<'_>> {
    Subject { topic: "orders", partition: 0, offset: 0, timestamp: None, key: None, value, headers: std::iter::empty() }
}

/// What the patterns say of a record of this value.
#[track_caller]
fn of_value(patterns: &[&str], value: &[u8]) -> Verdict {
    filter(patterns).sieve().judge(&valued(Some(value)))
}
