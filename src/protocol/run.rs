//! `Run`: many invocations for one isolate in one message, each with the records it is called with.
//!
//! ```text
//! run        = topics:u16 text*  count:u32 invocation*
//! invocation = id:u64 lane:u32 epoch:u32 attempt:u16 records:u32 record*
//! record     = topic:u16 partition:i32 offset:i64 timestamp:i64 key:optional value:optional
//!              headers:u32 (name:bytes value:optional)*
//! ```
//! `optional` is a length `i32`, -1 for null, and the bytes. The host writes it straight from Kafka's own buffers.

use super::frame::{Builder, Kind};
use super::headers::Headers;
use super::wire::{Put, Reader, WireError, patch_u32};

/// Most records of one invocation.
pub const MOST_RECORDS: u32 = 10_000;

/// Numbers that identify an invocation and place it in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocation {
    /// Unique within the isolate, never zero.
    pub id: u64,
    pub lane: u32,
    pub epoch: u32,
    /// 1 for the first run.
    pub attempt: u16,
    /// Number of records: 1 for a `record` handler.
    pub records: u32,
}

/// A record as it lies in somebody else's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordView<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970, -1 where Kafka knows none.
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

/// Builds one `Run` message.
#[derive(Debug)]
pub struct RunBuilder {
    message: Builder,
    count: u32,
    count_at: usize,
    topics: Vec<String>,
}

impl RunBuilder {
    /// `topics` are those that the records of this message come from.
    pub fn new<'a>(channel: u32, topics: impl Iterator<Item = &'a str>) -> RunBuilder {
        RunBuilder::reusing(Vec::new(), channel, topics)
    }

    /// As [`RunBuilder::new`], in a buffer that was used before.
    pub fn reusing<'a>(buffer: Vec<u8>, channel: u32, topics: impl Iterator<Item = &'a str>) -> RunBuilder {
        let mut message = Builder::reusing(buffer, Kind::Run, channel);
        let topics: Vec<String> = topics.map(str::to_owned).collect();
        let body = message.body();
        body.put_u16(topics.len() as u16);
        for topic in &topics {
            body.put_bytes(topic.as_bytes());
        }
        let count_at = body.len();
        body.put_u32(0);
        RunBuilder { message, count: 0, count_at, topics }
    }

    /// Begins an invocation; as many calls of [`RunBuilder::record`] as it has records must follow.
    pub fn invocation(&mut self, invocation: &Invocation) {
        let body = self.message.body();
        body.put_u64(invocation.id);
        body.put_u32(invocation.lane);
        body.put_u32(invocation.epoch);
        body.put_u16(invocation.attempt);
        body.put_u32(invocation.records);
        self.count += 1;
    }

    /// Adds a record. A topic that was not announced would be a mistake of ours and becomes the first one.
    pub fn record<'h>(&mut self, record: &RecordView<'_>, headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>) {
        let topic = self.topics.iter().position(|topic| topic == record.topic);
        debug_assert!(topic.is_some(), "topic {} was not announced", record.topic);
        let body = self.message.body();
        body.put_u16(topic.unwrap_or(0) as u16);
        body.put_i32(record.partition);
        body.put_i64(record.offset);
        body.put_i64(record.timestamp);
        body.put_optional(record.key);
        body.put_optional(record.value);
        let count_at = body.len();
        body.put_u32(0);
        let mut count = 0;
        for (name, value) in headers {
            body.put_bytes(name);
            body.put_optional(value);
            count += 1;
        }
        patch_u32(body, count_at, count);
    }

    /// Whether the topic was announced.
    pub fn has(&self, topic: &str) -> bool {
        self.topics.iter().any(|known| known == topic)
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.message.len()
    }

    pub fn finish(mut self) -> Vec<u8> {
        patch_u32(self.message.body(), self.count_at, self.count);
        self.message.finish()
    }
}

/// Reads a `Run` message. After [`RunReader::invocation`] its records must be taken with [`RunReader::record`].
#[derive(Debug)]
pub struct RunReader<'a> {
    topics: Vec<&'a str>,
    rest: Reader<'a>,
    left: u32,
}

impl<'a> RunReader<'a> {
    pub fn new(body: &'a [u8]) -> Result<RunReader<'a>, WireError> {
        let mut rest = Reader::new(body);
        let count = rest.u16()?;
        let topics = (0..count).map(|_| rest.text()).collect::<Result<_, _>>()?;
        let left = rest.u32()?;
        Ok(RunReader { topics, rest, left })
    }

    pub fn topics(&self) -> &[&'a str] {
        &self.topics
    }

    pub fn invocation(&mut self) -> Result<Option<Invocation>, WireError> {
        if self.left == 0 {
            return self.rest.finish().map(|()| None);
        }
        self.left -= 1;
        Ok(Some(Invocation {
            id: self.rest.u64()?,
            lane: self.rest.u32()?,
            epoch: self.rest.u32()?,
            attempt: self.rest.u16()?,
            records: self.rest.u32()?,
        }))
    }

    pub fn record(&mut self) -> Result<(RecordView<'a>, Headers<'a>), WireError> {
        let topic = self.rest.u16()?;
        let topic =
            *self.topics.get(topic as usize).ok_or(WireError::Invalid { what: "topic", value: topic.into() })?;
        let record = RecordView {
            topic,
            partition: self.rest.i32()?,
            offset: self.rest.i64()?,
            timestamp: self.rest.i64()?,
            key: self.rest.optional()?,
            value: self.rest.optional()?,
        };
        let headers = Headers::read(&mut self.rest)?;
        Ok((record, headers))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::HEADER;
    use super::*;

    type Header = (Vec<u8>, Option<Vec<u8>>);

    fn round_trip(key: Option<Vec<u8>>, value: Option<Vec<u8>>, headers: Vec<Header>) {
        let invocation = Invocation { id: 5, lane: 2, epoch: 1, attempt: 3, records: 1 };
        let view = RecordView {
            topic: "b",
            partition: 4,
            offset: 77,
            timestamp: -1,
            key: key.as_deref(),
            value: value.as_deref(),
        };
        let mut builder = RunBuilder::new(9, ["a", "b"].into_iter());
        builder.invocation(&invocation);
        builder.record(&view, headers.iter().map(|(name, value)| (&name[..], value.as_deref())));
        let bytes = builder.finish();

        let mut reader = RunReader::new(&bytes[HEADER..]).unwrap();
        assert_eq!(reader.invocation().unwrap(), Some(invocation));
        let (read, read_headers) = reader.record().unwrap();
        assert_eq!(read, view);
        let read_headers: Vec<Header> =
            read_headers.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
        assert_eq!(read_headers, headers);
        assert_eq!(reader.invocation().unwrap(), None);
    }

    proptest! {
        #[test]
        fn records_arrive_byte_for_byte(key: Option<Vec<u8>>, value: Option<Vec<u8>>, headers: Vec<Header>) {
            round_trip(key, value, headers);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            if let Ok(mut reader) = RunReader::new(&bytes) {
                while let Ok(Some(invocation)) = reader.invocation() {
                    for _ in 0..invocation.records {
                        if reader.record().is_err() {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }
}
