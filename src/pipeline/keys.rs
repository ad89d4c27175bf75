//! Which record may be given to which lane, where order is kept by key or not at all.
//!
//! A key has no lane of its own: it may go to any, but while records of it are out in one, only there, behind them. What
//! comes back goes before all that waits of its key, and a record that waits for a retry holds up its key alone. Among
//! what a lane may take, the oldest goes first. Pure logic: no clock, no Kafka, no process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use super::lane::{Grouping, Item};
use super::ledger::Seq;

/// What must keep order, as a number. Two keys may share one, and then they wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Key(u64);

impl Key {
    /// Keeps order with nothing.
    pub const NONE: Key = Key(0);
}

/// Makes numbers of keys, in a way that nobody who chooses keys can foresee.
#[derive(Debug, Default)]
pub struct Hasher(RandomState);

impl Hasher {
    /// Records without a key are unordered.
    pub fn key(&self, bytes: Option<&[u8]>) -> Key {
        bytes.map_or(Key::NONE, |bytes| Key(self.0.hash_one(bytes).max(1)))
    }
}

/// Records that wait, each in one place.
#[derive(Debug)]
pub struct Keys {
    /// Keys of which something waits or is out.
    queues: HashMap<Key, Queue>,
    /// May go to any lane.
    open: BTreeMap<Seq, Item>,
    /// For each lane, what may go only there, because records of its key are out there.
    bound: Vec<BTreeMap<Seq, Item>>,
    /// Run again at a time.
    later: BTreeMap<(Instant, Seq), Item>,
    /// May have brought a worker down: while one is here, nothing else is given out.
    suspects: BTreeMap<Seq, Item>,
    /// Records without a key that were held and have not come back yet.
    holds: HashMap<Seq, Instant>,
    waiting: usize,
}

#[derive(Debug, Default)]
struct Queue {
    /// Records of it in `lane`.
    out: u32,
    lane: usize,
    /// Nothing of it is given out before this time.
    until: Option<Instant>,
    /// The first that waits, and where.
    first: Option<(Seq, Place)>,
    /// Those behind the first.
    behind: VecDeque<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Open,
    Bound(usize),
    Later(Instant),
    Suspects,
}

impl Keys {
    pub fn new(lanes: usize) -> Keys {
        Keys {
            queues: HashMap::new(),
            open: BTreeMap::new(),
            bound: (0..lanes).map(|_| BTreeMap::new()).collect(),
            later: BTreeMap::new(),
            suspects: BTreeMap::new(),
            holds: HashMap::new(),
            waiting: 0,
        }
    }

    /// Adds a record that is younger than all others.
    pub fn push(&mut self, item: Item) {
        self.waiting += 1;
        if item.key == Key::NONE {
            return self.put(item, place(&item, None, None));
        }
        let queue = self.queues.entry(item.key).or_default();
        if queue.first.is_some() { queue.behind.push_back(item) } else { self.put_first(item) }
    }

    /// Records that wait, those for a later time included.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Gives the oldest record that `lane` may take now to it.
    pub fn take(&mut self, lane: usize, now: Instant) -> Option<Item> {
        self.release(now);
        if !self.suspects.is_empty() {
            return None;
        }
        let oldest = |map: &BTreeMap<Seq, Item>| map.first_key_value().map(|(seq, _)| *seq);
        let (open, bound) = (oldest(&self.open), oldest(&self.bound[lane]));
        let from_open = open.is_some_and(|open| bound.is_none_or(|bound| open < bound));
        let map = if from_open { &mut self.open } else { &mut self.bound[lane] };
        let (_, item) = map.pop_first()?;
        self.give(item, lane);
        Some(item)
    }

    /// Gives the oldest record to `lane` that has to run alone. Nothing is out.
    pub fn take_suspect(&mut self, lane: usize) -> Option<Item> {
        let (_, item) = self.suspects.pop_first()?;
        self.give(item, lane);
        Some(item)
    }

    fn give(&mut self, item: Item, lane: usize) {
        self.waiting -= 1;
        let Some(queue) = self.queues.get_mut(&item.key) else { return };
        queue.out += 1;
        queue.lane = lane;
        queue.first = None;
        if let Some(next) = queue.behind.pop_front() {
            self.put_first(next);
        }
    }

    /// A record that was given out is done with.
    pub fn done(&mut self, key: Key) {
        let Some(queue) = self.queues.get_mut(&key) else { return };
        queue.out -= 1;
        if queue.out > 0 {
            return;
        }
        match self.lift(key) {
            Some(first) => self.put_first(first),
            None => {
                self.queues.remove(&key);
            }
        }
    }

    /// A record that was given out has to run again at this time. It comes back with the others of its lane.
    pub fn hold(&mut self, item: &Item, until: Instant) {
        if item.key == Key::NONE {
            self.holds.insert(item.seq, until);
        } else if let Some(queue) = self.queues.get_mut(&item.key) {
            // Of several in one batch, the one that waits for longest decides.
            queue.until = queue.until.max(Some(until));
            if let Some(first) = self.lift(item.key) {
                self.put_first(first);
            }
        }
    }

    /// A record that was given out comes back, to its place among those of its key.
    pub fn give_back(&mut self, item: Item) {
        self.waiting += 1;
        if item.key == Key::NONE {
            let until = self.holds.remove(&item.seq);
            return self.put(item, place(&item, until, None));
        }
        let waiting = self.lift(item.key);
        let Some(queue) = self.queues.get_mut(&item.key) else { return };
        queue.out -= 1;
        let first = match waiting {
            Some(older) if older.seq < item.seq => {
                let place = queue.behind.partition_point(|other| other.seq < item.seq);
                queue.behind.insert(place, item);
                older
            }
            Some(younger) => {
                queue.behind.push_front(younger);
                item
            }
            None => item,
        };
        self.put_first(first);
    }

    /// Adds a record that is older than all others of its key. Nothing is out.
    pub fn put_before(&mut self, item: Item) {
        if item.key != Key::NONE {
            self.queues.entry(item.key).or_default().out += 1;
        }
        self.give_back(item);
    }

    /// What was to wait for a later time waits no longer.
    pub fn unblock(&mut self) {
        self.holds.clear();
        for queue in self.queues.values_mut().filter(|queue| queue.first.is_none()) {
            queue.until = None;
        }
        while let Some((_, item)) = self.later.pop_first() {
            self.freed(item);
        }
    }

    /// What was held until now may run.
    pub fn release(&mut self, now: Instant) {
        while let Some(due) = self.later.first_entry().filter(|due| due.key().0 <= now) {
            let item = due.remove();
            self.freed(item);
        }
    }

    fn freed(&mut self, item: Item) {
        match self.queues.get_mut(&item.key) {
            Some(queue) => {
                queue.until = None;
                self.put_first(item);
            }
            None => self.put(item, place(&item, None, None)),
        }
    }

    /// Makes a record the first of its key that waits.
    fn put_first(&mut self, item: Item) {
        let Some(queue) = self.queues.get_mut(&item.key) else { return };
        let place = place(&item, queue.until, (queue.out > 0).then_some(queue.lane));
        queue.first = Some((item.seq, place));
        self.put(item, place);
    }

    fn put(&mut self, item: Item, place: Place) {
        match place {
            Place::Open => self.open.insert(item.seq, item),
            Place::Bound(lane) => self.bound[lane].insert(item.seq, item),
            Place::Later(until) => self.later.insert((until, item.seq), item),
            Place::Suspects => self.suspects.insert(item.seq, item),
        };
    }

    /// Takes out the first of a key that waits.
    fn lift(&mut self, key: Key) -> Option<Item> {
        let (seq, place) = self.queues.get_mut(&key)?.first.take()?;
        match place {
            Place::Open => self.open.remove(&seq),
            Place::Bound(lane) => self.bound[lane].remove(&seq),
            Place::Later(until) => self.later.remove(&(until, seq)),
            Place::Suspects => self.suspects.remove(&seq),
        }
    }

    /// Takes out the records that wait and are no longer to be run. Nothing is out.
    pub fn sift(&mut self, mut keep: impl FnMut(Seq) -> bool) {
        let lanes = self.bound.len();
        let old = std::mem::replace(self, Keys::new(lanes));
        let held: HashMap<Seq, Instant> = old.later.keys().map(|(until, seq)| (*seq, *until)).collect();
        let placed = old.open.into_values().chain(old.later.into_values()).chain(old.suspects.into_values());
        let behind = old.queues.into_values().flat_map(|queue| queue.behind);
        let mut items: Vec<Item> = placed.chain(behind).filter(|item| keep(item.seq)).collect();
        items.sort_unstable_by_key(|item| item.seq);
        for item in items {
            match held.get(&item.seq) {
                Some(until) => self.push_held(item, *until),
                None => self.push(item),
            }
        }
    }

    fn push_held(&mut self, item: Item, until: Instant) {
        if item.key == Key::NONE {
            self.waiting += 1;
            self.put(item, Place::Later(until));
        } else {
            self.push(item);
            self.hold(&item, until);
        }
    }

    /// Whether a record waits that has to run alone.
    pub fn has_suspect(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// Whether there is something that `lane` may take.
    pub fn has_for(&self, lane: usize) -> bool {
        !self.open.is_empty() || !self.bound[lane].is_empty()
    }

    /// When the next record that was held may run.
    pub fn due(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((until, _), _)| *until)
    }

    /// The oldest that may go to a lane, if it is fresh and fewer wait than a group takes.
    pub fn gathering(&self, grouping: Grouping) -> Option<Seq> {
        let firsts = self.bound.iter().chain([&self.open]).filter_map(BTreeMap::first_key_value);
        let (seq, first) = firsts.min_by_key(|(seq, _)| **seq)?;
        let bytes: usize = self.open.values().take(grouping.records as usize).map(|item| item.size).sum();
        let full = self.waiting >= grouping.records as usize || bytes >= grouping.bytes;
        (!full && first.is_fresh()).then_some(*seq)
    }

    /// Keys of which something waits or is out.
    #[cfg(test)]
    fn known(&self) -> usize {
        self.queues.len()
    }
}

/// Where a record waits that is the first of its key.
fn place(item: &Item, until: Option<Instant>, lane: Option<usize>) -> Place {
    match (until, lane) {
        (Some(until), _) => Place::Later(until),
        (None, _) if item.alone => Place::Suspects,
        (None, Some(lane)) => Place::Bound(lane),
        (None, None) => Place::Open,
    }
}

#[cfg(test)]
mod tests;
