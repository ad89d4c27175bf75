//! Exceptions: the outcome that they stand for, and their text in the user's own lines.

use deno_core::error::{JsError, JsStackFrame};
use deno_core::v8;

use super::loader;
use crate::outcome::Outcome;

const MAX_MESSAGE: usize = 4 << 10;
const MAX_STACK: usize = 16 << 10;
/// Our own exceptions carry their outcome under this name, where JavaScript can neither read nor write it.
const OUTCOME_KEY: &str = "eddyline#outcome";

/// Why a record, or a whole invocation, failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub outcome: Outcome,
    pub message: String,
    pub stack: String,
}

impl Failure {
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Failure {
        Failure { outcome, message: message.into(), stack: String::new() }
    }

    /// What an exception stands for. This may run the user's code, so the watchdog must be armed.
    pub fn from_exception<'s>(scope: &mut v8::PinScope<'s, '_>, exception: v8::Local<'s, v8::Value>) -> Failure {
        let outcome = outcome_of(scope, exception).unwrap_or(Outcome::Failed);
        let error = JsError::from_v8_exception(scope, exception);
        let message = match &error.message {
            // The reason alone: that it was rejected is what the outcome says.
            Some(reason) if outcome == Outcome::Rejected => bounded(reason, MAX_MESSAGE),
            _ => message(&error),
        };
        Failure { outcome, message, stack: stack(&error) }
    }
}

/// The message of an error as people know it: `TypeError: x is not a function`.
pub fn message(error: &JsError) -> String {
    let message = &error.exception_message;
    bounded(message.strip_prefix("Uncaught ").unwrap_or(message), MAX_MESSAGE)
}

/// The frames of the user's own modules, WebAssembly among them, one a line, with those of the causes.
pub fn stack(error: &JsError) -> String {
    let mut lines = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        lines.extend(error.frames.iter().filter(|frame| is_users(frame) || frame.is_wasm).map(frame_line));
        next = error.cause.as_deref();
        lines.extend(next.map(|cause| format!("Caused by: {}", message(cause))));
    }
    bounded(&lines.join("\n"), MAX_STACK)
}

/// The innermost place in the user's own modules: file, line, column.
pub fn place(error: &JsError) -> Option<(String, u32, u32)> {
    let frame = error.frames.iter().find(|frame| is_users(frame))?;
    let file = loader::shown(frame.file_name.as_deref()?);
    Some((file.to_owned(), frame.line_number? as u32, frame.column_number? as u32))
}

fn is_users(frame: &JsStackFrame) -> bool {
    frame.file_name.as_deref().is_some_and(loader::is_users)
}

fn frame_line(frame: &JsStackFrame) -> String {
    let file = loader::shown(frame.file_name.as_deref().unwrap_or_default());
    let (line, column) = (frame.line_number.unwrap_or(0), frame.column_number.unwrap_or(0));
    let prefix = if frame.is_async { "async " } else { "" };
    match frame.function_name.as_deref() {
        Some(name) if !name.is_empty() => format!("    at {prefix}{name} ({file}:{line}:{column})"),
        _ => format!("    at {prefix}{file}:{line}:{column}"),
    }
}

/// At most `most` bytes of a text, cut between characters.
pub fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// How an exception of ours presents itself to JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Error,
    TypeError,
    SyntaxError,
    RangeError,
}

/// Throws an error that, if the handler lets it escape, ends the invocation with `outcome`.
pub fn throw(scope: &mut v8::PinScope<'_, '_>, class: Class, outcome: Outcome, message: &str) {
    let text = v8::String::new(scope, message).unwrap_or_else(|| v8::String::empty(scope));
    let error = match class {
        Class::Error => v8::Exception::error(scope, text),
        Class::TypeError => v8::Exception::type_error(scope, text),
        Class::SyntaxError => v8::Exception::syntax_error(scope, text),
        Class::RangeError => v8::Exception::range_error(scope, text),
    };
    mark(scope, error, outcome);
    scope.throw_exception(error);
}

/// Ties an outcome to an exception.
pub fn mark(scope: &mut v8::PinScope<'_, '_>, error: v8::Local<'_, v8::Value>, outcome: Outcome) {
    if let Ok(error) = v8::Local::<v8::Object>::try_from(error) {
        let key = outcome_key(scope);
        let value = v8::Integer::new(scope, outcome as i32);
        error.set_private(scope, key, value.into());
    }
}

/// The outcome that one of our own exceptions stands for.
pub fn outcome_of(scope: &mut v8::PinScope<'_, '_>, exception: v8::Local<'_, v8::Value>) -> Option<Outcome> {
    let object = v8::Local::<v8::Object>::try_from(exception).ok()?;
    let key = outcome_key(scope);
    let value = object.get_private(scope, key)?;
    Outcome::from_u8(value.try_cast::<v8::Integer>().ok()?.value() as u8)
}

fn outcome_key<'s>(scope: &mut v8::PinScope<'s, '_>) -> v8::Local<'s, v8::Private> {
    let name = v8::String::new(scope, OUTCOME_KEY);
    v8::Private::for_api(scope, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(bounded("short", 10), "short");
        let cut = bounded(&"ä".repeat(100), 21);
        assert!(cut.len() <= 21 && cut.ends_with('…'), "{cut}");
    }
}
