//! The order of one lane: what may be sent to the isolate next, and what comes back.
//!
//! Records are sent ahead, up to a window, and the worker enters them one after the other. When one fails in a way
//! that may be retried, the worker stops the lane and gives back, in order, whatever it had not begun; the lane puts
//! those behind the failed record again and raises its epoch. Pure logic: no clock, no Kafka, no process.

use std::collections::{VecDeque, vec_deque};
use std::time::Instant;

use super::keys::Key;
use super::ledger::Seq;
use crate::protocol::control::Credit;

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

    /// As it was before it was sent, for one that comes back without having begun: if it never ran, it does not age.
    pub fn unrun(self) -> Item {
        let has_run = self.attempts > 0 || self.group != u32::MAX;
        Item { first_run: self.first_run.filter(|_| has_run), ..self }
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

/// What the partitions of a function send ahead to one isolate, all together: enough to keep it busy until it is sent more.
const OUTSTANDING: Window = Window { records: 16 << 10, bytes: 64 << 20 };
/// Each of them may always send so much, and two full groups.
const LEAST: Window = Window { records: 64, bytes: 64 << 10 };

impl Window {
    /// That of one partition, where `sharing` of them with records share an isolate that grants each lane so much credit.
    pub fn of(credit: Credit, grouping: Grouping, sharing: usize) -> Window {
        let sharing = sharing.max(1);
        let group = if grouping.records > 1 { grouping } else { Grouping { bytes: 0, ..grouping } };
        let records = (OUTSTANDING.records / sharing).max(LEAST.records).max(2 * group.records as usize);
        let bytes = (OUTSTANDING.bytes / sharing).max(LEAST.bytes).max(2 * group.bytes);
        // Half the credit, since the worker counts what surrounds a record as well.
        Window { records: records.min(credit.records as usize), bytes: bytes.min((credit.bytes / 2) as usize) }
    }
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
    /// Items that came back, to go before all that wait once nothing flies any more; in whatever order they came.
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
        let count = self.landing(id)?.len();
        self.flights.pop_front();
        for item in self.flying.drain(..count) {
            self.flying_bytes -= item.size;
            items.push(item);
        }
        Ok(())
    }

    /// An invocation comes back without having begun; its items are appended to `items`. Where the lane was recalled, that
    /// may be before those ahead of it have settled.
    pub fn land_unrun(&mut self, id: u64, items: &mut Vec<Item>) -> Result<(), OutOfOrder> {
        if !self.stopping {
            return self.land(id, items);
        }
        let range = self.items_of(id);
        if range.is_empty() {
            return Err(OutOfOrder { id, lane: self.number });
        }
        self.flights.retain(|(flight, _)| *flight != id);
        for item in self.flying.drain(range) {
            self.flying_bytes -= item.size;
            items.push(item);
        }
        Ok(())
    }

    /// The items of the next invocation to land, if that is `id`.
    pub fn landing(&self, id: u64) -> Result<vec_deque::Iter<'_, Item>, OutOfOrder> {
        match self.flights.front() {
            Some((expected, count)) if *expected == id => Ok(self.flying.range(..*count as usize)),
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

    /// Nothing is sent before this time, nor before any other that was asked for.
    pub fn block_until(&mut self, until: Instant) {
        self.blocked_until = self.blocked_until.max(Some(until));
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
            self.sort_returned();
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
            self.sort_returned();
            std::iter::from_fn(|| self.returned.pop_back()).for_each(&mut back);
        }
    }

    /// What had not begun may have come back before what was ahead of it.
    fn sort_returned(&mut self) {
        if !self.returned.iter().is_sorted_by_key(|item| item.seq) {
            self.returned.make_contiguous().sort_by_key(|item| item.seq);
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
mod tests;
