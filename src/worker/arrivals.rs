//! A `Run` message as an isolate keeps it: one buffer for all, and where in it each record lies.

use std::rc::Rc;

use crate::protocol::headers::{HeaderView, Headers};
use crate::protocol::kept::HEADER;
use crate::protocol::run::{Invocation, RunReader};
use crate::protocol::slots::Body;
use crate::protocol::wire::WireError;

/// The records of one `Run` message. Invocations share it and say which of its records are theirs.
#[derive(Debug)]
pub struct Records {
    body: Body,
    places: Vec<Place>,
}

/// Where a record lies in the body.
#[derive(Debug, Clone, Copy)]
struct Place {
    topic: Span,
    key: Option<Span>,
    value: Option<Span>,
    headers_at: u32,
    headers: u32,
    partition: i32,
    offset: i64,
    timestamp: i64,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    at: u32,
    len: u32,
}

/// An invocation that has arrived.
#[derive(Debug, Clone)]
pub struct Work {
    pub head: Invocation,
    pub records: Rc<Records>,
    /// Index of its first record; `head.records` of them are its own.
    pub first: u32,
    pub bytes: u64,
}

/// One record of a [`Records`].
#[derive(Debug, Clone)]
pub struct Record {
    records: Rc<Records>,
    at: u32,
}

/// Takes a `Run` message apart without copying its records.
pub fn index(body: Body) -> Result<Vec<Work>, WireError> {
    let mut places = Vec::new();
    let mut heads = Vec::new();
    let mut reader = RunReader::new(&body)?;
    // Each slice comes out of `body`, which is shorter than 4 GiB.
    let at = |slice: &[u8]| (slice.as_ptr() as usize - body.as_ptr() as usize) as u32;
    let span = |slice: &[u8]| Span { at: at(slice), len: slice.len() as u32 };
    while let Some(head) = reader.invocation()? {
        let first = places.len() as u32;
        let mut bytes = 0;
        for _ in 0..head.records {
            let (record, headers) = reader.record()?;
            bytes += (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
            let header = |(name, value): HeaderView<'_>| HEADER + name.len() + value.map_or(0, <[u8]>::len);
            bytes += headers.iter().map(header).sum::<usize>() as u64;
            places.push(Place {
                topic: span(record.topic.as_bytes()),
                key: record.key.map(span),
                value: record.value.map(span),
                headers_at: at(headers.start()),
                headers: headers.len() as u32,
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp,
            });
        }
        heads.push((head, first, bytes));
    }
    let records = Rc::new(Records { body, places });
    let work = |(head, first, bytes)| Work { head, records: records.clone(), first, bytes };
    Ok(heads.into_iter().map(work).collect())
}

impl Work {
    pub fn record(&self, index: u32) -> Record {
        Record { records: self.records.clone(), at: self.first + index }
    }
}

impl Record {
    fn place(&self) -> &Place {
        &self.records.places[self.at as usize]
    }

    fn bytes(&self, span: Span) -> &[u8] {
        &self.records.body[span.at as usize..][..span.len as usize]
    }

    pub fn topic(&self) -> &[u8] {
        self.bytes(self.place().topic)
    }

    pub fn partition(&self) -> i32 {
        self.place().partition
    }

    pub fn offset(&self) -> i64 {
        self.place().offset
    }

    /// Milliseconds since 1970, -1 where Kafka knows none.
    pub fn timestamp(&self) -> i64 {
        self.place().timestamp
    }

    pub fn key(&self) -> Option<&[u8]> {
        self.place().key.map(|span| self.bytes(span))
    }

    pub fn value(&self) -> Option<&[u8]> {
        self.place().value.map(|span| self.bytes(span))
    }

    pub fn headers(&self) -> Headers<'_> {
        let place = self.place();
        Headers::from_parts(place.headers, &self.records.body[place.headers_at as usize..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frame;
    use crate::protocol::run::{RecordView, RunBuilder};

    #[test]
    fn records_are_found_where_they_lie_in_the_message() {
        let mut builder = RunBuilder::new(1, ["a", "bc"].into_iter());
        let head = Invocation { id: 9, lane: 1, epoch: 1, attempt: 1, records: 2 };
        builder.invocation(&head);
        let view = RecordView { topic: "bc", partition: 3, offset: 5, timestamp: -1, key: None, value: Some(b"value") };
        builder.record(&view, [(&b"h"[..], Some(&b"1"[..])), (&b"\xff"[..], None)].into_iter());
        builder.record(&RecordView { topic: "a", key: Some(b""), value: None, ..view }, std::iter::empty());
        let body = builder.finish()[frame::HEADER..].to_vec();

        let work = index(body.into()).unwrap();
        let [work] = &work[..] else { panic!("{work:?}") };
        assert_eq!((work.head, work.bytes), (head, 5 + (8 + 1 + 1) + (8 + 1)));
        let (first, second) = (work.record(0), work.record(1));
        assert_eq!((first.topic(), first.partition(), first.offset(), first.timestamp()), (&b"bc"[..], 3, 5, -1));
        assert_eq!((first.key(), first.value()), (None, Some(&b"value"[..])));
        let headers: Vec<_> = first.headers().iter().collect();
        assert_eq!(headers, [(&b"h"[..], Some(&b"1"[..])), (&b"\xff"[..], None)]);
        assert_eq!((second.topic(), second.key(), second.value()), (&b"a"[..], Some(&b""[..]), None));
        assert!(second.headers().is_empty());
    }
}
