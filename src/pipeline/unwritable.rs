//! Records whose results Kafka will not take, remembered across the abort that they cause, so that the second pass makes
//! dead letters of them and of nobody else.

use std::collections::HashMap;

use super::partition::Partition;
use crate::kafka::{Batching, TopicPartition};
use crate::outcome::Outcome;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doom {
    pub outcome: Outcome,
    pub reason: String,
    /// It was its dead letter that could not be written.
    pub letter: bool,
}

impl Doom {
    pub fn too_old() -> Doom {
        let reason = "the record is older than skip-older-than".to_owned();
        Doom { outcome: Outcome::TooOld, reason, letter: false }
    }
}

#[derive(Debug, Default)]
pub struct Unwritable {
    dooms: HashMap<(TopicPartition, i64), Doom>,
    /// Up to where records are that may have been refused for a neighbour in their batch.
    suspects: HashMap<TopicPartition, i64>,
}

impl Unwritable {
    /// This record's result will never be taken.
    pub fn condemn(&mut self, at: &TopicPartition, offset: i64, doom: Doom) {
        self.dooms.insert((at.clone(), offset), doom);
    }

    /// This record's result was refused together with others.
    pub fn suspect(&mut self, at: &TopicPartition, offset: i64) {
        let last = self.suspects.entry(at.clone()).or_insert(offset);
        *last = offset.max(*last);
    }

    pub fn get(&self, at: &TopicPartition, offset: i64) -> Option<&Doom> {
        if self.dooms.is_empty() { None } else { self.dooms.get(&(at.clone(), offset)) }
    }

    /// How results have to be sent so that it shows which of them is refused.
    pub fn batching(&self) -> Batching {
        if self.suspects.is_empty() { Batching::Shared } else { Batching::Alone }
    }

    /// The group stands at this offset: what is before it is done with.
    pub fn committed(&mut self, at: &TopicPartition, offset: i64) {
        if self.suspects.get(at).is_some_and(|last| *last < offset) {
            self.suspects.remove(at);
        }
        if !self.dooms.is_empty() {
            self.dooms.retain(|(of, doomed), _| of != at || *doomed >= offset);
        }
    }

    /// Forgets partitions that are no longer ours.
    pub fn keep<'p>(&mut self, ours: impl Iterator<Item = &'p Partition> + Clone) {
        let is_ours = |at: &TopicPartition| ours.clone().any(|partition| partition.at == *at);
        self.suspects.retain(|at, _| is_ours(at));
        self.dooms.retain(|(at, _), _| is_ours(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_past_is_forgotten_and_batches_are_shared_again() {
        let (at, other) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        let doom = Doom { outcome: Outcome::TooLarge, reason: String::new(), letter: false };
        let mut unwritable = Unwritable::default();
        assert_eq!(unwritable.batching(), Batching::Shared);
        [7, 5].into_iter().for_each(|offset| unwritable.suspect(&at, offset));
        unwritable.condemn(&at, 6, doom.clone());
        unwritable.committed(&other, 100);
        unwritable.committed(&at, 6);
        assert_eq!((unwritable.batching(), unwritable.get(&at, 6)), (Batching::Alone, Some(&doom)));
        unwritable.committed(&at, 7);
        assert_eq!((unwritable.batching(), unwritable.get(&at, 6)), (Batching::Alone, None), "7 is not past yet");
        unwritable.committed(&at, 8);
        assert_eq!(unwritable.batching(), Batching::Shared);
    }
}
