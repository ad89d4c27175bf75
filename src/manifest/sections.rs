//! The sections of a manifest, each with the ranges of its values.

use std::time::Duration;

use super::{
    Batch, Delivery, Guarantee, Order, Retry, Source, Start, Topics, names, parse::ParseOptions, pattern::Pattern,
};
use crate::{
    diagnostic::{Related, codes},
    document::{TableReader, ValueReader},
    protocol::run::MOST_RECORDS,
    quantity::{KIB, MIB, format_duration, parse_duration},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Shorter than a transaction may stay open.
const MAX_COMMIT_INTERVAL: Duration = Duration::from_secs(10);
const MAX_ATTEMPTS: u32 = 1_000;
const MAX_CONCURRENCY: u32 = 1_000;

/// A written value together with where it was written.
pub(super) type Placed<'d> = (String, ValueReader<'d>);

/// Reads `[source]`; returns its topics with their places.
pub(super) fn source<'d>(root: &mut TableReader<'d>, source: &mut Source) -> Vec<Placed<'d>> {
    let Some(value) = root.value("source") else {
        root.note(missing_source(root));
        return Vec::new();
    };
    let Some(mut table) = value.table() else {
        return Vec::new();
    };
    let topics = table.value("topics");
    let pattern = table.value("pattern");
    let mut placed = Vec::new();
    match (&topics, &pattern) {
        (Some(topics), None) => {
            placed = source_topics(topics);
            source.topics = Topics::Named(placed.iter().map(|(name, _)| name.clone()).collect());
        }
        (None, Some(pattern)) => {
            if let Some(pattern) = source_pattern(pattern) {
                source.topics = Topics::Pattern(pattern);
            }
        }
        (Some(topics), Some(pattern)) => {
            let message = "`source.topics` and `source.pattern` exclude each other";
            let mut both = pattern.error(codes::EXCLUSIVE_KEYS, message);
            both = both.with_hint("keep one of them");
            root.note(both.with_related(topics.related("the topics are given here")));
        }
        (None, None) => root.note(missing_source(&table)),
    }
    if let Some(value) = table.value("start") {
        source.start = start(&value).unwrap_or_default();
    }
    if let Some(value) = table.value("group") {
        source.group = names::group(&value).unwrap_or_default();
    }
    if let Some(value) = table.value("skip-older-than") {
        source.skip_older_than = value.duration(MILLISECOND..=100 * YEAR);
    }
    table.refuse_unknown();
    placed
}

fn missing_source(table: &TableReader<'_>) -> crate::diagnostic::Diagnostic {
    let message = "the function has no source: `source.topics` is missing";
    table.error(codes::MISSING_KEY, message).with_hint("name its topics under [source]: topics = [\"orders\"]")
}

fn source_topics<'d>(value: &ValueReader<'d>) -> Vec<Placed<'d>> {
    let mut topics: Vec<Placed<'d>> = Vec::new();
    let written = value.strings();
    if written.as_ref().is_some_and(Vec::is_empty) && value.is_empty_array() {
        let hint = "name at least one topic";
        value.refuse::<()>(codes::BAD_VALUE, "`source.topics` is empty", hint);
    }
    for (name, place) in written.unwrap_or_default() {
        let Some(name) = names::topic(name, &place) else {
            continue;
        };
        refuse_twice(&name, &place, &topics);
        topics.push((name, place));
    }
    topics
}

/// Notes a topic that the list already has.
pub(super) fn refuse_twice(name: &str, place: &ValueReader<'_>, list: &[Placed<'_>]) {
    if let Some((_, first)) = list.iter().find(|(other, _)| other == name) {
        let message = format!("topic {name:?} is listed twice");
        let twice = place.error(codes::BAD_VALUE, message);
        let related: Related = first.related("it is listed here too");
        place.note(twice.with_hint("remove one of them").with_related(related));
    }
}

fn source_pattern(value: &ValueReader<'_>) -> Option<Pattern> {
    let text = value.string()?;
    if text.is_empty() {
        return value.refuse(
            codes::PATTERN,
            "`source.pattern` is empty",
            "the pattern has to match a topic's whole name, such as \"orders\\\\..*\"",
        );
    }
    match Pattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(error) => value.refuse(
            codes::PATTERN,
            format!("`source.pattern` is no regular expression: {}", reason(&error)),
            "patterns are Rust's regular expressions and match a topic's whole name; \
             in TOML, 'single quotes' need no doubled backslashes",
        ),
    }
}

/// The last line of the regex crate's drawing, which says what is wrong in words.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn start(value: &ValueReader<'_>) -> Option<Start> {
    let is_word = |text: &str| !text.starts_with(|first: char| first.is_ascii_digit());
    if value.text().is_some_and(is_word) {
        value.choice(&[("earliest", Start::Earliest), ("latest", Start::Latest)])
    } else if let Some(ago) = value.text().and_then(parse_duration) {
        Some(Start::Ago(ago))
    } else {
        value.timestamp().map(Start::Time)
    }
}

pub(super) fn batch(root: &mut TableReader<'_>, batch: &mut Batch) {
    let Some(mut table) = root.table("batch") else {
        return;
    };
    table.count("max-records", 1..=MOST_RECORDS, &mut batch.max_records);
    table.size("max-bytes", KIB..=64 * MIB, &mut batch.max_bytes);
    table.duration("max-wait", Duration::ZERO..=MINUTE, &mut batch.max_wait);
    table.refuse_unknown();
}

pub(super) fn delivery(root: &mut TableReader<'_>, delivery: &mut Delivery, options: &ParseOptions) {
    let Some(mut table) = root.table("delivery") else {
        return;
    };
    let guarantees = [("at-least-once", Guarantee::AtLeastOnce), ("exactly-once", Guarantee::ExactlyOnce)];
    table.choice("guarantee", &guarantees, &mut delivery.guarantee);
    if delivery.guarantee == Guarantee::ExactlyOnce
        && options.without_transactions
        && let Some(value) = table.value("guarantee")
    {
        let message = "`guarantee = \"exactly-once\"` needs transactions, which the embedded broker does not have";
        let hint = "use \"at-least-once\" to try it out, or a real Kafka";
        value.refuse::<()>(codes::NOT_SUPPORTED_YET, message, hint);
    }
    let orders = [("partition", Order::Partition), ("key", Order::Key), ("none", Order::None)];
    table.choice("order", &orders, &mut delivery.order);
    table.count("concurrency", 1..=MAX_CONCURRENCY, &mut delivery.concurrency);
    if delivery.concurrency > 1
        && delivery.order == Order::Partition
        && let Some(value) = table.value("concurrency")
    {
        value.refuse::<()>(
            codes::BAD_VALUE,
            format!("`concurrency = {}` cannot keep the order by partition", delivery.concurrency),
            "leave it at 1, or relax the order: order = \"key\" or \"none\"",
        );
    } else if delivery.concurrency > 1
        && delivery.guarantee == Guarantee::ExactlyOnce
        && let Some(value) = table.value("concurrency")
    {
        value.refuse::<()>(
            codes::NOT_SUPPORTED_YET,
            format!("`concurrency = {}` is not supported yet with exactly-once", delivery.concurrency),
            "leave it at 1, or use guarantee = \"at-least-once\"",
        );
    }
    let intervals = MILLISECOND..=MAX_COMMIT_INTERVAL;
    table.duration("commit-interval", intervals, &mut delivery.commit_interval);
    table.refuse_unknown();
}

pub(super) fn retry(root: &mut TableReader<'_>, retry: &mut Retry) {
    let Some(mut table) = root.table("retry") else {
        return;
    };
    table.count("max-attempts", 1..=MAX_ATTEMPTS, &mut retry.max_attempts);
    table.duration("max-age", MILLISECOND..=YEAR, &mut retry.max_age);
    if let Some(mut backoff) = table.table("backoff") {
        let delays = MILLISECOND..=HOUR;
        backoff.duration("initial", delays.clone(), &mut retry.backoff.initial);
        backoff.duration("max", delays, &mut retry.backoff.max);
        if retry.backoff.initial > retry.backoff.max {
            let [initial, max] = [retry.backoff.initial, retry.backoff.max].map(format_duration);
            let message = format!("the first backoff, {initial}, is longer than the longest, {max}");
            let wrong = backoff.error(codes::BAD_VALUE, &message);
            table.note(wrong.with_hint("make `initial` at most `max`"));
        }
        backoff.refuse_unknown();
    }
    table.refuse_unknown();
}
