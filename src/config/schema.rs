//! Which keys there are, and what their values may be.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    manifest::limits,
    quantity::{self, GIB, KIB, MIB},
};

/// Below this prefix stand librdkafka's own names, which have dots in them.
pub(super) const PROPERTIES: &str = "kafka.properties.";

pub(super) struct Key {
    pub name: &'static str,
    kind: Kind,
}

enum Kind {
    Brokers,
    Text,
    Switch,
    Count(RangeInclusive<u64>),
    Duration(RangeInclusive<Duration>),
    /// Or `never`.
    Patience(RangeInclusive<Duration>),
    Size(RangeInclusive<u64>),
    /// A key of a manifest's `[limits]`, with the same range.
    Limit(&'static str),
    Listen,
    LogLevel,
    Choice(&'static [&'static str]),
}

/// Why a value is refused, and what to do about it.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub reason: String,
    pub hint: String,
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

/// Every key of the configuration, in the order of `default.toml`.
pub(super) const KEYS: &[Key] = &[
    key("kafka.brokers", Kind::Brokers),
    key("functions.path", Kind::Text),
    key("functions.sleep-after", Kind::Patience(seconds(0)..=seconds(86_400))),
    key("functions.keep-positions", Kind::Duration(seconds(1)..=seconds(7 * 86_400))),
    key("topics.create", Kind::Switch),
    key("topics.partitions", Kind::Count(1..=10_000)),
    key("topics.replication-factor", Kind::Count(0..=100)),
    key("node.id", Kind::Text),
    key("workers.count", Kind::Count(0..=1024)),
    key("workers.start-timeout", Kind::Duration(seconds(1)..=seconds(600))),
    key("workers.quarantine-after", Kind::Count(1..=1000)),
    key("workers.pause-after", Kind::Count(1..=1000)),
    key("workers.crash-window", Kind::Duration(seconds(1)..=seconds(86_400))),
    key("workers.sandbox", Kind::Choice(&["best-effort", "required"])),
    key("workers.memory", Kind::Size(256 * MIB..=1024 * GIB)),
    key("source.memory", Kind::Size(MIB..=1024 * GIB)),
    key("source.max-in-flight-records", Kind::Count(1..=1_000_000)),
    key("source.max-in-flight-bytes", Kind::Size(64 * KIB..=GIB)),
    key("limits.default.cpu", Kind::Limit("cpu")),
    key("limits.default.wall", Kind::Limit("wall")),
    key("limits.default.heap", Kind::Limit("heap")),
    key("limits.default.external", Kind::Limit("external")),
    key("limits.default.output", Kind::Limit("output")),
    key("limits.default.results", Kind::Limit("results")),
    key("limits.default.log", Kind::Limit("log")),
    key("limits.default.timers", Kind::Limit("timers")),
    key("limits.default.fetches", Kind::Limit("fetches")),
    key("limits.default.load", Kind::Limit("load")),
    key("limits.max.cpu", Kind::Limit("cpu")),
    key("limits.max.wall", Kind::Limit("wall")),
    key("limits.max.heap", Kind::Limit("heap")),
    key("limits.max.external", Kind::Limit("external")),
    key("limits.max.output", Kind::Limit("output")),
    key("limits.max.results", Kind::Limit("results")),
    key("limits.max.log", Kind::Limit("log")),
    key("limits.max.timers", Kind::Limit("timers")),
    key("limits.max.fetches", Kind::Limit("fetches")),
    key("limits.max.load", Kind::Limit("load")),
    key("fetch.max-concurrent", Kind::Count(1..=65_536)),
    key("fetch.max-concurrent-per-function", Kind::Count(1..=65_536)),
    key("fetch.timeout", Kind::Duration(Duration::from_millis(1)..=seconds(3600))),
    key("fetch.max-request", Kind::Size(0..=GIB)),
    key("fetch.max-response", Kind::Size(0..=GIB)),
    key("fetch.ca-file", Kind::Text),
    key("admin.listen", Kind::Listen),
    key("logging.level", Kind::LogLevel),
    key("logging.format", Kind::Choice(&["auto", "pretty", "json"])),
    key("shutdown.timeout", Kind::Duration(seconds(0)..=seconds(3600))),
];

pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

impl Key {
    /// Whether the text is a value of this key; every layer delivers texts.
    pub fn check(&self, text: &str) -> Result<(), Refusal> {
        match &self.kind {
            Kind::Brokers => check_brokers(text),
            Kind::Text => check_text(text),
            Kind::Switch => one_of(text, &["true", "false"]),
            Kind::Count(range) => check_count(text, range),
            Kind::Duration(range) => check_duration(text, range),
            Kind::Patience(_) if text == quantity::NEVER => Ok(()),
            Kind::Patience(range) => check_duration(text, range),
            Kind::Size(range) => check_size(text, range),
            Kind::Limit(name) => check_limit(text, name),
            Kind::Listen => check_address(text, true),
            Kind::LogLevel => check_level(text),
            Kind::Choice(words) => one_of(text, words),
        }
    }
}

fn refuse(reason: String, hint: impl Into<String>) -> Result<(), Refusal> {
    let hint = hint.into();
    Err(Refusal { reason, hint })
}

fn check_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() || text.contains(char::is_control) {
        let hint = "give a text, or leave the key out";
        return refuse(format!("{text:?} is empty or not printable"), hint);
    }
    Ok(())
}

fn one_of(text: &str, words: &[&str]) -> Result<(), Refusal> {
    if words.contains(&text) {
        return Ok(());
    }
    let hint = format!("one of {}", words.join(", "));
    refuse(format!("{text:?} is no choice"), hint)
}

fn check_count(text: &str, range: &RangeInclusive<u64>) -> Result<(), Refusal> {
    let number = text.parse().ok();
    check_range(text, number, range, u64::to_string, "give a whole number")
}

fn check_duration(text: &str, range: &RangeInclusive<Duration>) -> Result<(), Refusal> {
    let format = |it: &Duration| quantity::format_duration(*it);
    check_range(text, quantity::parse_duration(text), range, format, quantity::DURATION_HINT)
}

fn check_size(text: &str, range: &RangeInclusive<u64>) -> Result<(), Refusal> {
    check_range(text, quantity::parse_size(text), range, |it| quantity::format_size(*it), quantity::SIZE_HINT)
}

fn check_limit(text: &str, name: &str) -> Result<(), Refusal> {
    if let Some((_, range)) = limits::TIMES.iter().find(|(key, _)| *key == name) {
        return check_duration(text, range);
    }
    if let Some((_, range)) = limits::SIZES.iter().find(|(key, _)| *key == name) {
        return check_size(text, range);
    }
    let found = limits::COUNTS.iter().find(|(key, _)| *key == name);
    found.map_or(Ok(()), |(_, range)| check_count(text, &(u64::from(*range.start())..=u64::from(*range.end()))))
}

fn check_range<T: PartialOrd>(
    text: &str,
    value: Option<T>,
    range: &RangeInclusive<T>,
    format: impl Fn(&T) -> String,
    hint: &str,
) -> Result<(), Refusal> {
    match value {
        None => refuse(format!("{text:?} was not understood"), hint),
        Some(value) if range.contains(&value) => Ok(()),
        Some(_) => refuse(
            format!("{text:?} is out of range"),
            format!("between {} and {}", format(range.start()), format(range.end())),
        ),
    }
}

fn check_brokers(text: &str) -> Result<(), Refusal> {
    text.split(',').try_for_each(|broker| check_address(broker.trim(), false))
}

fn check_address(text: &str, needs_port: bool) -> Result<(), Refusal> {
    let hint = "write host:port, such as localhost:9092";
    // librdkafka allows a protocol before a broker's name.
    let address = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let bad_port = match port {
        Some(port) => port.parse::<u16>().is_err(),
        None => needs_port,
    };
    if bad_port || host.is_empty() || host.contains(char::is_whitespace) {
        return refuse(format!("{text:?} is no address"), hint);
    }
    Ok(())
}

fn check_level(text: &str) -> Result<(), Refusal> {
    let parsed = tracing_subscriber::EnvFilter::builder().parse(text);
    match parsed {
        Ok(_) if !text.trim().is_empty() => Ok(()),
        _ => refuse(
            format!("{text:?} is no log level"),
            "one of error, warn, info, debug, trace, or directives such as \"info,eddyline=debug\"",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hosts_with_ports() {
        for good in ["localhost:9092", "127.0.0.1:0", "[::1]:9640", "kafka.example:1"] {
            assert_eq!(check_address(good, true), Ok(()), "{good}");
        }
        for bad in ["", ":9092", "localhost", "localhost:", "localhost:70000", "a b:1", "[::1]"] {
            assert!(check_address(bad, true).is_err(), "{bad}");
        }
        for good in ["kafka", "a:1,b:2", "a:1, b:2", "SSL://a:9093", "[::1]:9092"] {
            assert_eq!(check_brokers(good), Ok(()), "{good}");
        }
        for bad in ["", "a:1,,b:2", "a:x"] {
            assert!(check_brokers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn levels_are_those_of_tracing() {
        for good in ["info", "debug", "info,eddyline=debug"] {
            assert_eq!(check_level(good), Ok(()), "{good}");
        }
        for bad in ["", "eddyline=loud", "a=b=c"] {
            assert!(check_level(bad).is_err(), "{bad}");
        }
    }
}
