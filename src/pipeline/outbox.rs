//! Results that Kafka's client did not take or could not deliver, with bytes of their own, in the order to send them.

use std::collections::BTreeMap;
use std::time::Instant;

use super::sink::Writing;
use crate::kafka::{Outgoing, Report, Topic};

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
            topic: record.output.topic.name().to_owned(),
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

    /// As the producer takes it, headers apart.
    pub fn outgoing<'a>(&'a self, topic: &'a Topic, opaque: usize) -> Outgoing<'a> {
        Outgoing {
            topic,
            partition: self.partition,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            opaque,
        }
    }

    /// Bytes of memory, about: a result may be empty, and there may be many.
    fn footprint(&self) -> usize {
        self.size() + size_of::<Kept>() + self.topic.len() + self.headers.len() * size_of::<Header>()
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

/// Results by the order in which they were first written.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: BTreeMap<u64, (u32, Kept)>,
    /// Of all that is kept.
    bytes: usize,
    /// Nothing is offered before this time.
    not_before: Option<Instant>,
    /// Kafka gave some back, so others may come back that belong before them.
    disordered: bool,
    /// The last one offered went alone; others must not overtake it.
    alone: bool,
}

impl Outbox {
    /// Keeps a result that Kafka's client did not take.
    pub fn keep(&mut self, order: u64, number: u32, kept: Kept) {
        self.bytes += kept.footprint();
        self.queue.insert(order, (number, kept));
    }

    /// Keeps a result that came back from Kafka. With `not_before`, the whole outbox waits until then.
    pub fn take_back(&mut self, order: u64, number: u32, kept: Kept, not_before: Option<Instant>) {
        self.disordered = true;
        self.not_before = self.not_before.max(not_before);
        self.keep(order, number, kept);
    }

    /// Puts back what [`Outbox::next`] gave, since it was not taken.
    pub fn keep_first(&mut self, order: u64, number: u32, kept: Kept, not_before: Instant) {
        self.not_before = Some(not_before);
        self.keep(order, number, kept);
    }

    /// The next result to offer, of `underway` that have no report, kept ones included.
    pub fn next(&mut self, now: Instant, underway: usize) -> Option<(u64, u32, Kept)> {
        if self.not_before.is_some_and(|time| time > now) {
            return None;
        }
        let quiet = underway == self.queue.len();
        if quiet {
            (self.disordered, self.alone) = (false, false);
        }
        let next_alone = self.queue.first_key_value()?.1.1.alone;
        if (self.disordered || self.alone || next_alone) && !quiet {
            return None;
        }
        self.not_before = None;
        self.alone = next_alone;
        let (order, (number, kept)) = self.queue.pop_first()?;
        self.bytes -= kept.footprint();
        Some((order, number, kept))
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// When to come back; delivery reports wake by themselves.
    pub fn due(&self) -> Option<Instant> {
        if self.queue.is_empty() { None } else { self.not_before }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn kept(alone: bool) -> Kept {
        Kept { topic: "t".into(), partition: None, timestamp: None, key: None, value: None, headers: vec![], alone }
    }

    fn next(outbox: &mut Outbox, now: Instant, underway: usize) -> Option<u64> {
        outbox.next(now, underway).map(|(order, ..)| order)
    }

    #[test]
    fn what_comes_back_waits_for_all_that_may_belong_before_it() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.take_back(5, 0, kept(false), None);
        assert_eq!(next(&mut outbox, now, 3), None, "two others have no report yet");
        outbox.take_back(2, 1, kept(false), None);
        outbox.keep(9, 2, kept(false));
        assert_eq!(next(&mut outbox, now, 3), Some(2));
        assert_eq!(next(&mut outbox, now, 3), Some(5));
        assert_eq!(next(&mut outbox, now, 3), Some(9));
    }

    #[test]
    fn one_that_goes_alone_is_not_overtaken() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.take_back(1, 0, kept(true), None);
        outbox.keep(2, 1, kept(false));
        assert_eq!(next(&mut outbox, now, 2), Some(1));
        assert_eq!(next(&mut outbox, now, 2), None, "the first has no report yet");
        assert_eq!(next(&mut outbox, now, 1), Some(2));
    }

    #[test]
    fn nothing_is_offered_before_its_time() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let later = now + Duration::from_secs(1);
        outbox.take_back(1, 0, kept(false), Some(later));
        assert_eq!(next(&mut outbox, now, 1), None);
        assert_eq!(outbox.due(), Some(later));
        assert_eq!(next(&mut outbox, later, 1), Some(1));
    }
}
