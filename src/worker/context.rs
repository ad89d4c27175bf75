//! What `ctx` offers a handler: results, refusals, logs, time.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::arena::{Arena, Breach, Invocation, Live, Mark};
use super::clock;
use super::encode::{self, Unencodable};
use super::failure::{self, Class, Failure};
use crate::outcome::Outcome;
use crate::protocol::control::{Limits, LogLevel};
use crate::protocol::kept::{MOST_WRITTEN, Parts};
use crate::protocol::settled::{ResultHead, SINK, Value as Written, put_result, put_result_with};

type Value<'s> = v8::Local<'s, v8::Value>;
type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

const ENDED: &str = "the invocation has ended, so nothing can be emitted any more; await what emits before returning";
/// Longest key, header name or header value.
const MAX_SMALL: usize = 1 << 20;
/// What `glue.js` passes for headers that replace the record's, and for the record itself as a value.
const REPLACE: u32 = 1;
const SAME: u32 = 2;
const NULL: u32 = 4;

/// An error that the handler sees as an exception.
struct Refused(Class, Outcome, String);

/// Writes one result. `glue.js` has checked the kinds of the options; NaN stands for an absent number, and
/// undefined for an absent key or headers, which come as a flat array of names and values.
#[op2(reentrant)]
pub fn op_emit<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    number: f64,
    value: Value<'s>,
    #[smi] flags: u32,
    topic: Value<'s>,
    key: Value<'s>,
    headers: Value<'s>,
    timestamp: f64,
    partition: f64,
) {
    let arena = Arena::of(&state.borrow());
    let number = number as u64;
    let emit = Emit { topic, key, headers, timestamp, partition, flags };
    if let Err(Refused(class, outcome, message)) = emit.write(scope, &arena, number, value)
        && !scope.is_execution_terminating()
    {
        failure::throw(scope, class, outcome, &message);
    }
}

struct Emit<'s> {
    topic: Value<'s>,
    key: Value<'s>,
    headers: Value<'s>,
    timestamp: f64,
    partition: f64,
    flags: u32,
}

impl<'s> Emit<'s> {
    fn write(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        arena: &Arena,
        number: u64,
        value: Value<'s>,
    ) -> Result<(), Refused> {
        let ended = || Refused(Class::Error, Outcome::Failed, ENDED.to_owned());
        let used = |live: &mut Live| (live.count, live.results.len() + live.kept.bytes);
        let (count, used) = arena.with(number, used).ok_or_else(ended)?;
        let topic = self.topic(scope, arena)?;
        let key = if self.key.is_undefined() { None } else { Some(self.key(scope)?) };
        let headers = if self.headers.is_undefined() { None } else { Some(self.headers(scope)?) };
        let head = ResultHead {
            topic,
            partition: Some(self.partition).filter(|number| !number.is_nan()).map(|number| number as i32),
            timestamp: Some(self.timestamp).filter(|number| !number.is_nan()).map(|number| number as i64),
            key: key.as_ref().map(Option::as_deref),
            headers: headers.as_ref().map(|list| (self.flags & REPLACE != 0, &list[..])),
        };
        let limits = &arena.settings.limits;
        let left = (limits.output_bytes as usize).saturating_sub(used);
        if count >= limits.results {
            return Err(too_many(limits.results));
        }
        let mut result = Vec::new();
        if self.flags & SAME != 0 {
            put_result(&mut result, &head, Written::Same);
        } else if self.flags & NULL != 0 {
            put_result(&mut result, &head, Written::Null);
        } else {
            put_result_with(&mut result, &head, |out| encode::append(scope, &arena.stringify, value, out, left))
                .map_err(|error| refused(error, limits.output_bytes))?;
        }
        // Only now: encoding may have run the handler's code, which may have emitted too.
        let parts = Parts::written(&head, self.flags & SAME != 0);
        let charged = arena.charge(number, result.len(), parts).ok_or_else(ended)?;
        charged.map_err(|excess| beyond(excess, limits))?;
        let push = |live: &mut Live| {
            live.results.extend_from_slice(&result);
            live.count += 1;
        };
        arena.with(number, push).ok_or_else(ended)
    }

    fn topic(&self, scope: &mut v8::PinScope<'s, '_>, arena: &Arena) -> Result<u16, Refused> {
        let topics = &arena.settings.topics;
        if self.topic.is_undefined() {
            return match topics.first() {
                Some(sink) if !sink.is_empty() => Ok(SINK),
                _ => {
                    let message = "the function has no [sink], so emit needs a topic: ctx.emit(value, { topic })";
                    Err(Refused(Class::TypeError, Outcome::UndeclaredTopic, message.to_owned()))
                }
            };
        }
        let name = self.topic.to_rust_string_lossy(scope);
        match topics.iter().position(|topic| *topic == name && !name.is_empty()) {
            Some(index) => Ok(index as u16),
            None => {
                let message = format!("topic {name:?} is not declared; add it to `also` in the manifest's [sink]");
                Err(Refused(Class::Error, Outcome::UndeclaredTopic, message))
            }
        }
    }

    fn key(&self, scope: &mut v8::PinScope<'s, '_>) -> Result<Option<Vec<u8>>, Refused> {
        if self.key.is_null() {
            return Ok(None);
        }
        encode::plain(scope, self.key, MAX_SMALL).map(Some).ok_or_else(|| too_long("key"))
    }

    fn headers(&self, scope: &mut v8::PinScope<'s, '_>) -> Result<Headers, Refused> {
        let Ok(flat) = self.headers.try_cast::<v8::Array>() else { return Ok(Vec::new()) };
        let mut headers = Vec::new();
        for index in (0..flat.length()).step_by(2) {
            let (Some(name), Some(value)) = (flat.get_index(scope, index), flat.get_index(scope, index + 1)) else {
                return Err(too_long("header"));
            };
            let name = encode::plain(scope, name, MAX_SMALL).ok_or_else(|| too_long("header name"))?;
            let value = match value.is_null() {
                true => None,
                false => Some(encode::plain(scope, value, MAX_SMALL).ok_or_else(|| too_long("header value"))?),
            };
            headers.push((name, value));
        }
        Ok(headers)
    }
}

fn too_long(what: &str) -> Refused {
    let message = format!("a {what} may have at most {MAX_SMALL} bytes");
    Refused(Class::RangeError, Outcome::OutputLimit, message)
}

fn too_large(limit: u64) -> Refused {
    let message = format!("the results of one record may have at most {limit} bytes; raise `output` in [limits]");
    Refused(Class::RangeError, Outcome::OutputLimit, message)
}

fn too_much() -> Refused {
    let most = MOST_WRITTEN >> 20;
    let message = format!("the results of one invocation may have at most {most} MiB together; return less at once");
    Refused(Class::RangeError, Outcome::OutputLimit, message)
}

fn too_many(limit: u32) -> Refused {
    let message = format!("one record may have at most {limit} results; raise `results` in [limits]");
    Refused(Class::RangeError, Outcome::OutputLimit, message)
}

fn refused(error: Unencodable, limit: u64) -> Refused {
    match error {
        Unencodable::Unserialisable { message, .. } => Refused(Class::TypeError, Outcome::Unserialisable, message),
        Unencodable::Thrown(failure) => Refused(Class::Error, failure.outcome, failure.message),
        Unencodable::TooLarge => too_large(limit),
        Unencodable::Terminated => Refused(Class::Error, Outcome::Failed, String::new()),
    }
}

/// The failure that a returned value ends in when it cannot be written.
pub fn unencodable(error: Unencodable, limit: u64) -> Failure {
    match error {
        Unencodable::Thrown(failure) => failure,
        Unencodable::Unserialisable { message, stack } => {
            Failure { stack, ..Failure::new(Outcome::Unserialisable, message) }
        }
        error => {
            let Refused(_, outcome, message) = refused(error, limit);
            Failure::new(outcome, message)
        }
    }
}

/// What of the output limits is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    Count,
    Bytes,
    /// All records of the invocation together.
    Together,
}

fn beyond(excess: Excess, limits: &Limits) -> Refused {
    match excess {
        Excess::Count => too_many(limits.results),
        Excess::Bytes => too_large(limits.output_bytes),
        Excess::Together => too_much(),
    }
}

/// The failures that too many or too large results end in.
pub fn over_limit(excess: Excess, limits: &Limits) -> Failure {
    let Refused(_, outcome, message) = beyond(excess, limits);
    Failure::new(outcome, message)
}

/// Ties the outcome of `ctx.reject` to the error that `glue.js` is about to throw.
#[op2(fast)]
pub fn op_mark_rejected(scope: &mut v8::PinScope<'_, '_>, error: v8::Local<'_, v8::Value>) {
    failure::mark(scope, error, Outcome::Rejected);
}

/// `records[i].reject(reason)` and `records[i].retry({ delay })` of a batch; the delay is NaN where none was asked for.
#[op2(fast)]
pub fn op_mark_record(
    state: &OpState,
    number: f64,
    rejected: bool,
    #[string] reason: &str,
    delay: f64,
) -> Result<(), JsErrorBox> {
    let outcome = if rejected { Outcome::Rejected } else { Outcome::Failed };
    let failure = Failure::new(outcome, failure::bounded(reason, 4 << 10));
    let mark = Mark { failure, delay_ms: (!delay.is_nan()).then(|| delay.ceil() as u32) };
    let arena = state.borrow::<Rc<Arena>>();
    arena
        .with(number as u64, |live| live.mark = Some(mark))
        .ok_or_else(|| JsErrorBox::generic("the invocation has ended, so its records cannot be marked any more"))
}

/// One line of `ctx.log` or, with the number 0, of `console`.
#[op2(fast)]
pub fn op_log(
    scope: &mut v8::PinScope<'_, '_>,
    state: &OpState,
    number: f64,
    #[smi] level: u32,
    #[string] text: &str,
) -> Result<(), JsErrorBox> {
    let level = match level {
        0 => LogLevel::Debug,
        1 => LogLevel::Info,
        2 => LogLevel::Warn,
        _ => LogLevel::Error,
    };
    let number = if number == 0.0 { running(scope) } else { number as u64 };
    let arena = state.borrow::<Rc<Arena>>();
    arena.log(number, level, text.trim_end_matches('\n')).map_err(|failure| JsErrorBox::range_error(failure.message))
}

/// The invocation whose code is running, also behind an `await` or a timer; V8 carries its number along.
pub fn running(scope: &mut v8::PinScope<'_, '_>) -> u64 {
    let data = scope.get_continuation_preserved_embedder_data();
    data.try_cast::<v8::Number>().map_or(0, |number| number.value() as u64)
}

#[op2(fast)]
pub fn op_attempt(state: &OpState, number: f64) -> f64 {
    let arena = state.borrow::<Rc<Arena>>();
    arena.with_invocation(number as u64, |invocation| f64::from(invocation.attempt)).unwrap_or(f64::NAN)
}

/// When the invocation has to be done, in milliseconds since 1970.
#[op2(fast)]
pub fn op_deadline(state: &OpState, number: f64) -> f64 {
    let arena = state.borrow::<Rc<Arena>>();
    let started = arena.with_invocation(number as u64, |invocation| invocation.started_ns);
    let Some(started) = started else { return f64::NAN };
    let elapsed_ms = clock::now_ns().saturating_sub(started) as f64 / 1e6;
    // Rounded down as `Date.now()` is, so that never more than the whole time seems to be left.
    (clock::unix_ms() - elapsed_ms + arena.settings.limits.wall_ms as f64).floor()
}

/// Notes that somebody may wait for the invocation's signal; false when it has ended.
#[op2(fast)]
pub fn op_want_signal(state: &OpState, number: f64) -> bool {
    let arena = state.borrow::<Rc<Arena>>();
    arena.with_invocation(number as u64, |invocation| invocation.cleanup = true).is_some()
}

/// Whose a timer is that is about to start: zero for nobody's, negative when its invocation has ended.
#[op2(fast)]
pub fn op_own_timer(scope: &mut v8::PinScope<'_, '_>, state: &OpState) -> f64 {
    let number = running(scope);
    if number == 0 {
        return 0.0;
    }
    let arena = state.borrow::<Rc<Arena>>();
    let own = |invocation: &mut Invocation| invocation.cleanup = true;
    if arena.with_invocation(number, own).is_some() { number as f64 } else { -1.0 }
}

/// More timers are open than an invocation may have, zero for nobody's.
#[op2(fast)]
pub fn op_too_many_timers(state: &OpState, number: f64) -> Result<(), JsErrorBox> {
    let failure = state.borrow::<Rc<Arena>>().breach(number as u64, Breach::Timers);
    Err(JsErrorBox::range_error(failure.message))
}

/// A promise that the isolate waits for has settled.
#[op2(fast)]
pub fn op_woken(state: &OpState, number: f64) {
    state.borrow::<Rc<Arena>>().woken.borrow_mut().push(number as u64);
}
