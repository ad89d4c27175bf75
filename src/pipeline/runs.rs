//! What isolates are sent: records of all partitions that go to the same isolate in one turn share messages.
//!
//! What a worker settles at a time is of many partitions where there are many, so that each of them has but a few records
//! to send next; a message of its own for each would cost more than they do.

use super::isolates::Held;
use crate::protocol::run::RunBuilder;

/// A message is sent when it has grown to this many bytes.
const FULL: usize = 512 << 10;
/// So much of what messages are made in is kept for longer: many functions have many isolates, of which few get long
/// messages at any time.
const KEPT: usize = 64 << 10;

/// The messages of one turn, one for each isolate. Nothing else may be sent to an isolate before [`Runs::send`].
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<Run>);

/// The message that is being made for one isolate.
#[derive(Debug)]
pub(super) struct Run {
    /// The isolate's.
    tag: u64,
    channel: u32,
    message: Option<RunBuilder>,
    /// What the next message is made in.
    buffer: Vec<u8>,
}

impl Runs {
    /// The message to an isolate.
    pub(super) fn to(&mut self, held: &Held) -> &mut Run {
        self.place(held.tag, held.isolate.channel())
    }

    fn place(&mut self, tag: u64, channel: u32) -> &mut Run {
        let known = self.0.iter().position(|run| run.tag == tag);
        let place = known.unwrap_or_else(|| {
            self.0.push(Run { tag, channel, message: None, buffer: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[place]
    }

    /// Sends what there is to send. Of isolates that are no longer held, nothing is remembered.
    pub(super) fn send<'h>(&mut self, held: impl Fn(u64) -> Option<&'h Held>) {
        self.0.retain_mut(|run| {
            let held = held(run.tag);
            if let Some(held) = held {
                run.send(|message| held.isolate.send(message));
            }
            held.is_some()
        });
    }

    /// Gives back what long messages were made in. Called now and then, since the next long one takes it anew.
    pub(super) fn trim(&mut self) {
        self.0.iter_mut().filter(|run| run.buffer.capacity() > KEPT).for_each(|run| run.buffer = Vec::new());
    }

    /// Gives back the memory that messages are made in.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

impl Run {
    /// Whether the next record begins a message.
    pub(super) fn is_empty(&self) -> bool {
        self.message.as_ref().is_none_or(RunBuilder::is_empty)
    }

    /// The message, for records of this topic. What was made for those of another goes first.
    pub(super) fn message(&mut self, topic: &str, send: impl FnOnce(Vec<u8>) -> Vec<u8>) -> &mut RunBuilder {
        if self.message.as_ref().is_some_and(|message| !message.has(topic)) {
            self.send(send);
        }
        let (channel, buffer) = (self.channel, &mut self.buffer);
        self.message.get_or_insert_with(|| RunBuilder::reusing(std::mem::take(buffer), channel, std::iter::once(topic)))
    }

    /// Sends it if it is long.
    pub(super) fn grown(&mut self, send: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        if self.message.as_ref().is_some_and(|message| message.len() > FULL) {
            self.send(send);
        }
    }

    fn send(&mut self, send: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let Some(message) = self.message.take() else { return };
        let is_empty = message.is_empty();
        let bytes = message.finish();
        self.buffer = if is_empty { bytes } else { send(bytes) };
        if self.buffer.capacity() > 2 * FULL {
            self.buffer = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frame::HEADER;
    use crate::protocol::run::{Invocation, RecordView, RunReader};

    /// Adds one record, and says what was sent meanwhile.
    fn add(runs: &mut Runs, tag: u64, lane: u32, topic: &str, value: &[u8]) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        let run = runs.place(tag, tag as u32);
        let message = run.message(topic, |message| {
            sent.push(message);
            Vec::new()
        });
        message.invocation(&Invocation { id: u64::from(lane), lane, epoch: 0, attempt: 1, records: 1 });
        let (partition, value) = (lane as i32, Some(value));
        let record = RecordView { topic, partition, offset: 0, timestamp: 0, key: None, value };
        message.record(&record, std::iter::empty());
        run.grown(|message| {
            sent.push(message);
            Vec::new()
        });
        sent
    }

    /// The lanes of a message.
    fn lanes(message: &[u8]) -> Vec<u32> {
        let mut reader = RunReader::new(&message[HEADER..]).unwrap();
        let mut lanes = Vec::new();
        while let Some(invocation) = reader.invocation().unwrap() {
            lanes.push(invocation.lane);
            reader.record().unwrap();
        }
        lanes
    }

    fn rest(run: &mut Run) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        run.send(|message| {
            sent.push(message);
            Vec::new()
        });
        sent
    }

    #[test]
    fn records_of_many_partitions_go_to_their_isolate_in_one_message() {
        let mut runs = Runs::default();
        for lane in 1..=64 {
            assert!(add(&mut runs, u64::from(lane % 2), lane, "t", b"x").is_empty());
        }
        assert_eq!(runs.0.len(), 2);
        for run in &mut runs.0 {
            let sent = rest(run);
            assert_eq!(sent.len(), 1);
            assert_eq!(lanes(&sent[0]).len(), 32);
            assert!(rest(run).is_empty(), "it went once");
        }
    }

    #[test]
    fn another_topic_begins_another_message_and_so_does_much() {
        let mut runs = Runs::default();
        assert!(add(&mut runs, 1, 1, "a", b"x").is_empty());
        let sent = add(&mut runs, 1, 2, "b", b"x");
        assert_eq!(lanes(&sent[0]), [1]);
        let sent = add(&mut runs, 1, 3, "b", &vec![0; FULL]);
        assert_eq!(lanes(&sent[0]), [2, 3]);
        assert!(runs.place(1, 1).is_empty() && rest(&mut runs.0[0]).is_empty());
    }

    #[test]
    fn what_a_long_message_was_made_in_is_not_kept_for_long() {
        let mut runs = Runs::default();
        for (tag, size) in [(1, 100 << 10), (2, 100)] {
            add(&mut runs, tag, 1, "t", &vec![0; size]);
        }
        runs.0.iter_mut().for_each(|run| run.send(|message| message));
        runs.trim();
        let kept: Vec<bool> = runs.0.iter().map(|run| run.buffer.capacity() > 0).collect();
        assert_eq!(kept, [false, true]);
    }

    #[test]
    fn isolates_that_are_gone_are_forgotten() {
        let mut runs = Runs::default();
        add(&mut runs, 1, 1, "t", b"x");
        runs.send(|_| None);
        assert!(runs.0.is_empty());
    }
}
