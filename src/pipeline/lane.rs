//! The order of one lane: what may be sent to the isolate next, and what comes back.
//!
//! Records are sent ahead, up to a window, and the worker enters them one after the other. When one fails in a way
//! that may be retried, the worker stops the lane and gives back, in order, whatever it had not begun; the lane puts
//! those behind the failed record again and raises its epoch. Pure logic: no clock, no Kafka, no process.

use std::collections::VecDeque;
use std::time::Instant;

use super::keys::Key;
use super::ledger::Seq;

/// One record on its way through the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    pub seq: Seq,
    pub size: usize,
    /// What it keeps order with, where that is not all of its partition.
    pub key: Key,
    /// Runs that were counted so far.
    pub attempts: u32,
    /// When its first run was sent.
    pub first_run: Option<Instant>,
    /// Most records that may share an invocation with it; shrinks when an invocation fails.
    pub group: u32,
    /// It may have brought a worker down: nothing runs beside it.
    pub alone: bool,
}

impl Item {
    /// One that never ran.
    pub fn new(seq: Seq, size: usize) -> Item {
        Item { seq, size, key: Key::NONE, attempts: 0, first_run: None, group: u32::MAX, alone: false }
    }

    /// Whether nothing was ever tried with it.
    pub fn is_fresh(&self) -> bool {
        self.attempts == 0 && self.group == u32::MAX && self.first_run.is_none()
    }
}

/// What one invocation takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    pub records: u32,
    pub bytes: usize,
}

impl Grouping {
    /// For a `record` handler.
    pub const SINGLE: Grouping = Grouping { records: 1, bytes: usize::MAX };
}

/// What may be outstanding in the isolate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub records: usize,
    pub bytes: usize,
}

/// The worker settled an invocation that it cannot have settled now.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("invocation {id} settled out of order on lane {lane}")]
pub struct OutOfOrder {
    id: u64,
    lane: u32,
}

#[derive(Debug)]
pub struct Lane {
    number: u32,
    epoch: u32,
    invocations: u64,
    waiting: VecDeque<Item>,
    /// Items in the isolate, in the order in which they were sent, grouped by `flights`.
    flying: VecDeque<Item>,
    flights: VecDeque<(u64, u32)>,
    flying_bytes: usize,
    /// Items that came back, to go before all that wait once nothing flies any more.
    returned: VecDeque<Item>,
    /// Nothing is sent until all that flies has come back.
    stopping: bool,
    blocked_until: Option<Instant>,
}

/// Bits of an invocation's id that count within its lane.
const COUNTER_BITS: u32 = 40;
/// Most lanes that one isolate sees in its life.
pub const MAX_LANE: u32 = (1 << (64 - COUNTER_BITS)) - 1;

impl Lane {
    pub fn new(number: u32) -> Lane {
        Lane {
            number,
            epoch: 0,
            invocations: 0,
            waiting: VecDeque::new(),
            flying: VecDeque::new(),
            flights: VecDeque::new(),
            flying_bytes: 0,
            returned: VecDeque::new(),
            stopping: false,
            blocked_until: None,
        }
    }

    /// The lane that an invocation's id belongs to.
    pub fn of(id: u64) -> u32 {
        (id >> COUNTER_BITS) as u32
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Adds a record behind all others.
    pub fn push(&mut self, seq: Seq, size: usize) {
        self.waiting.push_back(Item::new(seq, size));
    }

    /// Adds a record behind all others that was given to this lane.
    pub fn push_item(&mut self, item: Item) {
        self.waiting.push_back(item);
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.returned.len()
    }

    pub fn is_flying(&self) -> bool {
        !self.flights.is_empty()
    }

    pub fn flying_bytes(&self) -> usize {
        self.flying_bytes
    }

    /// Whether nothing is sent until all that flies has come back.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub fn blocked_until(&self) -> Option<Instant> {
        self.blocked_until
    }

    pub fn is_blocked(&self, now: Instant) -> bool {
        self.blocked_until.is_some_and(|until| until > now)
    }

    /// Moves the next invocation's items into the isolate, if the window and the rules allow one; they are appended
    /// to `items`. Returns its id.
    pub fn send(&mut self, now: Instant, grouping: Grouping, window: Window, items: &mut Vec<Item>) -> Option<u64> {
        self.resume_if_empty();
        if self.stopping || self.is_blocked(now) {
            return None;
        }
        self.blocked_until = None;
        let first = self.waiting.front()?;
        let alone = first.alone;
        if self.flies_alone() || (alone && !self.flying.is_empty()) {
            return None;
        }
        let fits = self.flying.len() < window.records && self.flying_bytes + first.size <= window.bytes;
        if !fits && !self.flying.is_empty() {
            return None;
        }
        let most = grouping.records.min(first.group).max(1);
        let (mut count, mut bytes) = (0, 0);
        while count < most {
            let Some(item) = self.waiting.front_mut() else { break };
            let fits = self.flying.len() < window.records && self.flying_bytes + bytes + item.size <= window.bytes;
            let full = !fits || bytes + item.size > grouping.bytes || item.group < count + 1;
            if count > 0 && (full || item.alone != alone) {
                break;
            }
            item.first_run.get_or_insert(now);
            bytes += item.size;
            count += 1;
            items.push(*item);
            self.flying.push_back(*item);
            self.waiting.pop_front();
        }
        self.flying_bytes += bytes;
        self.invocations += 1;
        let id = u64::from(self.number) << COUNTER_BITS | self.invocations;
        self.flights.push_back((id, count));
        Some(id)
    }

    /// The first of the records that wait, if they are fresh and fewer than a group takes, so that it may pay to wait
    /// for more. What runs again waits for nobody.
    pub fn gathering(&self, grouping: Grouping) -> Option<Seq> {
        let first = self.waiting.front().filter(|item| item.attempts == 0 && item.group == u32::MAX)?;
        let bytes: usize = self.waiting.iter().take(grouping.records as usize).map(|item| item.size).sum();
        let full = self.waiting.len() >= grouping.records as usize || bytes >= grouping.bytes;
        (!full && self.returned.is_empty() && first.first_run.is_none()).then_some(first.seq)
    }

    /// The invocation has come back; its items are appended to `items`.
    pub fn land(&mut self, id: u64, items: &mut Vec<Item>) -> Result<(), OutOfOrder> {
        let count = self.landing(id)?;
        self.flights.pop_front();
        for item in self.flying.drain(..count) {
            self.flying_bytes -= item.size;
            items.push(item);
        }
        Ok(())
    }

    /// How many records the next invocation to land has, if that is `id`.
    pub fn landing(&self, id: u64) -> Result<usize, OutOfOrder> {
        match self.flights.front() {
            Some((expected, count)) if *expected == id => Ok(*count as usize),
            _ => Err(OutOfOrder { id, lane: self.number }),
        }
    }

    /// Puts a record before all others. Nothing flies.
    pub fn put_first(&mut self, item: Item) {
        debug_assert!(self.flights.is_empty(), "others are ahead of it");
        self.resume_if_empty();
        self.waiting.push_front(item);
    }

    /// The isolate sends back whatever it has not begun: wait for it, then begin a new epoch.
    pub fn stop(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.epoch += 1;
        }
    }

    /// An item that has to run again keeps its place before all that were sent after it.
    pub fn give_back(&mut self, item: Item) {
        self.returned.push_back(item);
    }

    pub fn block_until(&mut self, until: Instant) {
        self.blocked_until = Some(until);
    }

    /// Lets a lane go on that waits for a later time.
    pub fn unblock(&mut self) {
        self.blocked_until = None;
    }

    /// Takes out the records that wait and are no longer to be run. Nothing flies. If the first was among them, what it
    /// waited for is waited for no more.
    pub fn sift(&mut self, mut keep: impl FnMut(Seq) -> bool) {
        debug_assert!(self.flights.is_empty(), "what flies cannot be taken out");
        self.resume_if_empty();
        let first = self.waiting.front().map(|item| item.seq);
        self.waiting.retain(|item| keep(item.seq));
        if self.waiting.front().map(|item| item.seq) != first {
            self.blocked_until = None;
        }
    }

    fn resume_if_empty(&mut self) {
        if self.flights.is_empty() {
            while let Some(item) = self.returned.pop_back() {
                self.waiting.push_front(item);
            }
            self.stopping = false;
        }
    }

    /// Gives up all that came back and all that waits, the youngest first, if the lane has stopped and nothing flies.
    pub fn take_back(&mut self, mut back: impl FnMut(Item)) {
        if self.stopping && self.flights.is_empty() {
            self.stopping = false;
            std::iter::from_fn(|| self.waiting.pop_back()).for_each(&mut back);
            std::iter::from_fn(|| self.returned.pop_back()).for_each(&mut back);
        }
    }

    /// Called after the last item of a landing was dealt with.
    pub fn landed(&mut self) {
        self.resume_if_empty();
    }

    /// Whether a record flies that nothing may run beside.
    pub fn flies_alone(&self) -> bool {
        self.flying.front().is_some_and(|item| item.alone)
    }

    /// Whether nothing may run beside the record that is sent next.
    pub fn next_is_alone(&self) -> bool {
        self.returned.front().or(self.waiting.front()).is_some_and(|item| item.alone)
    }

    /// The records of a flight.
    fn items_of(&self, id: u64) -> std::ops::Range<usize> {
        let Some(flight) = self.flights.iter().position(|(flight, _)| *flight == id) else { return 0..0 };
        let before: u32 = self.flights.iter().take(flight).map(|(_, count)| count).sum();
        before as usize..(before + self.flights[flight].1) as usize
    }

    /// Has the records of a flight, or all that fly, run alone from now on.
    pub fn single_out(&mut self, id: Option<u64>) {
        let range = id.map_or(0..self.flying.len(), |id| self.items_of(id));
        self.flying.range_mut(range).for_each(|item| item.alone = true);
    }

    /// The first record of a flight and the number of all.
    pub fn flight(&self, id: u64) -> Option<(&Item, usize)> {
        let range = self.items_of(id);
        Some((self.flying.get(range.start)?, range.len())).filter(|(_, count)| *count > 0)
    }

    /// Invocations that fly.
    pub fn flight_count(&self) -> usize {
        self.flights.len()
    }

    /// The ids of all that flies, in order, for when the isolate is lost.
    pub fn flights(&self) -> impl Iterator<Item = u64> {
        self.flights.iter().map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WIDE: Window = Window { records: 100, bytes: usize::MAX };

    fn lane_with(records: u64) -> Lane {
        let mut lane = Lane::new(3);
        (0..records).for_each(|seq| lane.push(Seq(seq), 10));
        lane
    }

    fn send(lane: &mut Lane, now: Instant, grouping: Grouping) -> Option<(u64, Vec<u64>)> {
        let mut items = Vec::new();
        let id = lane.send(now, grouping, WIDE, &mut items)?;
        Some((id, items.iter().map(|item| item.seq.0).collect()))
    }

    fn land(lane: &mut Lane, id: u64) -> Vec<Item> {
        let mut items = Vec::new();
        lane.land(id, &mut items).unwrap();
        items
    }

    #[test]
    fn records_are_sent_in_order_up_to_the_window() {
        let mut lane = lane_with(5);
        let window = Window { records: 100, bytes: 25 };
        let mut items = Vec::new();
        let now = Instant::now();
        while lane.send(now, Grouping::SINGLE, window, &mut items).is_some() {}
        assert_eq!(items.iter().map(|item| item.seq.0).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_record_larger_than_the_window_goes_alone() {
        let mut lane = Lane::new(1);
        lane.push(Seq(0), 1000);
        lane.push(Seq(1), 1);
        let window = Window { records: 100, bytes: 25 };
        let mut items = Vec::new();
        let now = Instant::now();
        assert!(lane.send(now, Grouping::SINGLE, window, &mut items).is_some());
        assert!(lane.send(now, Grouping::SINGLE, window, &mut items).is_none());
    }

    #[test]
    fn a_failed_record_runs_again_before_all_behind_it() {
        let mut lane = lane_with(4);
        let now = Instant::now();
        let ids: Vec<u64> = (0..3).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().0).collect();
        let failed = land(&mut lane, ids[0])[0];
        lane.stop();
        lane.give_back(Item { attempts: 1, ..failed });
        lane.block_until(now + Duration::from_secs(1));
        for id in &ids[1..] {
            assert_eq!(send(&mut lane, now, Grouping::SINGLE), None, "nothing is sent while the lane drains");
            for item in land(&mut lane, *id) {
                lane.give_back(item);
            }
            lane.landed();
        }
        assert_eq!(send(&mut lane, now, Grouping::SINGLE), None, "the lane is blocked until the retry is due");
        let later = now + Duration::from_secs(2);
        let order: Vec<u64> = (0..4).map(|_| send(&mut lane, later, Grouping::SINGLE).unwrap().1[0]).collect();
        assert_eq!(order, [0, 1, 2, 3]);
        assert_eq!(lane.epoch(), 1);
    }

    #[test]
    fn what_is_sifted_out_is_waited_for_no_more() {
        let mut lane = lane_with(4);
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let (id, _) = send(&mut lane, now, Grouping::SINGLE).unwrap();
        let failed = land(&mut lane, id)[0];
        lane.give_back(Item { attempts: 1, ..failed });
        lane.landed();
        lane.block_until(later);
        lane.sift(|seq| seq != Seq(2));
        assert_eq!(send(&mut lane, now, Grouping::SINGLE), None, "the first still waits for its retry");
        lane.sift(|seq| seq != Seq(0));
        assert_eq!(send(&mut lane, now, Grouping::SINGLE).unwrap().1, [1]);
        assert_eq!(send(&mut lane, now, Grouping::SINGLE).unwrap().1, [3]);
    }

    #[test]
    fn an_invocation_that_settles_out_of_order_is_refused() {
        let mut lane = lane_with(2);
        let now = Instant::now();
        send(&mut lane, now, Grouping::SINGLE).unwrap();
        let second = send(&mut lane, now, Grouping::SINGLE).unwrap().0;
        assert!(lane.land(second, &mut Vec::new()).is_err());
        assert!(lane.land(12345, &mut Vec::new()).is_err());
    }

    #[test]
    fn batches_keep_to_records_bytes_and_shrunken_groups() {
        let mut lane = lane_with(6);
        let now = Instant::now();
        let three = Grouping { records: 3, bytes: usize::MAX };
        let (id, seqs) = send(&mut lane, now, three).unwrap();
        assert_eq!(seqs, [0, 1, 2]);
        assert_eq!(send(&mut lane, now, Grouping { records: 3, bytes: 20 }).unwrap().1, [3, 4]);
        let failed = land(&mut lane, id);
        lane.stop();
        failed.into_iter().for_each(|item| lane.give_back(Item { group: 2, ..item }));
        lane.landed();
        let second = lane.flights().next().unwrap();
        land(&mut lane, second).into_iter().for_each(|item| lane.give_back(item));
        lane.landed();
        assert_eq!(send(&mut lane, now, three).unwrap().1, [0, 1]);
        assert_eq!(send(&mut lane, now, three).unwrap().1, [2, 3]);
    }

    #[test]
    fn a_record_that_is_singled_out_runs_with_nothing_beside_it() {
        let mut lane = lane_with(4);
        let now = Instant::now();
        let three = Grouping { records: 3, bytes: usize::MAX };
        let ids: Vec<u64> = (0..3).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().0).collect();
        lane.single_out(Some(ids[1]));
        for id in ids {
            land(&mut lane, id).into_iter().for_each(|item| lane.give_back(item));
            lane.landed();
        }
        assert!(!lane.next_is_alone());
        let before = send(&mut lane, now, three).unwrap();
        assert_eq!(before.1, [0], "no batch goes beyond it");
        assert!(lane.next_is_alone());
        assert_eq!(send(&mut lane, now, three), None, "it waits until those before it have landed");
        land(&mut lane, before.0);
        let (alone, seqs) = send(&mut lane, now, three).unwrap();
        assert_eq!((seqs, lane.flies_alone(), lane.next_is_alone()), (vec![1], true, false));
        assert_eq!(send(&mut lane, now, three), None, "and those behind it wait for it");
        assert_eq!(lane.flight(alone).map(|(item, count)| (item.seq, count)), Some((Seq(1), 1)));
        assert!(lane.flight(12345).is_none());
        land(&mut lane, alone);
        assert_eq!(send(&mut lane, now, three).unwrap().1, [2, 3]);
    }

    #[test]
    fn all_that_flies_can_be_singled_out() {
        let mut lane = lane_with(3);
        let now = Instant::now();
        let ids: Vec<u64> = (0..2).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().0).collect();
        lane.single_out(None);
        for id in ids {
            land(&mut lane, id).into_iter().for_each(|item| lane.give_back(item));
        }
        lane.landed();
        for seq in 0..2 {
            assert!(lane.next_is_alone());
            let (id, seqs) = send(&mut lane, now, Grouping::SINGLE).unwrap();
            assert_eq!(seqs, [seq]);
            assert_eq!(send(&mut lane, now, Grouping::SINGLE), None);
            land(&mut lane, id);
        }
        assert!(!lane.next_is_alone());
    }

    #[test]
    fn stopping_an_empty_lane_does_not_hold_it() {
        let mut lane = lane_with(1);
        lane.stop();
        assert!(send(&mut lane, Instant::now(), Grouping::SINGLE).is_some());
    }

    #[test]
    fn ids_name_their_lane() {
        let mut lane = lane_with(1);
        let (id, _) = send(&mut lane, Instant::now(), Grouping::SINGLE).unwrap();
        assert_eq!(Lane::of(id), 3);
        assert_ne!(id, 0);
    }
}
