//! From what a handler returned to what its records ended in.

use deno_core::v8;

use super::arena::{Arena, Live};
use super::context::{Excess, over_limit, unencodable};
use super::encode;
use super::failure::Failure;
use super::glue::Glue;
use crate::outcome::Outcome;
use crate::protocol::kept::Parts;
use crate::protocol::settled::{ResultHead, Value, put_result, put_result_with};

/// How an invocation ended.
pub enum Ended {
    /// All its records failed alike.
    Whole(Failure),
    /// Its only record; what it returned has been written to the encoder's buffer.
    One(One),
    /// Each record of a batch, with what was returned for it.
    Many(Vec<(One, Vec<u8>)>),
}

/// How one record ended, unless the handler marked it otherwise.
pub enum One {
    /// Without an error; says whether a result was returned.
    Returned(bool),
    Failed(Failure),
}

pub struct Encoder<'a> {
    pub arena: &'a Arena,
    pub glue: &'a Glue,
    /// Where the returned result is written.
    pub scratch: &'a mut Vec<u8>,
    /// The value came out of a promise, where a returned record has not been recognised yet.
    pub promised: bool,
}

impl Encoder<'_> {
    /// Writes what was returned for one record.
    pub fn record<'s>(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        number: u64,
        value: v8::Local<'s, v8::Value>,
    ) -> One {
        self.scratch.clear();
        if value.is_null_or_undefined() {
            return One::Returned(false);
        }
        match self.write(scope, number, value) {
            Ok(()) => One::Returned(true),
            Err(failure) => {
                self.scratch.clear();
                One::Failed(failure)
            }
        }
    }

    fn write<'s>(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        number: u64,
        value: v8::Local<'s, v8::Value>,
    ) -> Result<(), Failure> {
        let settings = &self.arena.settings;
        if settings.topics.first().is_none_or(String::is_empty) {
            let message = "the handler returned a value, but the function has no [sink] to write it to";
            return Err(Failure::new(Outcome::UndeclaredTopic, message));
        }
        let head = ResultHead::default();
        let returned = if self.promised && value.is_object() { self.glue.number_of(scope, value) } else { 0 };
        if returned == number || (value.is_symbol() && self.glue.is_same(scope, value)) {
            put_result(self.scratch, &head, Value::Same);
            return self.charge(number, &head, true);
        }
        if returned != 0 {
            self.other_record(returned, &head)?;
            return self.charge(number, &head, false);
        }
        let used = |live: &mut Live| (live.count, live.results.len() + live.kept.bytes);
        let (count, used) = self.arena.with(number, used).unwrap_or_default();
        let limits = &settings.limits;
        if count >= limits.results {
            return Err(over_limit(Excess::Count, limits));
        }
        let left = (limits.output_bytes as usize).saturating_sub(used);
        let stringify = &self.arena.stringify;
        put_result_with(self.scratch, &head, |out| encode::append(scope, stringify, value, out, left))
            .map_err(|error| unencodable(error, limits.output_bytes))?;
        self.charge(number, &head, false)
    }

    /// Whether what was returned fits the limits, together with what encoding it may have emitted.
    fn charge(&self, number: u64, head: &ResultHead<'_>, same: bool) -> Result<(), Failure> {
        let charged = self.arena.charge(number, self.scratch.len(), Parts::written(head, same));
        charged.unwrap_or(Ok(())).map_err(|excess| over_limit(excess, &self.arena.settings.limits))
    }

    /// A record was returned as the result of another one: its value is written.
    fn other_record(&mut self, returned: u64, head: &ResultHead<'_>) -> Result<(), Failure> {
        let scratch = &mut *self.scratch;
        let write = |live: &mut Live| match live.record.value() {
            Some(bytes) => put_result(scratch, head, Value::Bytes(bytes)),
            None => put_result(scratch, head, Value::Null),
        };
        self.arena.with(returned, write).ok_or_else(|| {
            Failure::new(Outcome::Failed, "the handler returned a record whose own invocation has ended")
        })
    }

    /// Writes what a batch returned: nothing, or one result for each record.
    pub fn batch<'s>(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        first: u64,
        records: u32,
        value: v8::Local<'s, v8::Value>,
    ) -> Ended {
        let mut all = Vec::with_capacity(records as usize);
        if value.is_null_or_undefined() {
            all.extend((0..records).map(|_| (One::Returned(false), Vec::new())));
            return Ended::Many(all);
        }
        let array = match value.try_cast::<v8::Array>() {
            Ok(array) if array.length() == records => array,
            other => {
                let what = match other {
                    Ok(array) => format!("an array of {}", array.length()),
                    Err(_) => format!("a {}", value.type_of(scope).to_rust_string_lossy(scope)),
                };
                let message = format!(
                    "batch returned {what} for {records} records; it must return nothing, or an array with one item for each record"
                );
                return Ended::Whole(Failure::new(Outcome::Failed, message));
            }
        };
        self.promised = true;
        for index in 0..records {
            v8::scope!(let scope, scope);
            let one = match array.get_index(scope, index) {
                Some(item) => self.record(scope, first + u64::from(index), item),
                None => One::Failed(Failure::new(Outcome::Failed, "an item of the returned array cannot be read")),
            };
            all.push((one, std::mem::take(self.scratch)));
        }
        Ended::Many(all)
    }
}
