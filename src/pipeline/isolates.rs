//! The isolates that one subscription holds: in each worker one that lanes run in, beside it the next version while it
//! loads, and older ones until the last lane has landed.
//!
//! Its places are those in the workers that it shares with others, one in a worker of its own for the time of a
//! quarantine, and one in a worker where records that may have brought a worker down run alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::output::Output;
use crate::function::Program;
use crate::pool::{Group, Isolate, Pool};
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
    /// When it was asked for.
    pub asked_at: Instant,
    /// Heap and external bytes when it last told.
    pub memory: (u64, u64),
    /// Its worker holds nobody else's isolates.
    pub own_worker: bool,
    /// In it, records run alone.
    pub trial: bool,
}

#[derive(Default)]
struct Place {
    /// Lanes run here, or will as soon as it is ready.
    current: Option<Held>,
    /// A newer version that is not ready yet; nothing flies in it.
    next: Option<Held>,
    /// Older versions in which lanes may still fly.
    retired: Vec<Held>,
    /// No isolate is asked for before this time.
    not_before: Option<Instant>,
    failures: u32,
}

impl Place {
    fn all(&self) -> impl Iterator<Item = &Held> {
        self.current.iter().chain(&self.next).chain(&self.retired)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Held> {
        self.current.iter_mut().chain(&mut self.next).chain(&mut self.retired)
    }

    /// Whether the newest version has to be asked for.
    fn lacks(&self, version: &Arc<Version>) -> bool {
        self.next.is_none() && !self.current.as_ref().is_some_and(|held| Arc::ptr_eq(&held.version, version))
    }

    fn may_ask(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|time| time <= now)
    }
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
    quarantined: bool,
}

/// Places behind those in shared workers.
const OWN_PLACES: usize = 2;
/// How long we wait for a worker that is down.
const WORKER_DOWN: Duration = Duration::from_millis(20);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

impl Isolates {
    pub fn new(pool: Pool, inbox: Inbox, version: Arc<Version>, quarantined: bool) -> Isolates {
        let places = (0..pool.len() + OWN_PLACES).map(|_| Place::default()).collect();
        Isolates { pool, inbox, places, version, tags: 0, quarantined }
    }

    fn own_place(&self) -> usize {
        self.pool.len()
    }

    /// The place for records that run alone.
    pub fn trial_place(&self) -> usize {
        self.pool.len() + 1
    }

    /// The workers that a place is in. Who has a tenant takes its name along, in case another version has another.
    fn group(&self, index: usize) -> Group {
        let (name, tenant) = (self.version.program.name(), self.version.program.manifest.tenant.as_deref());
        let own = || tenant.map_or_else(|| name.into(), |tenant| format!("{tenant}/{name}").into());
        match tenant {
            _ if index == self.own_place() => Group::Alone(own()),
            _ if index == self.trial_place() => Group::Trial(own()),
            Some(tenant) => Group::Tenant(tenant.into()),
            None => Group::Shared,
        }
    }

    /// Moves the function to a worker of its own, or back to those that it shares. Lanes move when they have landed.
    pub fn quarantine(&mut self, quarantined: bool) {
        self.quarantined = quarantined;
        let trial = self.trial_place();
        let left = |index: &usize| *index != trial;
        for index in (0..self.places.len()).filter(left) {
            let place = &mut self.places[index];
            place.next = None;
            place.retired.extend(place.current.take());
        }
    }

    pub fn has_trial(&self) -> bool {
        self.places[self.trial_place()].all().next().is_some()
    }

    /// Gives back the isolate for records that run alone, and its worker: the next suspect finds a fresh one.
    pub fn end_trial(&mut self) {
        let trial = self.trial_place();
        self.places[trial] = Place::default();
        self.pool.let_go(&self.group(trial));
    }

    /// The newest version that was installed.
    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// The version that runs there at present, or else the one that will.
    pub fn serving(&self, index: usize) -> &Version {
        self.places[index].current.as_ref().filter(|held| held.ready).map_or(&self.version, |held| &held.version)
    }

    /// The worker that a task's records go to as long as nothing fails.
    pub fn place_of(&self, task: i32) -> usize {
        if self.quarantined {
            return self.own_place();
        }
        let name = self.version.program.name().bytes();
        let spread = name.fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        (spread.wrapping_add(task as u32)) as usize % self.pool.len()
    }

    /// Makes `version` the one to run. Lanes move to it when its isolates are ready.
    pub fn install(&mut self, version: Arc<Version>) {
        self.version = version;
        for index in 0..self.places.len() {
            let place = &mut self.places[index];
            place.next = None;
            place.not_before = None;
            if place.current.is_some() {
                self.open(index);
            }
        }
    }

    /// Asks for an isolate of the newest version.
    fn open(&mut self, index: usize) {
        self.tags += 1;
        let tag = self.tags;
        let group = self.group(index);
        let opened = self.pool.open(&group, index, &self.version.program, self.inbox.route(tag));
        let place = &mut self.places[index];
        let Some((isolate, hello)) = opened else {
            place.not_before = Some(Instant::now() + WORKER_DOWN);
            return;
        };
        place.not_before = None;
        let version = Arc::clone(&self.version);
        let held = Held {
            isolate,
            tag,
            version,
            credit: hello.credit,
            ready: false,
            asked_at: Instant::now(),
            memory: (0, 0),
            own_worker: matches!(group, Group::Alone(_) | Group::Trial(_)),
            trial: matches!(group, Group::Trial(_)),
        };
        if place.current.is_none() { place.current = Some(held) } else { place.next = Some(held) }
    }

    /// The isolate that a lane should run in, asked for if there is none. `None` while none is ready.
    pub fn wanted(&mut self, index: usize, now: Instant) -> Option<&Held> {
        let place = &mut self.places[index];
        if place.current.is_none() {
            place.current = place.next.take();
        }
        // Besides the first time, this happens when a worker was down or died as the version was installed.
        if place.lacks(&self.version) && place.may_ask(now) {
            self.open(index);
        }
        self.places[index].current.as_ref().filter(|held| held.ready)
    }

    pub fn by_tag(&mut self, tag: u64) -> Option<&mut Held> {
        self.places.iter_mut().flat_map(Place::all_mut).find(|held| held.tag == tag)
    }

    /// An isolate is ready or could not be made. A ready one of a newer version takes over at once.
    pub fn arrived(&mut self, tag: u64, result: Result<(), Problem>) -> Arrival {
        let loading = |held: &Option<Held>| held.as_ref().is_some_and(|held| held.tag == tag && !held.ready);
        let Some(place) = self.places.iter_mut().find(|place| loading(&place.current) || loading(&place.next)) else {
            return Arrival::Stale;
        };
        let is_next = loading(&place.next);
        match result {
            Ok(()) => {
                place.failures = 0;
                if is_next {
                    place.retired.extend(std::mem::replace(&mut place.current, place.next.take()));
                }
                if let Some(held) = &mut place.current {
                    held.ready = true;
                }
                Arrival::Ready
            }
            Err(problem) => {
                if is_next {
                    place.next = None
                } else {
                    place.current = None
                }
                place.failures += 1;
                let wait = WORKER_DOWN.saturating_mul(1 << place.failures.min(10)).min(MAX_BACKOFF);
                place.not_before = Some(Instant::now() + wait);
                if is_next { Arrival::UpdateFailed(problem) } else { Arrival::Failed(problem) }
            }
        }
    }

    /// How often in a row an isolate could not be made, where that was most often.
    pub fn failed_loads(&self) -> u32 {
        self.places.iter().map(|place| place.failures).max().unwrap_or(0)
    }

    /// Forgets an isolate that is gone.
    pub fn gone(&mut self, tag: u64) -> Option<Held> {
        for place in &mut self.places {
            let is = |held: &Option<Held>| held.as_ref().is_some_and(|held| held.tag == tag);
            if is(&place.current) {
                return place.current.take();
            }
            if is(&place.next) {
                return place.next.take();
            }
            if let Some(at) = place.retired.iter().position(|held| held.tag == tag) {
                return Some(place.retired.swap_remove(at));
            }
        }
        None
    }

    /// Gives back old versions in which no lane flies any more.
    pub fn retire(&mut self, in_use: impl Fn(u64) -> bool) {
        self.places.iter_mut().for_each(|place| place.retired.retain(|held| in_use(held.tag)));
    }

    /// Gives back everything; what idles costs nothing.
    pub fn release(&mut self) {
        if self.has_trial() {
            self.end_trial();
        }
        self.places.iter_mut().for_each(|place| *place = Place::default());
    }

    pub fn held(&self) -> impl Iterator<Item = &Held> {
        self.places.iter().flat_map(Place::all)
    }

    /// When to try again for isolates that could not be had.
    pub fn due(&self) -> Option<Instant> {
        self.places.iter().filter(|place| place.lacks(&self.version)).filter_map(|place| place.not_before).min()
    }
}
