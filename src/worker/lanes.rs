//! The order in which an isolate enters its invocations: one after the other within a lane, side by side across lanes.

use std::collections::VecDeque;

use crate::ids::IdMap;
use crate::protocol::control::Credit;

/// How many invocations of one lane may run in a row while others wait.
const TURN: u32 = 64;

/// What an invocation takes of its lane's credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub records: u32,
    pub bytes: u64,
}

#[derive(Debug)]
pub struct Lanes<T> {
    credit: Credit,
    index: IdMap<u32, usize>,
    lanes: Vec<Lane<T>>,
    /// Lanes that could go on at once: they have work and are not busy.
    ready: VecDeque<usize>,
}

#[derive(Debug)]
struct Lane<T> {
    id: u32,
    queue: VecDeque<Queued<T>>,
    busy: bool,
    /// Invocations in a row without another lane's turn.
    turn: u32,
    /// Nothing of this and older epochs may begin.
    stopped: Option<u32>,
    used: Size,
}

#[derive(Debug)]
struct Queued<T> {
    epoch: u32,
    size: Size,
    work: T,
}

/// What becomes of an invocation that arrives.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<T> {
    Queued,
    /// Its lane has stopped.
    NotRun(T),
    /// The host sent more than the lane's credit.
    Overdrawn,
}

/// An invocation whose turn it is. Its lane is busy until [`Lanes::settled`].
#[derive(Debug, PartialEq, Eq)]
pub struct Begun<T> {
    pub slot: Slot,
    pub lane: u32,
    pub epoch: u32,
    pub work: T,
}

/// The lane that a begun invocation keeps busy, and what it holds of its credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    lane: usize,
    size: Size,
}

impl<T> Lanes<T> {
    pub fn new(credit: Credit) -> Lanes<T> {
        Lanes { credit, index: IdMap::default(), lanes: Vec::new(), ready: VecDeque::new() }
    }

    fn lane(&mut self, id: u32) -> usize {
        let next = self.lanes.len();
        let at = *self.index.entry(id).or_insert(next);
        if at == next {
            let used = Size::default();
            self.lanes.push(Lane { id, queue: VecDeque::new(), busy: false, turn: 0, stopped: None, used });
        }
        at
    }

    pub fn arrive(&mut self, lane: u32, epoch: u32, size: Size, work: T) -> Arrival<T> {
        let at = self.lane(lane);
        let lane = &mut self.lanes[at];
        if lane.stopped.is_some_and(|stopped| epoch <= stopped) {
            return Arrival::NotRun(work);
        }
        let used = Size { records: lane.used.records + size.records, bytes: lane.used.bytes + size.bytes };
        let alone = lane.used.records == 0 && size.records == 1;
        if !alone && (used.records > self.credit.records || used.bytes > self.credit.bytes) {
            return Arrival::Overdrawn;
        }
        lane.used = used;
        lane.queue.push_back(Queued { epoch, size, work });
        if !lane.busy && lane.queue.len() == 1 {
            self.ready.push_back(at);
        }
        Arrival::Queued
    }

    /// The next invocation to enter.
    pub fn begin(&mut self) -> Option<Begun<T>> {
        let at = self.ready.pop_front()?;
        let lane = &mut self.lanes[at];
        let queued = lane.queue.pop_front()?;
        lane.busy = true;
        Some(Begun {
            slot: Slot { lane: at, size: queued.size },
            lane: lane.id,
            epoch: queued.epoch,
            work: queued.work,
        })
    }

    /// Whether an invocation could be entered at once.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The invocation that kept the lane busy has ended.
    pub fn settled(&mut self, slot: Slot) {
        let lane = &mut self.lanes[slot.lane];
        lane.busy = false;
        lane.used.records -= slot.size.records;
        lane.used.bytes -= slot.size.bytes;
        if lane.queue.is_empty() {
            lane.turn = 0;
            return;
        }
        lane.turn += 1;
        if lane.turn < TURN {
            self.ready.push_front(slot.lane);
        } else {
            lane.turn = 0;
            self.ready.push_back(slot.lane);
        }
    }

    /// Stops a lane for `epoch` and older: returns what had not begun, in order.
    pub fn stop(&mut self, lane: u32, epoch: u32) -> Vec<T> {
        let at = self.lane(lane);
        let lane = &mut self.lanes[at];
        lane.stopped = lane.stopped.max(Some(epoch));
        let (gone, kept): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut lane.queue).into_iter().partition(|queued| queued.epoch <= epoch);
        lane.queue = kept;
        for queued in &gone {
            lane.used.records -= queued.size.records;
            lane.used.bytes -= queued.size.bytes;
        }
        if lane.queue.is_empty() {
            self.ready.retain(|ready| *ready != at);
        }
        gone.into_iter().map(|queued| queued.work).collect()
    }

    /// Takes everything that has not begun, each lane in order, with its lane.
    pub fn drain(&mut self) -> Vec<(u32, T)> {
        self.ready.clear();
        let mut all = Vec::new();
        for lane in &mut self.lanes {
            all.extend(lane.queue.drain(..).map(|queued| (lane.id, queued.work)));
        }
        all
    }

    /// Lets go of the room in queues for what is to come.
    pub fn shrink(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.queue.shrink_to_fit());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDIT: Credit = Credit { records: 4, bytes: 100 };

    fn size(records: u32, bytes: u64) -> Size {
        Size { records, bytes }
    }

    fn lanes() -> Lanes<u32> {
        Lanes::new(CREDIT)
    }

    fn arrive(lanes: &mut Lanes<u32>, lane: u32, epoch: u32, work: u32) {
        assert_eq!(lanes.arrive(lane, epoch, size(1, 1), work), Arrival::Queued);
    }

    #[test]
    fn a_lane_enters_one_invocation_at_a_time_and_in_order() {
        let mut lanes = lanes();
        arrive(&mut lanes, 7, 1, 10);
        arrive(&mut lanes, 7, 1, 11);
        let first = lanes.begin().unwrap();
        assert_eq!((first.lane, first.work), (7, 10));
        assert_eq!(lanes.begin(), None);
        lanes.settled(first.slot);
        assert_eq!(lanes.begin().unwrap().work, 11);
    }

    #[test]
    fn other_lanes_go_on_while_one_is_busy() {
        let mut lanes = lanes();
        arrive(&mut lanes, 1, 1, 10);
        arrive(&mut lanes, 1, 1, 11);
        arrive(&mut lanes, 2, 1, 20);
        assert_eq!(lanes.begin().unwrap().work, 10);
        assert_eq!(lanes.begin().unwrap().work, 20);
        assert_eq!(lanes.begin(), None);
    }

    #[test]
    fn a_full_lane_does_not_keep_the_others_waiting_forever() {
        let mut lanes = Lanes::new(Credit { records: 1000, bytes: 1000 });
        for work in 0..200 {
            arrive(&mut lanes, 1, 1, work);
        }
        arrive(&mut lanes, 2, 1, 999);
        let mut before = 0;
        loop {
            let begun = lanes.begin().unwrap();
            lanes.settled(begun.slot);
            if begun.work == 999 {
                break;
            }
            before += 1;
        }
        assert_eq!(before, TURN);
    }

    #[test]
    fn a_stopped_lane_gives_back_this_and_older_epochs_in_order_and_keeps_newer_ones() {
        let mut lanes = lanes();
        arrive(&mut lanes, 1, 1, 10);
        arrive(&mut lanes, 1, 1, 11);
        arrive(&mut lanes, 1, 1, 12);
        let begun = lanes.begin().unwrap();
        assert_eq!(lanes.stop(1, 1), [11, 12]);
        assert_eq!(lanes.arrive(1, 1, size(1, 1), 13), Arrival::NotRun(13));
        arrive(&mut lanes, 1, 2, 14);
        assert_eq!(lanes.begin(), None);
        lanes.settled(begun.slot);
        assert_eq!(lanes.begin().unwrap().work, 14);
    }

    #[test]
    fn stopping_one_lane_leaves_the_others() {
        let mut lanes = lanes();
        arrive(&mut lanes, 1, 1, 10);
        arrive(&mut lanes, 2, 1, 20);
        assert_eq!(lanes.stop(1, 1), [10]);
        assert_eq!(lanes.begin().unwrap().work, 20);
        assert_eq!(lanes.begin(), None);
    }

    #[test]
    fn more_than_the_credit_is_refused_and_settling_returns_it() {
        let mut lanes = lanes();
        for work in 0..4 {
            arrive(&mut lanes, 1, 1, work);
        }
        assert_eq!(lanes.arrive(1, 1, size(1, 1), 4), Arrival::Overdrawn);
        let begun = lanes.begin().unwrap();
        assert_eq!(lanes.arrive(1, 1, size(1, 1), 4), Arrival::Overdrawn);
        lanes.settled(begun.slot);
        arrive(&mut lanes, 1, 1, 4);
        lanes.stop(1, 1);
        assert_eq!(lanes.arrive(1, 2, size(4, 100), 5), Arrival::Queued);
    }

    #[test]
    fn one_record_beyond_the_credit_is_taken_when_it_is_alone() {
        let mut lanes = lanes();
        assert_eq!(lanes.arrive(1, 1, size(1, 1000), 1), Arrival::Queued);
        assert_eq!(lanes.arrive(1, 1, size(1, 1), 2), Arrival::Overdrawn);
        assert_eq!(lanes.arrive(2, 1, size(2, 1000), 3), Arrival::Overdrawn);
    }

    #[test]
    fn draining_returns_everything_that_has_not_begun() {
        let mut lanes = lanes();
        arrive(&mut lanes, 1, 1, 10);
        arrive(&mut lanes, 1, 1, 11);
        arrive(&mut lanes, 2, 1, 20);
        lanes.begin().unwrap();
        assert_eq!(lanes.drain(), [(1, 11), (2, 20)]);
        assert_eq!(lanes.begin(), None);
    }
}
