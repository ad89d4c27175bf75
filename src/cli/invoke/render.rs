//! What came of a record, for people and for programs.

use serde_json::{Value, json};

use super::{
    invoked::{Cost, Emitted, Invoked},
    record::{Given, headers_json, text_json, value_json},
};
use crate::{cli::style::Paint, protocol::control::LogLevel};

pub(in crate::cli) fn as_json(invoked: &Invoked) -> Value {
    let Cost { wall, cpu, heap, external } = invoked.cost;
    let logs: Vec<Value> = invoked.logs.iter().map(|(level, text)| json!({ "level": level, "text": text })).collect();
    let error = (!invoked.outcome.is_success())
        .then(|| json!({ "code": invoked.outcome.code(), "message": invoked.message, "stack": invoked.stack }));
    let reason = (invoked.outcome.is_success() && !invoked.message.is_empty()).then_some(&invoked.message);
    json!({
        "record": record_json(&invoked.record),
        "outcome": invoked.outcome.label(),
        "error": error,
        "reason": reason,
        "results": invoked.results.iter().map(emitted_json).collect::<Vec<_>>(),
        "logs": logs,
        "wall_ms": wall.as_secs_f64() * 1e3,
        "cpu_ms": cpu.as_secs_f64() * 1e3,
        "heap_bytes": heap,
        "external_bytes": external,
    })
}

pub(in crate::cli) fn record_json(record: &Given) -> Value {
    json!({
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": text_json(record.key.as_deref()),
        "headers": headers_json(&record.headers),
        "value": value_json(record.value.as_deref()),
    })
}

fn emitted_json(result: &Emitted) -> Value {
    json!({
        "topic": result.topic,
        "partition": result.partition,
        "timestamp": result.timestamp,
        "key": text_json(result.key.as_deref()),
        "headers": headers_json(&result.headers),
        "value": value_json(result.value.as_deref()),
    })
}

pub(in crate::cli) fn as_text(paint: Paint, invoked: &Invoked) -> String {
    let record = &invoked.record;
    let place = format!("{}/{}/{}", record.topic, record.partition, record.offset);
    let mut text = format!("{}{}\n", paint.strong(place), key_text(paint, record.key.as_deref()));
    text.push_str(&format!("  {} {}\n", paint.faint("in "), value_text(record.value.as_deref())));
    for (level, line) in &invoked.logs {
        let level = match level {
            LogLevel::Debug => paint.faint("debug"),
            LogLevel::Info => paint.faint("info"),
            LogLevel::Warn => paint.warning("warn"),
            LogLevel::Error => paint.bad("error"),
        };
        text.push_str(&format!("  {} {level} {line}\n", paint.faint("log")));
    }
    for result in &invoked.results {
        text.push_str(&result_text(paint, record, result));
    }
    if !invoked.message.is_empty() {
        let is_failure = !invoked.outcome.is_success();
        let message = if is_failure { paint.bad(&invoked.message) } else { paint.faint(&invoked.message) };
        text.push_str(&format!("  {message}\n"));
    }
    // The stack's first line repeats the message.
    for line in invoked.stack.lines().filter(|line| line.trim_start().starts_with("at ")) {
        text.push_str(&format!("  {}\n", paint.faint(line.trim_end())));
    }
    text.push_str(&format!("  {}", outcome_text(paint, invoked)));
    // What was not run cost nothing.
    if invoked.cost != Cost::default() {
        text.push_str(&format!("  {}", paint.faint(cost_text(&invoked.cost))));
    }
    text + "\n\n"
}

fn result_text(paint: Paint, record: &Given, result: &Emitted) -> String {
    let partition = result.partition.map(|number| format!("/{number}")).unwrap_or_default();
    let key = if result.key == record.key { String::new() } else { key_text(paint, result.key.as_deref()) };
    let topic = paint.name(format!("{}{partition}", result.topic));
    let mut text = format!("  → {topic}{key}  {}\n", value_text(result.value.as_deref()));
    if result.headers != record.headers {
        text.push_str(&format!("      {} {}\n", paint.faint("headers"), headers_json(&result.headers)));
    }
    if result.timestamp != record.timestamp {
        text.push_str(&format!("      {} {}\n", paint.faint("timestamp"), result.timestamp));
    }
    text
}

fn key_text(paint: Paint, key: Option<&[u8]>) -> String {
    format!("  {} {}", paint.faint("key"), text_json(key))
}

/// Text and JSON as they are, null and bytes as JSON shows them.
fn value_text(value: Option<&[u8]>) -> String {
    match value.map(std::str::from_utf8) {
        Some(Ok(text)) if !text.is_empty() => text.to_owned(),
        _ => text_json(value).to_string(),
    }
}

fn outcome_text(paint: Paint, invoked: &Invoked) -> String {
    let label = invoked.outcome.label();
    match invoked.outcome.code() {
        None => paint.good(label),
        Some(code) => paint.bad(format!("{label} ({code})")),
    }
}

fn cost_text(cost: &Cost) -> String {
    let milliseconds = |time: std::time::Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    format!(
        "{} wall, {} CPU, {} heap, {} external",
        milliseconds(cost.wall),
        milliseconds(cost.cpu),
        mebibytes(cost.heap),
        mebibytes(cost.external)
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outcome::Outcome;

    fn invoked() -> Invoked {
        let record = Given {
            topic: "orders".to_owned(),
            offset: 4,
            timestamp: 1000,
            key: Some(b"k".to_vec()),
            value: Some(br#"{"id":1}"#.to_vec()),
            ..Given::default()
        };
        let result = Emitted {
            topic: "orders.enriched".to_owned(),
            partition: Some(2),
            timestamp: 1000,
            key: None,
            headers: vec![(b"h".to_vec(), None)],
            value: Some(vec![0xff]),
        };
        let cost =
            Cost { wall: Duration::from_micros(1234), cpu: Duration::from_micros(900), heap: 3 << 20, external: 0 };
        Invoked {
            record,
            outcome: Outcome::Done,
            message: String::new(),
            stack: String::new(),
            results: vec![result],
            logs: vec![(LogLevel::Warn, "careful".to_owned())],
            cost,
        }
    }

    #[test]
    fn a_result_is_shown_with_what_differs_from_its_record() {
        insta::assert_snapshot!(as_text(Paint::default(), &invoked()));
    }

    #[test]
    fn a_failure_is_shown_with_its_code_and_place() {
        let failed = Invoked {
            outcome: Outcome::Failed,
            message: "TypeError: x is undefined".to_owned(),
            stack: "TypeError: x is undefined\n    at price (index.ts:3:9)".to_owned(),
            results: Vec::new(),
            logs: Vec::new(),
            ..invoked()
        };
        insta::assert_snapshot!(as_text(Paint::default(), &failed));
    }

    #[test]
    fn what_no_filter_matches_is_shown_with_the_reason() {
        let mut invoked = invoked();
        let reason = "no filter matches".to_owned();
        invoked = Invoked { message: reason, ..Invoked::empty(&invoked.record, Outcome::Filtered, Cost::default()) };
        assert!(as_text(Paint::default(), &invoked).ends_with("\n  no filter matches\n  filtered\n\n"));
        assert_eq!(as_json(&invoked)["reason"], "no filter matches");
    }

    #[test]
    fn programs_get_everything() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&as_json(&invoked())).unwrap());
    }
}
