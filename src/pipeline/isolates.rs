//! The isolates that one subscription holds: at most one of the running version in each worker, and beside it the next
//! version while lanes move over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::sink::Output;
use crate::function::Program;
use crate::pool::{Isolate, Pool};
use crate::protocol::control::{Credit, Problem};

/// A program with its topics resolved.
pub struct Version {
    pub program: Arc<Program>,
    /// By the number that a result names; `None` where the function has no sink.
    pub outputs: Vec<Option<Output>>,
    /// `None` where dead letters are off.
    pub dead_letter: Option<Output>,
}

/// One isolate.
pub struct Held {
    pub isolate: Isolate,
    /// Tells the events of this isolate from those of its predecessors.
    pub tag: u64,
    pub version: Arc<Version>,
    pub credit: Credit,
    pub ready: bool,
    /// Heap and external bytes when it last told.
    pub memory: (u64, u64),
}

#[derive(Default)]
struct Place {
    current: Option<Held>,
    next: Option<Held>,
    /// No isolate is asked for before this time.
    not_before: Option<Instant>,
    failures: u32,
}

/// What became of a message that an isolate is ready or not.
pub enum Arrival {
    Ready,
    /// The current version cannot be loaded; tried again later.
    Failed(Problem),
    /// A new version cannot be loaded; the old one goes on.
    UpdateFailed(Problem),
    /// From an isolate that is no longer ours.
    Stale,
}

pub struct Isolates {
    pool: Pool,
    inbox: Inbox,
    places: Vec<Place>,
    version: Arc<Version>,
    tags: u64,
}

/// How long we wait for a worker that is down.
const WORKER_DOWN: Duration = Duration::from_millis(20);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

impl Isolates {
    pub fn new(pool: Pool, inbox: Inbox, version: Arc<Version>) -> Isolates {
        let places = (0..pool.len()).map(|_| Place::default()).collect();
        Isolates { pool, inbox, places, version, tags: 0 }
    }

    /// The newest version that was installed.
    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// The worker that a task's records go to as long as nothing fails.
    pub fn place_of(&self, task: i32) -> usize {
        let name = self.version.program.name().bytes();
        let spread = name.fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        (spread.wrapping_add(task as u32)) as usize % self.places.len()
    }

    /// Makes `version` the one to run. Lanes move to it when its isolates are ready.
    pub fn install(&mut self, version: Arc<Version>) {
        self.version = version;
        for index in 0..self.places.len() {
            self.places[index].next = None;
            self.places[index].not_before = None;
            if self.places[index].current.is_some() {
                self.places[index].next = self.open(index);
            }
        }
    }

    fn open(&mut self, index: usize) -> Option<Held> {
        self.tags += 1;
        let tag = self.tags;
        let opened = self.pool.open(index, self.version.program.load(), self.inbox.route(tag));
        if opened.is_none() {
            self.places[index].not_before = Some(Instant::now() + WORKER_DOWN);
        }
        let (isolate, hello) = opened?;
        let version = Arc::clone(&self.version);
        Some(Held { isolate, tag, version, credit: hello.credit, ready: false, memory: (0, 0) })
    }

    /// The isolate that a lane should run in, asked for if there is none. `None` while none is ready.
    pub fn wanted(&mut self, index: usize, now: Instant) -> Option<&Held> {
        if self.places[index].current.is_none() {
            let place = &mut self.places[index];
            if let Some(next) = place.next.take() {
                place.current = Some(next);
            } else if place.not_before.is_none_or(|time| time <= now) {
                self.places[index].current = self.open(index);
            }
        }
        let place = &mut self.places[index];
        let current = place.current.as_ref()?;
        if !Arc::ptr_eq(&current.version, &self.version) && place.next.is_none() {
            // The worker was down, or the isolate died, when the version was installed.
            if place.not_before.is_none_or(|time| time <= now) {
                self.places[index].next = self.open(index);
            }
        }
        let place = &self.places[index];
        let best = place.next.as_ref().filter(|held| held.ready).or(place.current.as_ref());
        best.filter(|held| held.ready)
    }

    pub fn by_tag(&mut self, tag: u64) -> Option<&mut Held> {
        self.places
            .iter_mut()
            .flat_map(|place| [&mut place.current, &mut place.next])
            .flatten()
            .find(|held| held.tag == tag)
    }

    pub fn arrived(&mut self, tag: u64, result: Result<(), Problem>) -> Arrival {
        for place in &mut self.places {
            let is_current = place.current.as_ref().is_some_and(|held| held.tag == tag);
            let is_next = place.next.as_ref().is_some_and(|held| held.tag == tag);
            let slot = match (is_current, is_next) {
                (true, _) => &mut place.current,
                (_, true) => &mut place.next,
                _ => continue,
            };
            return match result {
                Ok(()) => {
                    place.failures = 0;
                    if let Some(held) = slot {
                        held.ready = true;
                    }
                    Arrival::Ready
                }
                Err(problem) => {
                    *slot = None;
                    place.failures += 1;
                    let wait = WORKER_DOWN.saturating_mul(1 << place.failures.min(10)).min(MAX_BACKOFF);
                    place.not_before = Some(Instant::now() + wait);
                    if is_current { Arrival::Failed(problem) } else { Arrival::UpdateFailed(problem) }
                }
            };
        }
        Arrival::Stale
    }

    /// Forgets an isolate that is gone.
    pub fn gone(&mut self, tag: u64) -> Option<Held> {
        self.places
            .iter_mut()
            .flat_map(|place| [&mut place.current, &mut place.next])
            .find(|slot| slot.as_ref().is_some_and(|held| held.tag == tag))
            .and_then(Option::take)
    }

    /// Gives back old versions that no lane uses any more, by their tags.
    pub fn retire(&mut self, in_use: impl Fn(u64) -> bool) {
        for place in &mut self.places {
            let ready = place.next.as_ref().is_some_and(|held| held.ready);
            if ready && !place.current.as_ref().is_some_and(|held| in_use(held.tag)) {
                place.current = place.next.take();
            }
        }
    }

    /// Gives back everything; what idles costs nothing.
    pub fn release(&mut self) {
        for place in &mut self.places {
            (place.current, place.next) = (None, None);
        }
    }

    pub fn held(&self) -> impl Iterator<Item = &Held> {
        self.places.iter().flat_map(|place| [&place.current, &place.next]).flatten()
    }

    /// When to try again for isolates that could not be had.
    pub fn due(&self) -> Option<Instant> {
        self.places.iter().filter(|place| place.current.is_none()).filter_map(|place| place.not_before).min()
    }
}
