//! From what an isolate says of a result to the record that Kafka gets: what the handler did not set is kept from the
//! input record, byte for byte.

use super::sink::{Output, Sink, Writing};
use super::tickets::Ticket;
use crate::kafka::Message;
use crate::protocol::settled::{HeaderChange, HeaderList, ResultView, Value};

type HeaderView<'a> = (&'a [u8], Option<&'a [u8]>);

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

/// Headers named in `changes` are set where they first stood, or removed; new ones follow behind.
fn patched<'a>(record: &'a Message, changes: HeaderList<'a>) -> Vec<HeaderView<'a>> {
    let mut set: Vec<(HeaderView<'a>, bool)> = changes.iter().map(|change| (change, false)).collect();
    let mut headers = Vec::with_capacity(set.len() + 8);
    for header in record.headers() {
        match set.iter_mut().find(|((name, _), _)| *name == header.0) {
            None => headers.push(header),
            Some(((name, value), placed)) => {
                if value.is_some() && !std::mem::replace(placed, true) {
                    headers.push((*name, *value));
                }
            }
        }
    }
    headers.extend(set.into_iter().filter(|((_, value), placed)| value.is_some() && !placed).map(|(header, _)| header));
    headers
}

fn header_bytes<'a>(headers: impl Iterator<Item = HeaderView<'a>>) -> usize {
    headers.map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len) + 4).sum()
}

/// Why this result cannot be written to `output`, if that can be told beforehand.
pub fn refused(result: &ResultView<'_>, record: &Message, output: &Output) -> Option<String> {
    // Without a limit there is nothing to add up.
    output.max_bytes?;
    let headers = match result.headers {
        HeaderChange::Keep => header_bytes(record.headers()),
        HeaderChange::Replace(list) => header_bytes(list.iter()),
        HeaderChange::Patch(list) => header_bytes(list.iter()) + header_bytes(record.headers()),
    };
    let size = value(result, record).map_or(0, <[u8]>::len) + key(result, record).map_or(0, <[u8]>::len) + headers;
    output.refuses(size)
}

/// Hands the result to Kafka.
pub fn write(sink: &mut Sink, ticket: Ticket, result: &ResultView<'_>, record: &Message, output: &Output) {
    let writing = Writing {
        topic: &output.topic,
        partition: result.partition,
        timestamp: result.timestamp.or_else(|| record.timestamp()),
        key: key(result, record),
        value: value(result, record),
    };
    match result.headers {
        HeaderChange::Keep => sink.write(ticket, writing, record.headers()),
        HeaderChange::Replace(list) => {
            // In a list of pairs null is a header without a value, and stays.
            let headers: Vec<HeaderView<'_>> = list.iter().collect();
            sink.write(ticket, writing, headers.into_iter());
        }
        HeaderChange::Patch(list) => sink.write(ticket, writing, patched(record, list).into_iter()),
    }
}
