//! From JavaScript values to the bytes of a result.

use deno_core::v8;

use super::failure::{self, Failure};
use super::json::Stringify;

/// Why a value cannot become bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Unencodable {
    /// It has no JSON form; says why, and where if the handler's code was running.
    Unserialisable { message: String, stack: String },
    /// Encoding ran the handler's code, which threw what stands for an outcome, such as a rejection.
    Thrown(Failure),
    /// It would be longer than the limit.
    TooLarge,
    /// The isolate is being stopped.
    Terminated,
}

/// Appends the bytes of a value, at most `most` of them: text as UTF-8, buffers as they are, all else as JSON.
/// This may run the user's code, and must not be called while state that it can reach is borrowed.
pub fn append<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    json: &Stringify,
    value: v8::Local<'s, v8::Value>,
    out: &mut Vec<u8>,
    most: usize,
) -> Result<(), Unencodable> {
    if let Ok(text) = value.try_cast::<v8::String>() {
        return append_text(scope, text, out, most);
    }
    if let Some(result) = append_buffer(value, out, most) {
        return result;
    }
    let text = stringify(scope, json, value)?;
    append_text(scope, text, out, most)
}

/// Appends the bytes of a buffer or a view of one; `None` when the value is neither.
fn append_buffer(value: v8::Local<'_, v8::Value>, out: &mut Vec<u8>, most: usize) -> Option<Result<(), Unencodable>> {
    if let Ok(view) = value.try_cast::<v8::ArrayBufferView>() {
        let len = view.byte_length();
        return Some(reserve(out, len, most).map(|at| {
            let copied = view.copy_contents(&mut out[at..]);
            out.truncate(at + copied);
        }));
    }
    let buffer = value.try_cast::<v8::ArrayBuffer>().ok()?;
    let len = buffer.byte_length();
    Some(reserve(out, len, most).map(|at| {
        let store = buffer.get_backing_store();
        for (to, from) in out[at..].iter_mut().zip(store.iter()) {
            *to = from.get();
        }
    }))
}

/// The bytes of a text or buffer; `None` when the value is neither, or too long.
pub fn plain<'s>(scope: &mut v8::PinScope<'s, '_>, value: v8::Local<'s, v8::Value>, most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match value.try_cast::<v8::String>() {
        Ok(text) => append_text(scope, text, &mut out, most).ok()?,
        Err(_) => append_buffer(value, &mut out, most)?.ok()?,
    }
    Some(out)
}

fn reserve(out: &mut Vec<u8>, len: usize, most: usize) -> Result<usize, Unencodable> {
    if len > most {
        return Err(Unencodable::TooLarge);
    }
    let at = out.len();
    out.resize(at + len, 0);
    Ok(at)
}

fn append_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    text: v8::Local<'s, v8::String>,
    out: &mut Vec<u8>,
    most: usize,
) -> Result<(), Unencodable> {
    // Each unit becomes at least one byte, so what is longer than the limit need not be looked at.
    if text.length() > most {
        return Err(Unencodable::TooLarge);
    }
    let before = out.len();
    let view = v8::ValueView::new(scope, text);
    match view.data() {
        v8::ValueViewData::OneByte(bytes) if v8::simdutf::validate_ascii(bytes) => out.extend_from_slice(bytes),
        v8::ValueViewData::OneByte(bytes) => {
            let mut utf8 = [0; 2];
            for byte in bytes {
                out.extend_from_slice(char::from(*byte).encode_utf8(&mut utf8).as_bytes());
            }
        }
        v8::ValueViewData::TwoByte(units) => {
            let mut utf8 = [0; 4];
            for unit in char::decode_utf16(units.iter().copied()) {
                let unit = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(unit.encode_utf8(&mut utf8).as_bytes());
            }
        }
    }
    if out.len() - before > most {
        out.truncate(before);
        return Err(Unencodable::TooLarge);
    }
    Ok(())
}

/// The value as `JSON.stringify` writes it.
fn stringify<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    json: &Stringify,
    value: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::String>, Unencodable> {
    let unplaced = |why: &str, stack: String| Unencodable::Unserialisable {
        message: format!("the result has no JSON form: {why}"),
        stack,
    };
    let unserialisable = |why: &str| unplaced(why, String::new());
    if value.is_promise() {
        return Err(unserialisable("it is a promise; await it first"));
    }
    if value.is_function() || value.is_symbol() {
        return Err(unserialisable(if value.is_symbol() { "it is a symbol" } else { "it is a function" }));
    }
    v8::tc_scope!(let scope, scope);
    match json.call(scope, value) {
        Some(text) => text.try_cast::<v8::String>().map_err(|_| unserialisable("its toJSON returned nothing")),
        None if scope.has_terminated() => Err(Unencodable::Terminated),
        None => {
            let Some(exception) = scope.exception() else { return Err(unserialisable("it cannot be read")) };
            scope.reset();
            let failure = Failure::from_exception(scope, exception);
            if failure::outcome_of(scope, exception).is_some() {
                return Err(Unencodable::Thrown(failure));
            }
            Err(unplaced(failure.message.lines().next().unwrap_or_default(), failure.stack))
        }
    }
}
