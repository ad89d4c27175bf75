//! Which slot of which group holds which worker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::group::{Group, GroupKind};
use super::link::Link;
use crate::protocol::control::Hello;

/// A worker that said hello.
#[derive(Debug, Clone)]
pub struct Ready {
    pub link: Arc<Link>,
    pub hello: Hello,
}

#[derive(Debug, Default)]
pub enum State {
    #[default]
    Empty,
    Starting,
    Ready(Ready),
}

#[derive(Debug)]
pub struct Slot {
    pub state: State,
    /// Its last worker died, and no other has taken its place yet.
    pub died: bool,
    /// No worker is started before this time, because the last one did not come up.
    pub not_before: Option<Instant>,
    delay: Duration,
}

/// Workers that do not come up are started at growing intervals.
const FIRST_DELAY: Duration = Duration::from_millis(20);
const MAX_DELAY: Duration = Duration::from_secs(5);
/// A worker outside of the shared group is ended when it has held no isolate for this long.
const IDLE: Duration = Duration::from_secs(30);

/// So many trials may go on at once, also where there are fewer workers: one that takes long must not hold up all.
pub const LEAST_TRIALS: usize = 4;

impl Default for Slot {
    fn default() -> Slot {
        Slot { state: State::Empty, died: false, not_before: None, delay: FIRST_DELAY }
    }
}

impl Slot {
    /// Whether a worker may be started here now.
    pub fn is_startable(&self, now: Instant) -> bool {
        matches!(self.state, State::Empty) && self.not_before.is_none_or(|time| time <= now)
    }

    /// A worker has come up. Returns whether it replaces one that died.
    pub fn arrived(&mut self, ready: Ready) -> bool {
        self.state = State::Ready(ready);
        self.not_before = None;
        self.delay = FIRST_DELAY;
        std::mem::take(&mut self.died)
    }

    /// A worker did not come up.
    pub fn failed(&mut self, now: Instant) {
        self.state = State::Empty;
        self.not_before = Some(now + self.delay);
        self.delay = (self.delay * 2).min(MAX_DELAY);
    }
}

#[derive(Debug)]
pub struct Fleet {
    /// Slots of a group of the greatest size.
    workers: usize,
    groups: BTreeMap<Group, Vec<Slot>>,
}

impl Fleet {
    pub fn new(workers: usize) -> Fleet {
        let mut fleet = Fleet { workers, groups: BTreeMap::new() };
        fleet.add(&Group::Shared);
        fleet
    }

    fn add(&mut self, group: &Group) -> &mut Vec<Slot> {
        let size = group.size(self.workers);
        self.groups.entry(group.clone()).or_insert_with(|| (0..size).map(|_| Slot::default()).collect())
    }

    /// The slot, if there is one.
    pub fn slot(&mut self, group: &Group, slot: usize) -> Option<&mut Slot> {
        self.groups.get_mut(group)?.get_mut(slot)
    }

    /// The slot for an isolate of that group, which is made if it is new and there may be another of its kind.
    pub fn slot_for(&mut self, group: &Group, slot: usize) -> Option<(usize, &mut Slot)> {
        let trials = || self.groups.keys().filter(|one| one.kind() == GroupKind::Trial).count();
        let most = self.workers.max(LEAST_TRIALS);
        if group.kind() == GroupKind::Trial && !self.groups.contains_key(group) && trials() >= most {
            return None;
        }
        let slots = self.add(group);
        let slot = slot % slots.len();
        Some((slot, &mut slots[slot]))
    }

    fn ready(&self) -> impl Iterator<Item = (&Group, &Ready)> {
        self.groups.iter().flat_map(|(group, slots)| {
            slots.iter().filter_map(move |slot| match &slot.state {
                State::Ready(ready) => Some((group, ready)),
                State::Empty | State::Starting => None,
            })
        })
    }

    /// Live workers of all groups.
    pub fn workers(&self) -> impl Iterator<Item = &Ready> {
        self.ready().map(|(_, ready)| ready)
    }

    pub fn alive(&self, kind: GroupKind) -> usize {
        self.ready().filter(|(group, _)| group.kind() == kind).count()
    }

    /// Shared slots that wait for a worker, each with the time until which they have to.
    pub fn vacant(&self) -> impl Iterator<Item = (usize, &Slot)> {
        let shared = self.groups.get(&Group::Shared).into_iter().flatten();
        shared.enumerate().filter(|(_, slot)| matches!(slot.state, State::Empty))
    }

    pub fn is_complete(&self) -> bool {
        let mut shared = self.groups.get(&Group::Shared).into_iter().flatten();
        shared.all(|slot| matches!(slot.state, State::Ready(_)))
    }

    /// Takes a whole group away; its workers are for the caller to close.
    pub fn remove(&mut self, group: &Group) -> Vec<Ready> {
        let slots = self.groups.remove(group).unwrap_or_default();
        slots.into_iter().filter_map(taken).collect()
    }

    pub fn remove_all(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.groups).into_values().flatten().filter_map(taken).collect()
    }

    /// Takes away workers that nobody has used for a while, and groups that have none left.
    pub fn remove_idle(&mut self, now: Instant) -> Vec<Ready> {
        let mut idle = Vec::new();
        self.groups.retain(|group, slots| {
            if *group == Group::Shared {
                return true;
            }
            for slot in slots.iter_mut() {
                let since = match &slot.state {
                    State::Ready(ready) => ready.link.idle_since(),
                    State::Empty | State::Starting => None,
                };
                if since.is_some_and(|since| now.saturating_duration_since(since) >= IDLE) {
                    idle.extend(taken(std::mem::take(slot)));
                }
            }
            slots.iter().any(|slot| !slot.is_startable(now))
        });
        idle
    }
}

fn taken(slot: Slot) -> Option<Ready> {
    match slot.state {
        State::Ready(ready) => Some(ready),
        State::Empty | State::Starting => None,
    }
}
