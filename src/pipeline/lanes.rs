//! The lanes of one partition, seen as one: a single lane that keeps the order of all its records, or as many as may run
//! side by side, to which records are given by their keys.
//!
//! The worker enters one invocation of each lane at a time, so that the number of lanes is that of invocations in
//! flight. What is sent ahead of that shares one lane's credit among all of them, and is the less the longer
//! invocations take: whoever stands behind a slow one in its lane would have to wait although other lanes are free.

use std::collections::vec_deque;
use std::time::{Duration, Instant};

use super::keys::{Hasher, Key, Keys};
use super::lane::{Grouping, Item, Lane, OutOfOrder, Window};
use super::ledger::Seq;
use crate::manifest::{Delivery, Guarantee, Order};

/// How long records may usually have to wait behind others that were sent ahead of them in their lane.
const AHEAD: Duration = Duration::from_millis(2);
/// What an invocation is taken to need before any has ended.
const UNKNOWN: Duration = Duration::from_millis(1);
/// Each invocation moves the mean by one part in so many.
const MEMORY: u64 = 16;

#[derive(Debug)]
pub struct Lanes {
    /// With numbers one after the other.
    lanes: Vec<Lane>,
    /// What waits, where it waits outside the lanes.
    keyed: Option<Keyed>,
    /// The lane whose records are being dealt with.
    landing: usize,
    /// Those of them that came back.
    came_back: Vec<(Seq, Key)>,
    /// Records in the isolate.
    flying: usize,
    /// What an invocation usually takes, in nanoseconds.
    mean: u64,
    /// The first flight of each lane when stalled ones were last looked for.
    seen: Vec<Option<u64>>,
}

#[derive(Debug)]
struct Keyed {
    keys: Keys,
    /// `None`: no record keeps order with another.
    hasher: Option<Hasher>,
}

/// How many lanes a partition has.
pub fn count(delivery: &Delivery) -> u32 {
    delivery.concurrency.max(1)
}

impl Lanes {
    /// Takes as many numbers as [`count`] says, from `first` on.
    pub fn new(first: u32, delivery: &Delivery) -> Lanes {
        let count = count(delivery);
        let keys = || Keys::new(count as usize);
        let keyed = match delivery.order {
            // What is written in a transaction belongs to the offset that is committed with it, so nothing overtakes.
            _ if delivery.guarantee == Guarantee::ExactlyOnce => None,
            Order::Partition => None,
            Order::Key => Some(Keyed { keys: keys(), hasher: Some(Hasher::default()) }),
            Order::None => Some(Keyed { keys: keys(), hasher: None }),
        };
        Lanes {
            lanes: (first..first + count).map(Lane::new).collect(),
            keyed,
            landing: 0,
            came_back: Vec::new(),
            flying: 0,
            mean: UNKNOWN.as_nanos() as u64,
            seen: vec![None; count as usize],
        }
    }

    /// The number of the first, which stands for all of them.
    pub fn number(&self) -> u32 {
        self.lanes[0].number()
    }

    /// The lane that an invocation is in, if it is one of these.
    fn lane_of(&self, id: u64) -> Option<usize> {
        let place = Lane::of(id).checked_sub(self.number())? as usize;
        (place < self.lanes.len()).then_some(place)
    }

    pub fn owns(&self, id: u64) -> bool {
        self.lane_of(id).is_some()
    }

    /// Whether records may be finished long before others that are older.
    pub fn may_overtake(&self) -> bool {
        self.keyed.is_some()
    }

    /// What a record with this key keeps order with.
    fn key(&self, key: Option<&[u8]>) -> Key {
        let hasher = self.keyed.as_ref().and_then(|keyed| keyed.hasher.as_ref());
        hasher.map_or(Key::NONE, |hasher| hasher.key(key))
    }

    /// Adds a record behind all others.
    pub fn push(&mut self, seq: Seq, size: usize, key: Option<&[u8]>) {
        let key = self.key(key);
        match &mut self.keyed {
            None => self.lanes[0].push(seq, size),
            Some(keyed) => keyed.keys.push(Item { key, ..Item::new(seq, size) }),
        }
    }

    /// Puts a record that had settled before all others of its order. Nothing flies.
    pub fn put_first(&mut self, item: Item, key: Option<&[u8]>) {
        let key = self.key(key);
        match &mut self.keyed {
            None => self.lanes[0].put_first(item),
            Some(keyed) => keyed.keys.put_before(Item { key, ..item }),
        }
    }

    pub fn waiting(&self) -> usize {
        let inside: usize = self.lanes.iter().map(Lane::waiting).sum();
        inside + self.keyed.as_ref().map_or(0, |keyed| keyed.keys.waiting())
    }

    pub fn is_flying(&self) -> bool {
        self.flying > 0
    }

    /// When the next record that waits for a retry may run.
    pub fn blocked_until(&self) -> Option<Instant> {
        match &self.keyed {
            None => self.lanes[0].blocked_until(),
            Some(keyed) => keyed.keys.due(),
        }
    }

    pub fn is_blocked(&self, now: Instant) -> bool {
        self.keyed.is_none() && self.lanes[0].is_blocked(now)
    }

    /// Moves the next invocation's items into the isolate, if there is one; they are appended to `items`. Returns its id
    /// and its lane's epoch.
    pub fn send(
        &mut self,
        now: Instant,
        grouping: Grouping,
        window: Window,
        items: &mut Vec<Item>,
    ) -> Option<(u64, u32)> {
        let before = items.len();
        let place = if self.keyed.is_some() { self.choose(now, grouping, window)? } else { 0 };
        let lane = &mut self.lanes[place];
        let id = lane.send(now, grouping, window, items)?;
        self.flying += items.len() - before;
        Some((id, lane.epoch()))
    }

    /// Gives records to the lane that has the fewest, of those that can take any, and says which it is.
    fn choose(&mut self, now: Instant, grouping: Grouping, window: Window) -> Option<usize> {
        let keys = &mut self.keyed.as_mut()?.keys;
        keys.release(now);
        if keys.has_suspect() {
            if self.flying > 0 {
                return None;
            }
            // What lanes were given and have not sent must not go with it.
            for lane in &mut self.lanes {
                lane.stop();
                lane.take_back(|item| keys.give_back(item));
            }
            self.lanes[0].push_item(keys.take_suspect(0)?);
            return Some(0);
        }
        let bytes: usize = self.lanes.iter().map(Lane::flying_bytes).sum();
        let full = self.flying >= window.records || bytes >= window.bytes;
        if self.flies_alone() {
            return None;
        }
        // The window is for what is sent ahead: a lane without an invocation gets one in any case.
        let ahead = if full { 1 } else { self.ahead(window) };
        let keys = &mut self.keyed.as_mut()?.keys;
        let can = |(place, lane): &(usize, &Lane)| {
            let takes = lane.flight_count() < ahead && !lane.is_stopping();
            takes && (lane.waiting() > 0 || keys.has_for(*place))
        };
        let (place, lane) = self.lanes.iter().enumerate().filter(can).min_by_key(|(_, lane)| lane.flight_count())?;
        let (mut count, mut bytes) = (lane.waiting(), 0);
        let mut most = grouping.records as usize;
        while count < most && bytes < grouping.bytes {
            let Some(item) = keys.take(place, now) else { break };
            most = most.min(item.group as usize);
            bytes = bytes.saturating_add(item.size);
            count += 1;
            self.lanes[place].push_item(item);
        }
        Some(place)
    }

    /// How many invocations one lane gets at most. Where there is but one, nothing could run elsewhere meanwhile.
    fn ahead(&self, window: Window) -> usize {
        if self.lanes.len() == 1 {
            return window.records.max(1);
        }
        (AHEAD.as_nanos() as u64 / self.mean.max(1)).clamp(1, window.records as u64) as usize
    }

    /// An invocation took this long.
    pub fn ran(&mut self, took: Duration) {
        let took = took.as_nanos().min(u128::from(u64::MAX / MEMORY)) as u64;
        self.mean = (self.mean * (MEMORY - 1) + took) / MEMORY;
    }

    /// The first of those that wait, if it may pay to wait for more.
    pub fn gathering(&self, grouping: Grouping) -> Option<Seq> {
        match &self.keyed {
            None => self.lanes[0].gathering(grouping),
            Some(keyed) => keyed.keys.gathering(grouping),
        }
    }

    /// How many records an invocation has, if it is the next of its lane to land.
    pub fn landing(&self, id: u64) -> Result<vec_deque::Iter<'_, Item>, OutOfOrder> {
        self.lanes[self.lane_of(id).unwrap_or(0)].landing(id)
    }

    /// The invocation has come back; its items are appended to `items`, and have to be dealt with before [`Lanes::landed`].
    pub fn land(&mut self, id: u64, items: &mut Vec<Item>) -> Result<(), OutOfOrder> {
        self.land_with(id, items, Lane::land)
    }

    /// The same for one that comes back without having begun.
    pub fn land_unrun(&mut self, id: u64, items: &mut Vec<Item>) -> Result<(), OutOfOrder> {
        self.land_with(id, items, Lane::land_unrun)
    }

    fn land_with(
        &mut self,
        id: u64,
        items: &mut Vec<Item>,
        land: impl FnOnce(&mut Lane, u64, &mut Vec<Item>) -> Result<(), OutOfOrder>,
    ) -> Result<(), OutOfOrder> {
        let before = items.len();
        let place = self.lane_of(id).unwrap_or(0);
        land(&mut self.lanes[place], id, items)?;
        self.landing = place;
        self.came_back.clear();
        self.flying -= items.len() - before;
        Ok(())
    }

    /// The isolate sends back whatever it has not begun of the lane whose records are being dealt with.
    pub fn stop(&mut self) {
        self.lanes[self.landing].stop();
    }

    /// An item that has landed has to run again.
    pub fn give_back(&mut self, item: Item) {
        match &mut self.keyed {
            None => self.lanes[self.landing].give_back(item),
            Some(keyed) => {
                self.came_back.push((item.seq, item.key));
                keyed.keys.give_back(item);
            }
        }
    }

    /// Whether one of the same key that came before it in its landing has to run again.
    pub fn is_behind_its_key(&self, item: &Item) -> bool {
        item.key != Key::NONE && self.came_back.iter().any(|(_, key)| *key == item.key)
    }

    /// An item that has landed and comes back must not run before this time, nor what keeps order with it.
    pub fn block_until(&mut self, item: &Item, until: Instant) {
        match &mut self.keyed {
            None => self.lanes[0].block_until(until),
            Some(keyed) => keyed.keys.hold(item, until),
        }
    }

    /// Called after the last item of a landing was dealt with: what has not come back is done with.
    pub fn landed(&mut self, items: &[Item]) {
        let lane = &mut self.lanes[self.landing];
        let Some(keyed) = &mut self.keyed else { return lane.landed() };
        let mut came_back = self.came_back.iter().peekable();
        for item in items {
            if came_back.next_if(|(seq, _)| *seq == item.seq).is_none() {
                keyed.keys.done(item.key);
            }
        }
        lane.take_back(|item| keyed.keys.give_back(item));
    }

    /// Stops every lane that something flies in, and says which and with what epoch each has to be recalled.
    pub fn recall(&mut self, mut recalled: impl FnMut(u32, u32)) {
        for lane in self.lanes.iter_mut().filter(|lane| lane.is_flying()) {
            recalled(lane.number(), lane.epoch());
            lane.stop();
        }
    }

    /// Stops lanes where others wait behind an invocation that ran at the last call already, if another lane is free for
    /// them; says which and with what epoch each has to be recalled.
    pub fn recall_stalled(&mut self, mut recalled: impl FnMut(u32, u32)) {
        if self.keyed.is_none() {
            return;
        }
        let is_free = self.lanes.iter().any(|lane| !lane.is_flying());
        for (lane, seen) in self.lanes.iter_mut().zip(&mut self.seen) {
            let first = lane.flights().next();
            let stalled = *seen == first && lane.flight_count() > 1 && !lane.is_stopping();
            *seen = first;
            if stalled && is_free {
                recalled(lane.number(), lane.epoch());
                lane.stop();
            }
        }
    }

    /// Lets go on what waits for a later time.
    pub fn unblock(&mut self) {
        match &mut self.keyed {
            None => self.lanes[0].unblock(),
            Some(keyed) => keyed.keys.unblock(),
        }
    }

    /// What was to wait until now waits no longer.
    pub fn release(&mut self, now: Instant) {
        if let Some(keyed) = &mut self.keyed {
            keyed.keys.release(now);
        }
    }

    /// Takes out the records that wait and are no longer to be run. Nothing flies.
    pub fn sift(&mut self, keep: impl FnMut(Seq) -> bool) {
        let Some(keyed) = &mut self.keyed else { return self.lanes[0].sift(keep) };
        for lane in &mut self.lanes {
            lane.stop();
            lane.take_back(|item| keyed.keys.give_back(item));
        }
        keyed.keys.sift(keep);
    }

    /// Whether a record flies that nothing may run beside.
    pub fn flies_alone(&self) -> bool {
        self.lanes.iter().any(Lane::flies_alone)
    }

    /// Whether nothing may run beside the record that is sent next.
    pub fn next_is_alone(&self) -> bool {
        match &self.keyed {
            None => self.lanes[0].next_is_alone(),
            Some(keyed) => keyed.keys.has_suspect(),
        }
    }

    /// Has the records of a flight, or all that fly, run alone from now on.
    pub fn single_out(&mut self, id: Option<u64>) {
        match id.map(|id| self.lane_of(id)) {
            Some(Some(place)) => self.lanes[place].single_out(id),
            Some(None) => {}
            None => self.lanes.iter_mut().for_each(|lane| lane.single_out(None)),
        }
    }

    /// Has the first flight of each lane run alone from now on.
    pub fn single_out_first(&mut self) {
        for lane in &mut self.lanes {
            let first = lane.flights().next();
            if first.is_some() {
                lane.single_out(first);
            }
        }
    }

    /// The first record of a flight and the number of all.
    pub fn flight(&self, id: u64) -> Option<(&Item, usize)> {
        self.lanes[self.lane_of(id)?].flight(id)
    }

    /// The ids of all that flies, each lane's in order.
    pub fn flights(&self) -> impl Iterator<Item = u64> {
        self.lanes.iter().flat_map(Lane::flights)
    }
}

#[cfg(test)]
mod tests;
