//! What the records of all functions of a node may take in memory, from when they are fetched until they are committed.
//!
//! The partitions that have records share it evenly. A subscription claims shares for its own, and looks at what a share
//! has become whenever it takes records. A part of a share is for what Kafka's client fetches ahead, the rest for what
//! is taken from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::partition::{Bounds, Partition};
use super::subscription::Subscription;

/// Of so many parts of a share one is for records that were taken, the others for what is fetched ahead.
const PARTS: usize = 3;
/// A partition may always hold so many bytes: below that, it would do little but wait.
const LEAST: usize = 64 << 10;
/// What a record takes besides its key and value, with Kafka's client and with us.
const BESIDES: usize = 512;
/// Each look at the size of records moves the mean by one part in so many.
const MEMORY: usize = 8;
/// For so many ticks in a row a partition is without records until its share is for others.
const CALM: u32 = 10;
/// A broker may always send so many bytes at a time, or very many partitions would keep it busy with requests.
const LEAST_FETCH: usize = 128 << 10;

/// Of a whole node.
#[derive(Debug)]
pub struct Budget {
    bytes: usize,
    /// That have records.
    partitions: AtomicUsize,
}

impl Budget {
    pub fn new(bytes: usize) -> Arc<Budget> {
        Arc::new(Budget { bytes, partitions: AtomicUsize::new(0) })
    }

    /// Of each partition that has records.
    fn share(&self) -> usize {
        self.bytes / self.partitions.load(Ordering::Relaxed).max(1)
    }
}

/// What a subscription has of it.
#[derive(Debug)]
pub(super) struct Room {
    budget: Arc<Budget>,
    bounds: Bounds,
    /// Partitions that a share is claimed for.
    claimed: usize,
    /// Bytes of a record, as far as any were seen.
    mean: Option<usize>,
}

/// What Kafka's client may fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ahead {
    /// Of a partition, nothing while so many of it are there.
    pub(super) records: usize,
    /// From a broker, at a time: it may all be of one partition, so that this has up to twice its part of a share.
    pub(super) bytes: usize,
}

impl Room {
    /// `bounds` hold for each partition, however large a share is.
    pub(super) fn new(budget: Arc<Budget>, bounds: Bounds) -> Room {
        Room { budget, bounds, claimed: 0, mean: None }
    }

    /// From now on, this is how many partitions have records.
    pub(super) fn claim(&mut self, partitions: usize) {
        let all = &self.budget.partitions;
        all.fetch_add(partitions, Ordering::Relaxed);
        all.fetch_sub(std::mem::replace(&mut self.claimed, partitions), Ordering::Relaxed);
    }

    /// How many partitions have records.
    pub(super) fn claimed(&self) -> usize {
        self.claimed
    }

    /// So many records were taken, of so many bytes.
    pub(super) fn weigh(&mut self, records: usize, bytes: usize) {
        let Some(seen) = bytes.checked_div(records) else { return };
        self.mean = Some(self.mean.map_or(seen, |mean| (mean * (MEMORY - 1) + seen) / MEMORY));
    }

    /// What each partition may hold between poll and commit; so many times the usual number of records, if they fit.
    pub(super) fn bounds(&self, times: usize) -> Bounds {
        let share = (self.budget.share() / PARTS).max(LEAST);
        let fit = self.mean.map_or(usize::MAX, |mean| (share / (mean + BESIDES)).max(1));
        Bounds { records: self.bounds.records.saturating_mul(times).min(fit), bytes: self.bounds.bytes.min(share) }
    }

    /// How many records there is room for in so many bytes, and one more.
    pub(super) fn fitting(&self, bytes: usize) -> usize {
        bytes / self.mean.unwrap_or(LEAST).max(1) + 1
    }

    /// What may be fetched ahead. As long as the size of records is unknown, only one fetch for each partition.
    pub(super) fn ahead(&self) -> Ahead {
        let share = (self.budget.share() / PARTS * (PARTS - 1)).max(LEAST);
        Ahead { records: self.mean.map_or(1, |mean| share / (mean + BESIDES)).max(1), bytes: share.max(LEAST_FETCH) }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.claim(0);
    }
}

impl Subscription {
    /// Tells Kafka's client how much it may fetch ahead by now; claims shares anew where partitions may have come to life
    /// or to rest.
    pub(super) fn make_room(&mut self, changed: bool) {
        if changed {
            self.room.claim(self.partitions.values().filter(|partition| !partition.is_calm()).count());
        }
        let Ahead { records, bytes } = self.room.ahead();
        if let Some(consumer) = &mut self.consumer {
            consumer.fetch_ahead(records, bytes);
        }
    }
}

impl Partition {
    /// Whether it has had no records for a while.
    pub(super) fn is_calm(&self) -> bool {
        self.calm >= CALM
    }

    /// Looked at once in a tick.
    pub(super) fn calms(&mut self) {
        self.calm = if self.underway() > 0 { 0 } else { (self.calm + 1).min(CALM) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn room(budget: &Arc<Budget>) -> Room {
        Room::new(Arc::clone(budget), Bounds { records: 4000, bytes: 4 * MIB })
    }

    #[test]
    fn what_partitions_may_hold_together_is_the_budget_however_many_there_are() {
        let budget = Budget::new(192 * MIB);
        let (mut one, mut other) = (room(&budget), room(&budget));
        one.weigh(10, 10 * 1024);
        one.claim(4);
        assert_eq!(one.bounds(1).bytes, 4 * MIB, "with few partitions, what was configured for one is the bound");
        for (mine, others) in [(64, 0), (64, 64), (1, 999)] {
            one.claim(mine);
            other.claim(others);
            let all = mine + others;
            assert!(one.bounds(1).bytes * all <= 192 * MIB / 3, "{all}");
            assert!(one.ahead().records * (1024 + BESIDES) * all <= 192 * MIB / 3 * 2, "{all}");
            let once = one.ahead().bytes;
            assert!(once * all <= 192 * MIB / 3 * 2 || once == LEAST_FETCH, "{all}");
        }
    }

    #[test]
    fn a_share_is_given_back_by_those_that_need_it_no_longer() {
        let budget = Budget::new(60 * MIB);
        let (mut one, mut other) = (room(&budget), room(&budget));
        one.claim(10);
        other.claim(10);
        assert_eq!(one.bounds(1).bytes, MIB);
        other.claim(0);
        assert_eq!(one.bounds(1).bytes, 2 * MIB);
        other.claim(10);
        drop(other);
        assert_eq!(one.bounds(1).bytes, 2 * MIB);
    }

    #[test]
    fn the_larger_records_are_the_fewer_are_fetched_and_taken() {
        let mut room = room(&Budget::new(96 * MIB));
        room.claim(1);
        assert_eq!(room.ahead().records, 1, "until the first is there");
        room.weigh(0, 0);
        assert_eq!(room.ahead().records, 1);
        room.weigh(10, 10 * MIB);
        assert_eq!(room.ahead().records, 63);
        assert_eq!((room.fitting(4 * MIB), room.fitting(0)), (5, 1));
        (0..100).for_each(|_| room.weigh(10, 1000));
        assert!(room.ahead().records > 100_000, "{:?}", room.ahead());
    }

    #[test]
    fn of_small_records_what_surrounds_them_counts_as_well() {
        let budget = Budget::new(128 * MIB);
        let mut room = room(&budget);
        room.claim(256);
        let share = 128 * MIB / 256 / PARTS;
        assert_eq!(room.bounds(4).records, 16_000, "until their size is known");
        room.weigh(10, 1000);
        for times in [1, 4] {
            let records = room.bounds(times).records;
            assert!(records * (100 + BESIDES) <= share && (records + 1) * (100 + BESIDES) > share, "{records}");
        }
        room.claim(1);
        assert_eq!(
            (room.bounds(1).records, room.bounds(4).records),
            (4000, 16_000),
            "with few partitions, as configured"
        );
    }

    #[test]
    fn with_very_many_partitions_each_still_moves() {
        let mut room = room(&Budget::new(MIB));
        room.weigh(1, 10 * MIB);
        room.claim(10_000);
        assert_eq!((room.bounds(1).records, room.bounds(1).bytes, room.fitting(LEAST)), (1, LEAST, 1));
        assert_eq!(room.ahead(), Ahead { records: 1, bytes: LEAST_FETCH });
    }
}
