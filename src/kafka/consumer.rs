//! The group consumer of one function, used from one thread.

use std::sync::Arc;
use std::time::Duration;

use super::{Error, Message, Position, Result, Settings, TopicPartition};

/// Called by librdkafka's threads when there is something to poll or to take.
/// It must be quick and must not call back into the consumer: wake the owner's thread, no more.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// An assigned partition, from `assign` until `unassign`.
/// A slot that is no longer assigned is refused, never mistaken for a later assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    pub(super) index: u32,
    pub(super) epoch: u32,
}

#[derive(Debug)]
pub enum ConsumerEvent {
    /// To be answered with `assign` when the owner is ready.
    Assign(Vec<TopicPartition>),
    /// To be answered with `unassign` when the owner has drained.
    /// `lost`: another member may own them already, so committing is pointless.
    Revoke { partitions: Vec<TopicPartition>, lost: bool },
    /// librdkafka goes on by itself.
    Error(Error),
    /// The consumer is of no more use and must be made anew.
    Fatal(Error),
}

/// Why no records come from a partition.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PartitionError {
    /// The position lies before or behind what the partition holds; `restart` it.
    #[error("the position is out of the partition's range: {0}")]
    OffsetOutOfRange(String),
    /// `Position::Committed`, and nothing is committed; `restart` it.
    #[error("the group has no committed offset")]
    NoOffset,
    /// librdkafka goes on by itself.
    #[error(transparent)]
    Other(Error),
}

pub struct Consumer {}

impl Consumer {
    pub fn new(_settings: &Settings, _group: &str, _wake: Wake) -> Result<Self> {
        todo!()
    }

    /// Replaces the subscription; joins the group on the first call.
    pub fn subscribe(&mut self, _topics: &[String]) -> Result<()> {
        todo!()
    }

    /// Serves events without waiting. Until it returns `None` there may be more.
    /// It must be called at least once in `max.poll.interval.ms` (as `take`, it resets that clock).
    pub fn poll(&mut self) -> Option<ConsumerEvent> {
        todo!()
    }

    /// Answers `ConsumerEvent::Assign`; records begin to arrive. Slots are in the given order.
    pub fn assign(&mut self, _partitions: &[(TopicPartition, Position)]) -> Result<Vec<Slot>> {
        todo!()
    }

    /// Answers `ConsumerEvent::Revoke`. Stored offsets are committed on the way out.
    pub fn unassign(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        todo!()
    }

    /// Appends the slots whose queue became non-empty since the last call.
    /// A slot is reported once until `take` has returned fewer records than asked for.
    pub fn ready(&mut self, _out: &mut Vec<Slot>) {
        todo!()
    }

    /// Appends up to `max` records of one partition without waiting.
    /// Records that came along with an error are appended too.
    pub fn take(&mut self, _slot: Slot, _max: usize, _out: &mut Vec<Message>) -> Result<usize, PartitionError> {
        todo!()
    }

    /// Goes to another position; records fetched from the old one never appear.
    pub fn restart(&mut self, _slot: Slot, _position: Position) -> Result<()> {
        todo!()
    }

    /// Stops fetching and drops what was fetched ahead. For short stalls, do not `take` instead.
    pub fn pause(&mut self, _slots: &[Slot]) -> Result<()> {
        todo!()
    }

    pub fn resume(&mut self, _slots: &[Slot]) -> Result<()> {
        todo!()
    }

    /// Hands the next offsets to the background commit (once a second, and on unassign).
    pub fn store(&mut self, _next: &[(Slot, i64)]) -> Result<()> {
        todo!()
    }

    /// Commits the next offsets and waits for Kafka's answer.
    pub fn commit(&mut self, _next: &[(Slot, i64)], _timeout: Duration) -> Result<()> {
        todo!()
    }

    /// The group's committed offsets, in the given order.
    pub fn committed(
        &mut self,
        _partitions: &[TopicPartition],
        _timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>> {
        todo!()
    }

    /// Low and high watermark as of the last fetch; no network.
    pub fn watermarks(&self, _slot: Slot) -> Option<(i64, i64)> {
        todo!()
    }

    /// The offset behind the last taken record, transaction markers included.
    pub fn position(&self, _slot: Slot) -> Option<i64> {
        todo!()
    }

    /// The slot of an assigned partition.
    pub fn slot(&self, _partition: &TopicPartition) -> Option<Slot> {
        todo!()
    }

    /// The partition of a slot that is still assigned.
    pub fn partition(&self, _slot: Slot) -> Option<&TopicPartition> {
        todo!()
    }

    pub fn assignment_lost(&self) -> bool {
        todo!()
    }

    /// Commits stored offsets and leaves the group. Dropping does the same.
    pub fn close(self) {}
}
