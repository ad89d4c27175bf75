//! `Settled`: how invocations of one isolate ended, in the order in which they ended, with their results.
//!
//! ```text
//! settled    = cpu-ns:u64 heap:u64 external:u64 count:u32 entry*
//! entry      = id:u64 lane:u32 how:u8 …
//!   not run    how=0
//!   whole      how=1 wall-ns:u64 failure             (every record of the invocation failed alike)
//!   each       how=2 wall-ns:u64 records:u32 verdict*
//! verdict    = outcome:u8, then for done and filtered: results:u32 bytes:u32 result*, else: failure's texts;
//!              where the handler asked for a retry after a time, 128 is added to outcome and delay-ms:u32 follows it
//! failure    = outcome:u8 message:bytes stack:bytes
//! result     = topic:u16 set:u8 [partition:i32] [timestamp:i64] [key:optional]
//!              [headers:u32 (name:bytes value:optional)*] value
//! value      = kind:u8: 0 null, 1 bytes, 2 the record's own value
//! ```
//! `topic` counts the function's declared output topics, its sink first; [`SINK`] is the sink. `set` tells which of
//! the optional fields are there: what is absent is kept from the record.

use std::time::Duration;

use super::frame::{Builder, Kind};
use super::headers::Headers;
use super::run::MOST_RECORDS;
use super::wire::{Put, Reader, WireError, patch_u32};
use crate::outcome::Outcome;

/// Longest text of a failure, in bytes. A worker cuts its own far below.
pub const MOST_TEXT: usize = 64 << 10;

/// The topic number of a result that goes to the manifest's sink.
pub const SINK: u16 = 0;

const NOT_RUN: u8 = 0;
const WHOLE: u8 = 1;
const EACH: u8 = 2;

/// Added to the outcome of a record that asks to be run again after a time.
const LATER: u8 = 128;

const SET_PARTITION: u8 = 1;
const SET_TIMESTAMP: u8 = 2;
const SET_KEY: u8 = 4;
const SET_HEADERS: u8 = 8;
const REPLACE_HEADERS: u8 = 16;

const VALUE_NULL: u8 = 0;
const VALUE_BYTES: u8 = 1;
const VALUE_SAME: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Bytes(&'a [u8]),
    /// The record's own value, unchanged; it need not travel back.
    Same,
}

/// What a result says of its headers.
#[derive(Debug, Clone, Copy)]
pub enum HeaderChange<'a> {
    Keep,
    /// Sets each named header, or removes it where the value is null; others stay.
    Patch(Headers<'a>),
    Replace(Headers<'a>),
}

/// One result, borrowed from the message.
#[derive(Debug, Clone, Copy)]
pub struct ResultView<'a> {
    pub topic: u16,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
    /// `None`: the record's key; `Some(None)`: no key.
    pub key: Option<Option<&'a [u8]>>,
    pub headers: HeaderChange<'a>,
    pub value: Value<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureView<'a> {
    pub outcome: Outcome,
    pub message: &'a str,
    pub stack: &'a str,
}

#[derive(Debug, Clone)]
pub enum Verdict<'a> {
    Success {
        outcome: Outcome,
        results: Results<'a>,
    },
    Failure(FailureView<'a>),
    /// A failure, and when the handler would have the record run again at the earliest.
    Later {
        failure: FailureView<'a>,
        delay: Duration,
    },
}

#[derive(Debug)]
pub enum How<'a> {
    NotRun,
    Whole { wall_ns: u64, failure: FailureView<'a> },
    Each { wall_ns: u64, verdicts: &'a [Verdict<'a>] },
}

#[derive(Debug)]
pub struct Entry<'a> {
    pub id: u64,
    pub lane: u32,
    pub how: How<'a>,
}

/// The results of one record; they were checked when the entry was read.
#[derive(Debug, Clone, Copy)]
pub struct Results<'a> {
    count: u32,
    rest: Reader<'a>,
}

impl<'a> Results<'a> {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that they take in the message.
    pub fn bytes(&self) -> usize {
        self.rest.remaining()
    }

    pub fn iter(self) -> impl Iterator<Item = ResultView<'a>> {
        let mut rest = self.rest;
        (0..self.count).map_while(move |_| read_result(&mut rest).ok())
    }
}

/// Reads a `Settled` message.
#[derive(Debug)]
pub struct SettledReader<'a> {
    pub cpu_ns: u64,
    pub heap: u64,
    pub external: u64,
    left: u32,
    rest: Reader<'a>,
    /// Of the last entry; one buffer for all.
    verdicts: Vec<Verdict<'a>>,
}

impl<'a> SettledReader<'a> {
    pub fn new(body: &'a [u8]) -> Result<SettledReader<'a>, WireError> {
        let mut rest = Reader::new(body);
        let (cpu_ns, heap, external, left) = (rest.u64()?, rest.u64()?, rest.u64()?, rest.u32()?);
        Ok(SettledReader { cpu_ns, heap, external, left, rest, verdicts: Vec::new() })
    }

    /// Whether it claims to have no further entry.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The next entry, checked through to its last result.
    pub fn entry(&mut self) -> Result<Option<Entry<'_>>, WireError> {
        if self.left == 0 {
            return self.rest.finish().map(|()| None);
        }
        self.left -= 1;
        let (id, lane) = (self.rest.u64()?, self.rest.u32()?);
        let how = match self.rest.u8()? {
            NOT_RUN => How::NotRun,
            WHOLE => {
                let wall_ns = self.rest.u64()?;
                let outcome = outcome(self.rest.u8()?)?;
                How::Whole { wall_ns, failure: read_failure(&mut self.rest, outcome)? }
            }
            EACH => {
                let (wall_ns, count) = (self.rest.u64()?, self.rest.u32()?);
                if count > MOST_RECORDS {
                    return Err(WireError::Invalid { what: "number of verdicts", value: count.into() });
                }
                self.verdicts.clear();
                for _ in 0..count {
                    self.verdicts.push(read_verdict(&mut self.rest)?);
                }
                How::Each { wall_ns, verdicts: &self.verdicts }
            }
            other => return Err(WireError::Invalid { what: "kind of entry", value: other.into() }),
        };
        Ok(Some(Entry { id, lane, how }))
    }
}

fn outcome(byte: u8) -> Result<Outcome, WireError> {
    Outcome::from_u8(byte).ok_or(WireError::Invalid { what: "outcome", value: byte.into() })
}

fn read_failure<'a>(rest: &mut Reader<'a>, outcome: Outcome) -> Result<FailureView<'a>, WireError> {
    if outcome.is_success() {
        return Err(WireError::Invalid { what: "failed outcome", value: outcome as i64 });
    }
    Ok(FailureView { outcome, message: read_text(rest)?, stack: read_text(rest)? })
}

fn read_text<'a>(rest: &mut Reader<'a>) -> Result<&'a str, WireError> {
    let text = rest.text()?;
    match text.len() {
        ..=MOST_TEXT => Ok(text),
        len => Err(WireError::Invalid { what: "length of a text", value: len as i64 }),
    }
}

fn read_verdict<'a>(rest: &mut Reader<'a>) -> Result<Verdict<'a>, WireError> {
    let byte = rest.u8()?;
    let outcome = outcome(byte & !LATER)?;
    if byte & LATER != 0 {
        let delay = Duration::from_millis(rest.u32()?.into());
        return Ok(Verdict::Later { failure: read_failure(rest, outcome)?, delay });
    }
    if !outcome.is_success() {
        return read_failure(rest, outcome).map(Verdict::Failure);
    }
    let count = rest.u32()?;
    let results = Reader::new(rest.bytes()?);
    let mut check = results;
    for _ in 0..count {
        read_result(&mut check)?;
    }
    check.finish()?;
    Ok(Verdict::Success { outcome, results: Results { count, rest: results } })
}

fn read_result<'a>(rest: &mut Reader<'a>) -> Result<ResultView<'a>, WireError> {
    let topic = rest.u16()?;
    let set = rest.u8()?;
    let partition = if set & SET_PARTITION != 0 { Some(rest.i32()?) } else { None };
    let timestamp = if set & SET_TIMESTAMP != 0 { Some(rest.i64()?) } else { None };
    let key = if set & SET_KEY != 0 { Some(rest.optional()?) } else { None };
    let headers = if set & SET_HEADERS != 0 {
        let list = Headers::read(rest)?;
        if set & REPLACE_HEADERS != 0 { HeaderChange::Replace(list) } else { HeaderChange::Patch(list) }
    } else {
        HeaderChange::Keep
    };
    let value = match rest.u8()? {
        VALUE_NULL => Value::Null,
        VALUE_BYTES => Value::Bytes(rest.bytes()?),
        VALUE_SAME => Value::Same,
        other => return Err(WireError::Invalid { what: "kind of value", value: other.into() }),
    };
    Ok(ResultView { topic, partition, timestamp, key, headers, value })
}

/// A header's name and value.
pub type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);

/// What a result changes of its record, as the worker writes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResultHead<'a> {
    pub topic: u16,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
    pub key: Option<Option<&'a [u8]>>,
    /// Whether the headers replace the record's; and the headers, null to remove one.
    pub headers: Option<(bool, &'a [OwnedHeader])>,
}

/// Appends one result to a record's buffer of results.
pub fn put_result(results: &mut Vec<u8>, head: &ResultHead<'_>, value: Value<'_>) {
    put_head(results, head);
    match value {
        Value::Null => results.put_u8(VALUE_NULL),
        Value::Same => results.put_u8(VALUE_SAME),
        Value::Bytes(bytes) => {
            results.put_u8(VALUE_BYTES);
            results.put_bytes(bytes);
        }
    }
}

/// Appends one result whose value `write` appends itself, so that an encoder can write straight into the buffer.
pub fn put_result_with<R>(results: &mut Vec<u8>, head: &ResultHead<'_>, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    put_head(results, head);
    results.put_u8(VALUE_BYTES);
    let len_at = results.len();
    results.put_u32(0);
    let result = write(results);
    let len = results.len() - len_at - 4;
    patch_u32(results, len_at, len as u32);
    result
}

fn put_head(results: &mut Vec<u8>, head: &ResultHead<'_>) {
    results.put_u16(head.topic);
    let mut set = 0;
    set |= if head.partition.is_some() { SET_PARTITION } else { 0 };
    set |= if head.timestamp.is_some() { SET_TIMESTAMP } else { 0 };
    set |= if head.key.is_some() { SET_KEY } else { 0 };
    set |= match head.headers {
        None => 0,
        Some((false, _)) => SET_HEADERS,
        Some((true, _)) => SET_HEADERS | REPLACE_HEADERS,
    };
    results.put_u8(set);
    if let Some(partition) = head.partition {
        results.put_i32(partition);
    }
    if let Some(timestamp) = head.timestamp {
        results.put_i64(timestamp);
    }
    if let Some(key) = head.key {
        results.put_optional(key);
    }
    if let Some((_, headers)) = head.headers {
        results.put_u32(headers.len() as u32);
        for (name, value) in headers {
            results.put_bytes(name);
            results.put_optional(value.as_deref());
        }
    }
}

/// Builds one `Settled` message.
#[derive(Debug)]
pub struct SettledBuilder {
    message: Builder,
    count: u32,
}

const COUNT_AT: usize = super::frame::HEADER + 24;

impl SettledBuilder {
    pub fn new(channel: u32) -> SettledBuilder {
        SettledBuilder::reusing(Vec::new(), channel)
    }

    /// As [`SettledBuilder::new`], in a buffer that was used before.
    pub fn reusing(buffer: Vec<u8>, channel: u32) -> SettledBuilder {
        let mut message = Builder::reusing(buffer, Kind::Settled, channel);
        message.body().extend_from_slice(&[0; 28]);
        SettledBuilder { message, count: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn len(&self) -> usize {
        self.message.len()
    }

    fn entry(&mut self, id: u64, lane: u32, how: u8) -> &mut Vec<u8> {
        self.count += 1;
        let body = self.message.body();
        body.put_u64(id);
        body.put_u32(lane);
        body.put_u8(how);
        body
    }

    pub fn not_run(&mut self, id: u64, lane: u32) {
        self.entry(id, lane, NOT_RUN);
    }

    pub fn whole(&mut self, id: u64, lane: u32, wall_ns: u64, outcome: Outcome, message: &str, stack: &str) {
        let body = self.entry(id, lane, WHOLE);
        body.put_u64(wall_ns);
        put_failure(body, outcome, message, stack);
    }

    /// Begins an entry with a verdict for each of `records`; as many calls of `success` and `failure` must follow.
    pub fn each(&mut self, id: u64, lane: u32, wall_ns: u64, records: u32) {
        let body = self.entry(id, lane, EACH);
        body.put_u64(wall_ns);
        body.put_u32(records);
    }

    /// One record succeeded with `count` results, written by [`put_result`]. Without any it was filtered.
    pub fn success(&mut self, count: u32, results: &[u8]) {
        let outcome = if count == 0 { Outcome::Filtered } else { Outcome::Done };
        let body = self.message.body();
        body.put_u8(outcome as u8);
        body.put_u32(count);
        body.put_bytes(results);
    }

    pub fn failure(&mut self, outcome: Outcome, message: &str, stack: &str) {
        put_failure(self.message.body(), outcome, message, stack);
    }

    /// One record failed, and is to run again after this time at the earliest.
    pub fn later(&mut self, outcome: Outcome, delay_ms: u32, message: &str, stack: &str) {
        let body = self.message.body();
        body.put_u8(outcome as u8 | LATER);
        body.put_u32(delay_ms);
        put_texts(body, message, stack);
    }

    /// The message, with the isolate's CPU time since the one before and its memory.
    pub fn finish(mut self, cpu_ns: u64, heap: u64, external: u64) -> Vec<u8> {
        let body = self.message.body();
        let head = super::frame::HEADER;
        body[head..head + 8].copy_from_slice(&cpu_ns.to_le_bytes());
        body[head + 8..head + 16].copy_from_slice(&heap.to_le_bytes());
        body[head + 16..head + 24].copy_from_slice(&external.to_le_bytes());
        patch_u32(body, COUNT_AT, self.count);
        self.message.finish()
    }
}

fn put_failure(body: &mut Vec<u8>, outcome: Outcome, message: &str, stack: &str) {
    body.put_u8(outcome as u8);
    put_texts(body, message, stack);
}

fn put_texts(body: &mut Vec<u8>, message: &str, stack: &str) {
    body.put_bytes(message.as_bytes());
    body.put_bytes(stack.as_bytes());
}

#[cfg(test)]
mod tests;
