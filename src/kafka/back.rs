//! Partitions whose position has gone back, such as those of a topic that was made anew.
//!
//! The background commit leaves out whatever is not beyond what it committed last, so the first lower offset of such a
//! partition is committed by hand, again and again until Kafka has it.

use std::collections::HashMap;

use super::native::{Event, PartitionList};
use super::{Code, TopicPartition};

/// The partitions, each with the offset that was committed by hand last.
#[derive(Default)]
pub(super) struct Back(HashMap<TopicPartition, Option<i64>>);

impl Back {
    pub fn begin(&mut self, partition: TopicPartition) {
        self.0.insert(partition, None);
    }

    pub fn end(&mut self, partition: &TopicPartition) {
        self.0.remove(partition);
    }

    /// Whether the list, which was stored, is to be committed by hand as well.
    pub fn goes_with(&mut self, list: &PartitionList) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let mut any = false;
        for entry in list.entries() {
            if let (Some(last), Some(offset)) = (self.0.get_mut(&entry.partition), entry.known()) {
                *last = Some(offset);
                any = true;
            }
        }
        any
    }

    /// Kafka has answered to a commit.
    pub fn committed(&mut self, event: &Event) {
        if self.0.is_empty() || event.code() != Code(0) {
            return;
        }
        for entry in event.partitions() {
            // One of before may have been on its way.
            let last = self.0.get(&entry.partition).copied().flatten();
            if entry.code == Code(0) && last.is_some_and(|last| last == entry.offset) {
                self.0.remove(&entry.partition);
            }
        }
    }
}
