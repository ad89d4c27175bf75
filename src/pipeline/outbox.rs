//! Results that Kafka's client did not take or could not deliver, with bytes of their own, in the order to send them.

use std::collections::VecDeque;
use std::time::Instant;

use super::sink::Writing;
use crate::kafka::Report;

/// A header's name and value.
type Header = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub topic: String,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
    /// To be sent in a batch of its own.
    pub alone: bool,
}

impl Kept {
    pub fn new<'h>(record: &Writing<'_>, headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>) -> Kept {
        Kept {
            topic: record.topic.name().to_owned(),
            partition: record.partition,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.map(owned).collect(),
            alone: false,
        }
    }

    pub fn from_report(report: &Report<'_>, alone: bool) -> Kept {
        let partition = report.partition();
        Kept {
            topic: report.topic().to_owned(),
            partition: (partition >= 0).then_some(partition),
            timestamp: report.timestamp(),
            key: report.key().map(<[u8]>::to_vec),
            value: report.value().map(<[u8]>::to_vec),
            headers: report.headers().map(owned).collect(),
            alone,
        }
    }

    /// Bytes of key, value and headers.
    pub fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len));
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len) + headers.sum::<usize>()
    }
}

fn owned((name, value): (&[u8], Option<&[u8]>)) -> Header {
    (name.to_vec(), value.map(<[u8]>::to_vec))
}

#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<(u32, Kept)>,
    /// Nothing is offered before this time.
    not_before: Option<Instant>,
}

impl Outbox {
    /// Keeps a result behind all others; with `not_before`, the whole outbox waits until then.
    pub fn keep(&mut self, number: u32, kept: Kept, not_before: Option<Instant>) {
        self.queue.push_back((number, kept));
        self.not_before = self.not_before.max(not_before);
    }

    /// Puts back what [`Outbox::next`] gave, since it was not taken.
    pub fn keep_first(&mut self, number: u32, kept: Kept, not_before: Instant) {
        self.queue.push_front((number, kept));
        self.not_before = Some(not_before);
    }

    pub fn next(&mut self, now: Instant) -> Option<(u32, Kept)> {
        if self.not_before.is_some_and(|time| time > now) {
            return None;
        }
        self.not_before = None;
        self.queue.pop_front()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When to come back; at once where nothing forbids it.
    pub fn due(&self) -> Option<Instant> {
        if self.queue.is_empty() { None } else { Some(self.not_before.unwrap_or_else(Instant::now)) }
    }
}
