//! What `record` offers a handler. Nothing is decoded before it is asked for.

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::arena::Arena;
use super::arrivals::Record;
use super::failure::{self, Class};
use super::limits::Guard;
use super::memory;
use crate::outcome::Outcome;

type Value<'s> = v8::Local<'s, v8::Value>;

const ENDED: &str =
    "the invocation that this record belonged to has ended; copy what you need while the handler is running";
const TOO_LONG: &str = "the text is longer than a string can be; use bytes";

fn look<R>(state: &OpState, number: f64, look: impl FnOnce(&Record) -> R) -> Result<R, JsErrorBox> {
    let arena = state.borrow::<std::rc::Rc<Arena>>();
    arena.with(number as u64, |live| look(&live.record)).ok_or_else(|| JsErrorBox::generic(ENDED))
}

fn guard(state: &OpState) -> &Guard {
    state.borrow::<std::sync::Arc<Guard>>()
}

/// Text of bytes; what is no UTF-8 is replaced by U+FFFD.
fn text<'s>(scope: &mut v8::PinScope<'s, '_>, bytes: &[u8]) -> Result<Value<'s>, JsErrorBox> {
    match v8::String::new_from_utf8(scope, bytes, v8::NewStringType::Normal) {
        Some(text) => Ok(text.into()),
        None => Err(JsErrorBox::range_error(TOO_LONG)),
    }
}

/// Text begins behind a byte order mark, as in the bodies of Fetch.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn optional_text<'s>(scope: &mut v8::PinScope<'s, '_>, bytes: Option<&[u8]>) -> Result<Value<'s>, JsErrorBox> {
    match bytes {
        Some(bytes) => text(scope, bytes),
        None => Ok(v8::null(scope).into()),
    }
}

/// A copy of bytes that JavaScript may keep and change, as far as its memory for buffers allows.
fn optional_bytes<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    guard: &Guard,
    bytes: Option<&[u8]>,
) -> Result<Value<'s>, JsErrorBox> {
    let Some(bytes) = bytes else { return Ok(v8::null(scope).into()) };
    let Some(buffer) = memory::copy_in(scope, guard.memory(), bytes) else {
        guard.stop_for_memory();
        return Err(JsErrorBox::range_error("there is no memory left for another buffer"));
    };
    match v8::Uint8Array::new(scope, buffer, 0, bytes.len()) {
        Some(array) => Ok(array.into()),
        None => Err(JsErrorBox::range_error("the value is longer than a Uint8Array can be")),
    }
}

#[op2]
pub fn op_record_topic<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| text(scope, record.topic()))?
}

#[op2(fast)]
pub fn op_record_partition(state: &OpState, number: f64) -> Result<f64, JsErrorBox> {
    look(state, number, |record| record.partition().into())
}

#[op2(fast)]
pub fn op_record_offset(state: &OpState, number: f64) -> Result<f64, JsErrorBox> {
    look(state, number, |record| record.offset() as f64)
}

#[op2(fast)]
pub fn op_record_timestamp(state: &OpState, number: f64) -> Result<f64, JsErrorBox> {
    look(state, number, |record| record.timestamp() as f64)
}

#[op2(fast)]
pub fn op_record_is_tombstone(state: &OpState, number: f64) -> Result<bool, JsErrorBox> {
    look(state, number, |record| record.value().is_none())
}

#[op2]
pub fn op_record_key<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| optional_text(scope, record.key()))?
}

#[op2]
pub fn op_record_key_bytes<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| optional_bytes(scope, guard(state), record.key()))?
}

#[op2]
pub fn op_record_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| optional_text(scope, record.value().map(without_mark)))?
}

#[op2]
pub fn op_record_bytes<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| optional_bytes(scope, guard(state), record.value()))?
}

#[op2]
pub fn op_record_json<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
) -> Result<Value<'s>, JsErrorBox> {
    // A handle of its own: making an exception may run the handler's code.
    let record = look(state, number, Record::clone)?;
    let Some(bytes) = record.value().map(without_mark) else { return Ok(v8::null(scope).into()) };
    if let Some(value) = parse(scope, bytes) {
        return Ok(value);
    }
    let message = format!("the record's value is not JSON: {}", json_problem(bytes));
    failure::throw(scope, Class::SyntaxError, Outcome::Undecodable, &message);
    Ok(v8::undefined(scope).into())
}

fn parse<'s>(scope: &mut v8::PinScope<'s, '_>, bytes: &[u8]) -> Option<Value<'s>> {
    let text = if v8::simdutf::validate_ascii(bytes) {
        // The engine need not look for characters of several bytes.
        v8::String::new_from_one_byte(scope, bytes, v8::NewStringType::Normal)?
    } else if v8::simdutf::validate_utf8(bytes) {
        v8::String::new_from_utf8(scope, bytes, v8::NewStringType::Normal)?
    } else {
        return None;
    };
    v8::tc_scope!(let scope, scope);
    v8::json::parse(scope, text)
}

/// What is wrong, and where. V8's own messages do not always name the place.
fn json_problem(bytes: &[u8]) -> String {
    if let Err(error) = std::str::from_utf8(bytes) {
        return format!("byte {} is not UTF-8", error.valid_up_to());
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Err(error) => error.to_string(),
        Ok(_) => "it is nested too deeply or too large".to_owned(),
    }
}

/// The last header of a name as text; null when it is absent or null.
#[op2]
pub fn op_header_get<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
    #[string] name: &str,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| {
        let last = record.headers().iter().filter(|(have, _)| *have == name.as_bytes()).last();
        optional_text(scope, last.and_then(|(_, value)| value))
    })?
}

/// Every header of a name, in order.
#[op2]
pub fn op_header_get_all<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
    #[string] name: &str,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| {
        // Not set one by one: a setter on Array.prototype would run, and find the record borrowed.
        let mut all = Vec::new();
        for (_, value) in record.headers().iter().filter(|(have, _)| *have == name.as_bytes()) {
            all.push(optional_text(scope, value)?);
        }
        Ok(v8::Array::new_with_elements(scope, &all).into())
    })?
}

/// `[name, bytes or null]` of every header, in order.
#[op2]
pub fn op_header_entries<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &OpState,
    number: f64,
) -> Result<Value<'s>, JsErrorBox> {
    look(state, number, |record| {
        let mut entries = Vec::with_capacity(record.headers().len());
        for (name, value) in record.headers().iter() {
            let pair = [text(scope, name)?, optional_bytes(scope, guard(state), value)?];
            entries.push(v8::Array::new_with_elements(scope, &pair).into());
        }
        Ok(v8::Array::new_with_elements(scope, &entries).into())
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_json_is_explained_with_its_place() {
        assert_eq!(json_problem(b"{\"a\":1,\n \"b\":}"), "expected value at line 2 column 6");
        assert_eq!(json_problem(b""), "EOF while parsing a value at line 1 column 0");
        assert_eq!(json_problem(b"\"ab\xff\""), "byte 3 is not UTF-8");
    }
}
