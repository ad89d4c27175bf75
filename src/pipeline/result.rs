//! From what an isolate says of a result to the record that Kafka gets: what the handler did not set is kept from the
//! input record, byte for byte.

use super::outbox::Kept;
use super::output::{Output, Unfit};
use super::sink::{Sink, Writing};
use super::tickets::Ticket;
use crate::kafka::Message;
use crate::manifest::Limits;
use crate::protocol::headers::HeaderView;
use crate::protocol::settled::{HeaderChange, ResultView, Results, Value};

/// The result's value, resolved against its record.
fn value<'a>(result: &ResultView<'a>, record: &'a Message) -> Option<&'a [u8]> {
    match result.value {
        Value::Null => None,
        Value::Bytes(bytes) => Some(bytes),
        Value::Same => record.value(),
    }
}

fn key<'a>(result: &ResultView<'a>, record: &'a Message) -> Option<&'a [u8]> {
    result.key.unwrap_or_else(|| record.key())
}

fn header_bytes<'a>(headers: impl Iterator<Item = HeaderView<'a>>) -> usize {
    headers.map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len) + 4).sum()
}

/// How many bytes a record's results keep of it more than once; `None` if they exceed its limits.
pub fn kept(results: Results<'_>, record: &Message, limits: &Limits) -> Option<usize> {
    results.kept(limits.results, limits.output, record.value(), record.key(), record.headers())
}

/// Why this result cannot be written to `output`, if that can be told beforehand.
pub fn refused(result: &ResultView<'_>, record: &Message, output: &Output) -> Option<Unfit> {
    let key = key(result, record);
    // A record's own time is seldom ahead of now, and looked at only where old ones are refused.
    let inherited = || record.timestamp().filter(|_| output.takes.before.is_some());
    let by_time = || output.refuses_time(result.timestamp.or_else(inherited)?);
    let by_size = || {
        // Without a limit there is nothing to add up.
        output.takes.max_message_bytes?;
        let headers = match result.headers {
            HeaderChange::Keep => header_bytes(record.headers()),
            HeaderChange::Replace(list) => header_bytes(list.iter()),
            HeaderChange::Patch(list) => header_bytes(list.iter()) + header_bytes(record.headers()),
        };
        output.refuses_size(value(result, record).map_or(0, <[u8]>::len) + key.map_or(0, <[u8]>::len) + headers)
    };
    output.refuses_key(key).or_else(by_time).or_else(by_size)
}

fn writing<'a>(result: &ResultView<'a>, record: &'a Message, output: &'a Output) -> Writing<'a> {
    Writing {
        output,
        partition: result.partition,
        timestamp: result.timestamp.or_else(|| record.timestamp()),
        key: key(result, record),
        value: value(result, record),
    }
}

/// A copy of the result, to be written later.
pub fn keep(result: &ResultView<'_>, record: &Message, output: &Output, alone: bool) -> Kept {
    let writing = writing(result, record, output);
    let kept = match result.headers {
        HeaderChange::Keep => Kept::new(&writing, record.headers()),
        change => Kept::new(&writing, change.apply(record.headers()).into_iter()),
    };
    Kept { alone, ..kept }
}

/// Hands the result to Kafka; `alone` where it may be too large, so that nobody else suffers from it.
pub fn write(sink: &mut Sink, ticket: Ticket, result: &ResultView<'_>, record: &Message, output: &Output, alone: bool) {
    let writing = writing(result, record, output);
    match result.headers {
        change if alone => sink.write_alone(ticket, &writing, change.apply(record.headers()).into_iter()),
        HeaderChange::Keep => sink.write(ticket, writing, record.headers()),
        change => sink.write(ticket, writing, change.apply(record.headers()).into_iter()),
    }
}
