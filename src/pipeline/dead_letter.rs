//! The last way of a record that failed for good: its original bytes, and behind its own headers ours, which say what
//! happened.

use jiff::Timestamp;

use super::output::Output;
use super::sink::{Sink, Writing};
use super::tickets::Ticket;
use crate::kafka::Message;
use crate::outcome::Outcome;

/// Room that our headers may take; a created dead-letter topic allows for it beside the largest source record.
pub const HEADER_ROOM: usize = 64 << 10;
/// Bytes of the error's text, and of its stack, that a letter carries at most.
const MAX_MESSAGE: usize = 8 << 10;
const MAX_STACK: usize = 32 << 10;

/// What is said about the failure.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    pub function: &'a str,
    pub version: u64,
    pub outcome: Outcome,
    pub message: &'a str,
    pub stack: &'a str,
    /// Runs, the last included.
    pub attempts: u32,
}

/// Where the record was.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
}

impl Origin<'_> {
    fn of(record: &Message) -> Origin<'_> {
        let (topic, partition, offset) = (record.topic(), record.partition(), record.offset());
        Origin { topic, partition, offset, timestamp: record.timestamp() }
    }
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Our headers, in the order in which they stand behind the record's own.
pub fn headers(failure: &Failure<'_>, origin: &Origin<'_>, stack: &str, now: Timestamp) -> Vec<(&'static str, String)> {
    let timestamp = origin.timestamp.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let mut headers = vec![
        ("eddyline.error.function", failure.function.to_owned()),
        ("eddyline.error.version", failure.version.to_string()),
        ("eddyline.error.code", failure.outcome.code().unwrap_or("E2001").to_owned()),
        ("eddyline.error.message", cut(failure.message, MAX_MESSAGE).to_owned()),
    ];
    if !stack.is_empty() {
        headers.push(("eddyline.error.stack", stack.to_owned()));
    }
    headers.extend([
        ("eddyline.error.attempts", failure.attempts.to_string()),
        ("eddyline.error.topic", origin.topic.to_owned()),
        ("eddyline.error.partition", origin.partition.to_string()),
        ("eddyline.error.offset", origin.offset.to_string()),
    ]);
    if let Some(timestamp) = timestamp {
        headers.push(("eddyline.error.timestamp", format!("{timestamp:.3}")));
    }
    headers.push(("eddyline.error.failed-at", format!("{now:.3}")));
    headers
}

/// Writes the dead letter. Where it would be too large for its topic, the stack is cut first.
pub fn write(sink: &mut Sink, ticket: Ticket, failure: &Failure<'_>, record: &Message, output: &Output) {
    let now = Timestamp::now();
    let mut ours = headers(failure, &Origin::of(record), cut(failure.stack, MAX_STACK), now);
    let added: usize = ours.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    // Two lengths of at most five bytes stand before each header.
    let lengths = 10 * (record.headers().count() + ours.len());
    let large = output.refuses_size(record.bytes() + added + lengths).is_some();
    if large {
        ours = headers(failure, &Origin::of(record), "", now);
    }
    let writing = Writing {
        output,
        partition: None,
        timestamp: Some(now.as_millisecond()),
        key: record.key(),
        value: record.value(),
    };
    let ours = ours.iter().map(|(name, value)| (name.as_bytes(), Some(value.as_bytes())));
    let headers = record.headers().chain(ours);
    if large { sink.write_alone(ticket, &writing, headers) } else { sink.write(ticket, writing, headers) }
}
