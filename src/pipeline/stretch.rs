//! A stretch of each partition instead of all that comes, and no faster than asked for: what a backfill takes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::partition::Partition;
use crate::kafka::TopicPartition;

/// What a subscription takes that does not take everything.
#[derive(Debug, Clone, Default)]
pub struct Stretch {
    /// The offset behind the last record of each partition; of others, nothing is taken.
    pub ends: HashMap<TopicPartition, i64>,
    /// Records in a second.
    pub rate: Option<u32>,
}

/// How many records may be taken by now. What was taken beyond that is made up for by waiting.
#[derive(Debug, Default)]
pub(super) struct Pace {
    rate: Option<f64>,
    left: f64,
    at: Option<Instant>,
}

/// What may come at once, as a part of a second's records.
const BURST: f64 = 0.1;

impl Stretch {
    /// Tells a partition that was just assigned where its stretch ends.
    pub(super) fn limit(&self, partition: &mut Partition) {
        let end = self.ends.get(&partition.at).copied().unwrap_or(0);
        partition.end = Some(end);
        partition.is_over = partition.committed().unwrap_or(0) >= end;
    }
}

impl Pace {
    pub(super) fn new(stretch: Option<&Stretch>) -> Pace {
        let rate = stretch.and_then(|stretch| stretch.rate).map(|rate| f64::from(rate.max(1)));
        Pace { rate, left: 0.0, at: None }
    }

    /// How many records may be taken now; nothing where there is no limit.
    pub(super) fn allowed(&mut self, now: Instant) -> Option<usize> {
        let rate = self.rate?;
        let most = (rate * BURST).max(1.0);
        let passed = self.at.map_or(most / rate, |at| now.saturating_duration_since(at).as_secs_f64());
        self.left = (self.left + passed * rate).min(most);
        self.at = Some(now);
        Some(self.left.max(0.0) as usize)
    }

    pub(super) fn spend(&mut self, records: usize) {
        if self.rate.is_some() {
            self.left -= records as f64;
        }
    }

    /// When the next record may be taken.
    pub(super) fn due(&self) -> Option<Instant> {
        let (rate, at) = (self.rate?, self.at?);
        let missing = (1.0 - self.left).max(0.0);
        Some(at + Duration::from_secs_f64(missing / rate) + Duration::from_micros(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_time_no_more_is_taken_than_the_rate_allows() {
        let stretch = Stretch { rate: Some(100), ..Stretch::default() };
        let mut pace = Pace::new(Some(&stretch));
        let begun = Instant::now();
        let mut taken = 0;
        for millis in 0..2000 {
            let allowed = pace.allowed(begun + Duration::from_millis(millis)).unwrap();
            assert!(allowed <= 10, "a burst is a tenth of a second");
            pace.spend(allowed);
            taken += allowed;
        }
        assert!((200..=210).contains(&taken), "{taken}");
    }

    #[test]
    fn what_was_taken_too_much_is_waited_for() {
        let mut pace = Pace::new(Some(&Stretch { rate: Some(10), ..Stretch::default() }));
        let begun = Instant::now();
        assert_eq!(pace.allowed(begun), Some(1));
        pace.spend(6);
        assert_eq!(pace.allowed(begun + Duration::from_millis(500)), Some(0));
        let due = pace.due().unwrap();
        assert_eq!(pace.allowed(due), Some(1));
        assert!(due > begun + Duration::from_millis(590) && due < begun + Duration::from_millis(610));
    }

    #[test]
    fn without_a_rate_nothing_is_limited() {
        let mut pace = Pace::new(None);
        pace.spend(1_000_000);
        assert_eq!((pace.allowed(Instant::now()), pace.due()), (None, None));
    }
}
