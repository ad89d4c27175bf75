//! The partitions that a consumer has, each with its queue, and which of them have records.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::native::{Client, PartitionList, Queue, c_name};
use super::{Error, Result, TopicPartition};

/// Called by librdkafka's threads when there is something to poll or to take.
/// It must be quick and must not call back into the consumer: wake the owner's thread, no more.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// An assigned partition, from `assign` until `unassign`.
/// A slot that is no longer assigned is refused, never mistaken for a later assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    index: u32,
    epoch: u32,
}

#[cfg(test)]
impl Slot {
    /// One that was never assigned.
    pub fn of_nobody() -> Slot {
        Slot { index: 0, epoch: 0 }
    }
}

/// What is to be committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    pub slot: Slot,
    /// Where the group goes on.
    pub offset: i64,
    /// A text that Kafka keeps with it, of at most 4096 bytes.
    pub note: Option<Arc<str>>,
}

impl From<&(Slot, i64)> for Next {
    fn from(&(slot, offset): &(Slot, i64)) -> Next {
        Next { slot, offset, note: None }
    }
}

pub(super) struct Assigned {
    epoch: u32,
    pub(super) partition: TopicPartition,
    pub(super) topic: CString,
    pub(super) queue: Queue,
    /// Whether the slot is in `Ready` already, so that it is there once.
    queued: Arc<AtomicBool>,
}

impl Assigned {
    pub(super) fn add_to(&self, list: &mut PartitionList, offset: i64) {
        list.add(&self.topic, self.partition.partition, offset);
    }
}

/// Slots whose queue became non-empty, filled by librdkafka's threads.
#[derive(Default)]
struct Ready(Mutex<Vec<Slot>>);

impl Ready {
    fn push(&self, slot: Slot, queued: &AtomicBool) -> bool {
        if queued.swap(true, Ordering::AcqRel) {
            return false;
        }
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.push(slot);
        true
    }
}

#[derive(Default)]
pub(super) struct Slots {
    entries: Vec<Option<Assigned>>,
    by_partition: HashMap<TopicPartition, Slot>,
    next_epoch: u32,
    ready: Arc<Ready>,
    /// Reused by `drain_ready`, so that it does not allocate.
    drained: Vec<Slot>,
}

impl Slots {
    /// Cuts a partition off from the consumer's queue, before it is assigned.
    pub(super) fn insert(&mut self, client: &Arc<Client>, partition: &TopicPartition, wake: &Wake) -> Result<Slot> {
        let topic = c_name(&partition.topic)?;
        let queue = Queue::partition(client, &topic, partition.partition)?;
        let index = self.entries.iter().position(Option::is_none);
        let index = index.unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() - 1
        });
        let slot = Slot {
            index: u32::try_from(index).expect("a consumer has fewer than 2^32 partitions"),
            epoch: self.next_epoch,
        };
        self.next_epoch = self.next_epoch.wrapping_add(1);
        let mut assigned =
            Assigned { epoch: slot.epoch, partition: partition.clone(), topic, queue, queued: Arc::default() };
        let (ready, queued, wake) = (Arc::clone(&self.ready), Arc::clone(&assigned.queued), Arc::clone(wake));
        assigned.queue.on_nonempty(Box::new(move || {
            if ready.push(slot, &queued) {
                wake();
            }
        }));
        self.entries[index] = Some(assigned);
        self.by_partition.insert(partition.clone(), slot);
        Ok(slot)
    }

    pub(super) fn remove(&mut self, partition: &TopicPartition) -> bool {
        let Some(slot) = self.by_partition.remove(partition) else {
            return false;
        };
        self.entries[slot.index as usize] = None;
        true
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.by_partition.clear();
    }

    pub(super) fn slot(&self, partition: &TopicPartition) -> Option<Slot> {
        self.by_partition.get(partition).copied()
    }

    pub(super) fn get(&self, slot: Slot) -> Result<&Assigned> {
        self.entries
            .get(slot.index as usize)
            .and_then(Option::as_ref)
            .filter(|assigned| assigned.epoch == slot.epoch)
            .ok_or(Error::NotAssigned)
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Result<&mut Assigned> {
        self.entries
            .get_mut(slot.index as usize)
            .and_then(Option::as_mut)
            .filter(|assigned| assigned.epoch == slot.epoch)
            .ok_or(Error::NotAssigned)
    }

    /// Appends the slots that are ready and still assigned.
    pub(super) fn drain_ready(&mut self, out: &mut Vec<Slot>) {
        let mut drained = std::mem::take(&mut self.drained);
        {
            let mut ready = self.ready.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut drained, &mut ready);
        }
        for slot in drained.drain(..) {
            if let Ok(assigned) = self.get(slot) {
                // Cleared before the owner takes, so that what arrives meanwhile is told again.
                assigned.queued.store(false, Ordering::Release);
                out.push(slot);
            }
        }
        self.drained = drained;
    }

    /// Marks every slot, for an owner who wants to be sure that no wake was lost.
    pub(super) fn mark_all(&self) {
        for (partition, &slot) in &self.by_partition {
            if let Ok(assigned) = self.get(slot) {
                debug_assert_eq!(assigned.partition, *partition);
                self.ready.push(slot, &assigned.queued);
            }
        }
    }

    /// A list of what is to be committed.
    pub(super) fn to_commit(&self, all: impl IntoIterator<Item = impl Into<Next>>) -> Result<PartitionList> {
        let all = all.into_iter();
        let mut list = PartitionList::new(all.size_hint().0);
        for next in all {
            let Next { slot, offset, note } = next.into();
            self.get(slot)?.add_to(&mut list, offset);
            if let Some(note) = note {
                list.note(&note);
            }
        }
        Ok(list)
    }

    /// A list of slots with an offset for each.
    pub(super) fn list(&self, slots: impl IntoIterator<Item = (Slot, i64)>) -> Result<PartitionList> {
        let slots = slots.into_iter();
        let mut list = PartitionList::new(slots.size_hint().0);
        for (slot, offset) in slots {
            self.get(slot)?.add_to(&mut list, offset);
        }
        Ok(list)
    }
}
