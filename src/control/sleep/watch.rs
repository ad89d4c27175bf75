//! The thread that watches where the sources of all functions end: of those that sleep several times a second, for a
//! record that wakes them; of those that run now and then, for whether they may sleep.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ends::{Ends, Observation, Union};
use super::keep;
use super::rest::{self, Question};
use crate::function::Program;
use crate::kafka::{self, GroupPartitions, Groups, Settings, TopicPartition, Topics};

/// How often the ends of sources of sleeping functions are asked for.
const POLL: Duration = Duration::from_millis(200);
/// Of the time, no more than one part in so many is spent on asking, however many partitions there are.
const SHARE: u32 = 10;
/// How long one question may take.
const CALL: Duration = Duration::from_secs(5);
/// How often some groups of sleeping functions are asked whether they still stand where they did, and how many times until
/// all were asked: somebody may move them with Kafka's own tools.
const ASK_GROUPS: Duration = Duration::from_secs(1);
const ROUND: usize = 300;
/// Functions that run are looked at so many times until they may sleep, within these bounds.
const LOOKS: u32 = 4;
const SHORTEST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// What a function is watched for.
#[derive(Debug, Clone)]
pub enum Watched {
    /// It runs this program on these topics, and may sleep.
    Running(Arc<Program>, Vec<String>),
    /// It sleeps as long as its sources end there.
    Asleep(Arc<Program>, Ends),
    /// It does nothing until somebody says so, and is to find its group as it was.
    Paused(Arc<Program>),
}

/// What the control plane has to act on.
#[derive(Debug)]
pub enum News {
    /// Sources of these functions do not end any more where they did.
    Moved(Vec<String>),
    /// These functions, if they still run this program, have nothing to do.
    Quiet(Vec<(String, Arc<Program>, Ends)>),
}

/// The watch as the control plane holds it.
pub struct Sleep(Arc<Shared>);

/// How patient it is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For how long a function's sources have had no new record when it may sleep. Without it, none sleeps.
    pub sleep_after: Option<Duration>,
    /// How often groups that functions have left are visited.
    pub keep_positions: Duration,
}

pub(super) struct Shared {
    groups: Groups,
    topics: Arc<Topics>,
    after: Option<Duration>,
    tell: Box<dyn Fn(News) + Send + Sync>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    watched: BTreeMap<String, Watched>,
    /// Of what is watched.
    edition: u64,
    stopping: bool,
}

impl Sleep {
    pub fn start(
        topics: Arc<Topics>,
        settings: Settings,
        pace: Pace,
        tell: impl Fn(News) + Send + Sync + 'static,
    ) -> std::io::Result<Sleep> {
        let shared = Arc::new(Shared {
            groups: Groups::new(&topics),
            topics,
            after: pace.sleep_after,
            tell: Box::new(tell),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        if let Some(after) = pace.sleep_after {
            let own = Arc::clone(&shared);
            thread("sleep").spawn(move || Watcher::new(own, after).run())?;
        }
        let own = Arc::clone(&shared);
        thread("positions").spawn(move || keep::run(&own, &settings, pace.keep_positions))?;
        Ok(Sleep(shared))
    }

    /// Watches these functions from now on, by name, and no others.
    pub fn watch<'a>(&self, wanted: impl Iterator<Item = (&'a String, Watched)>) {
        let wanted: BTreeMap<String, Watched> = wanted.map(|(name, watched)| (name.clone(), watched)).collect();
        let mut state = self.0.state();
        let is_same =
            |((name, one), (other, two)): ((&String, &Watched), (&String, &Watched))| name == other && one.is_same(two);
        if wanted.len() == state.watched.len() && wanted.iter().zip(&state.watched).all(is_same) {
            return;
        }
        state.watched = wanted;
        state.edition += 1;
        drop(state);
        self.0.changed.notify_all();
    }

    /// Whether functions ever sleep.
    pub fn is_on(&self) -> bool {
        self.0.after.is_some()
    }

    /// The thread ends by itself soon after; nobody needs to wait for it.
    pub fn stop(&self) {
        self.0.state().stopping = true;
        self.0.changed.notify_all();
    }
}

impl Watched {
    fn is_same(&self, other: &Watched) -> bool {
        match (self, other) {
            (Watched::Running(one, topics), Watched::Running(two, others)) => Arc::ptr_eq(one, two) && topics == others,
            (Watched::Asleep(_, one), Watched::Asleep(_, two)) => one.is_same(two),
            (Watched::Paused(one), Watched::Paused(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Looks at what is watched, and returns its edition.
    pub(super) fn read(&self, look: impl FnOnce(&BTreeMap<String, Watched>)) -> u64 {
        let state = self.state();
        look(&state.watched);
        state.edition
    }

    /// Waits until that time, or until something else is watched; where there is no time, for the latter alone. Returns
    /// whether to go on.
    pub(super) fn wait(&self, until: Option<Instant>, edition: u64) -> bool {
        let mut state = self.state();
        while !state.stopping && state.edition == edition {
            let Some(until) = until else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.stopping
    }
}

struct Watcher {
    shared: Arc<Shared>,
    after: Duration,
    edition: u64,
    sleepers: Union,
    asleep: Vec<(String, String, Ends)>,
    /// Who is asked next of those.
    turn: usize,
    running: Vec<(String, Arc<Program>, Vec<String>)>,
    seen: BTreeMap<String, Observation>,
    next_poll: Instant,
    next_look: Instant,
    next_groups: Instant,
}

impl Watcher {
    fn new(shared: Arc<Shared>, after: Duration) -> Watcher {
        let now = Instant::now();
        Watcher {
            shared,
            after,
            edition: 0,
            sleepers: Union::default(),
            asleep: Vec::new(),
            turn: 0,
            running: Vec::new(),
            seen: BTreeMap::new(),
            next_poll: now,
            next_look: now,
            next_groups: now + ASK_GROUPS,
        }
    }

    fn run(mut self) {
        loop {
            let poll = (!self.sleepers.partitions.is_empty()).then_some(self.next_poll);
            let look = (!self.running.is_empty()).then_some(self.next_look);
            if !self.shared.wait(poll.into_iter().chain(look).min(), self.edition) {
                return;
            }
            self.take_over();
            let now = Instant::now();
            if now >= self.next_poll && !self.sleepers.partitions.is_empty() {
                self.poll();
                self.next_poll = Instant::now() + POLL.max(now.elapsed() * (SHARE - 1));
            }
            if now >= self.next_groups && !self.asleep.is_empty() {
                self.ask_groups();
                self.next_groups = Instant::now() + ASK_GROUPS;
            }
            if now >= self.next_look && !self.running.is_empty() {
                if let Err(error) = self.look() {
                    tracing::debug!(%error, "cannot look for functions that may sleep");
                }
                self.next_look = Instant::now() + (self.after / LOOKS).clamp(SHORTEST_LOOK, LONGEST_LOOK);
            }
        }
    }

    /// Looks up what is to be watched, if that is something else by now.
    fn take_over(&mut self) {
        let state = self.shared.state();
        if state.edition == self.edition {
            return;
        }
        self.edition = state.edition;
        let asleep = state.watched.iter().filter_map(|(name, watched)| match watched {
            Watched::Asleep(_, ends) => Some((name, ends)),
            _ => None,
        });
        self.sleepers = Union::of(asleep);
        let asleep = state.watched.iter().filter_map(|(name, watched)| match watched {
            Watched::Asleep(program, ends) => Some((name.clone(), program.manifest.source.group.clone(), ends.clone())),
            _ => None,
        });
        self.asleep = asleep.collect();
        let running = state.watched.iter().filter_map(|(name, watched)| match watched {
            Watched::Running(program, topics) => Some((name.clone(), Arc::clone(program), topics.clone())),
            _ => None,
        });
        self.running = running.collect();
        self.seen.retain(|name, _| matches!(state.watched.get(name), Some(Watched::Running(..))));
    }

    fn poll(&self) {
        match self.shared.groups.ends(&self.sleepers.partitions, CALL) {
            Ok(ends) => {
                let moved = self.sleepers.moved(&ends);
                if !moved.is_empty() {
                    // The next round finds them where the control plane has put them by then.
                    (self.shared.tell)(News::Moved(moved));
                }
            }
            Err(error) => tracing::debug!(%error, "cannot look for records that wake functions, trying again"),
        }
    }

    /// Wakes those whose groups somebody else has moved.
    fn ask_groups(&mut self) {
        let count = self.asleep.len();
        let some: Vec<&(String, String, Ends)> =
            (0..count.div_ceil(ROUND)).map(|n| &self.asleep[(self.turn + n) % count]).collect();
        self.turn = (self.turn + some.len()) % count;
        let partitions = |ends: &Ends| ends.iter().map(|(partition, _)| partition.clone()).collect();
        let asked: Vec<GroupPartitions> = some
            .iter()
            .map(|(_, group, ends)| GroupPartitions { group: group.clone(), partitions: partitions(ends) })
            .collect();
        let committed = self.shared.groups.committed(&asked, CALL);
        let moved: Vec<String> = some
            .into_iter()
            .zip(committed)
            .filter(|((_, _, ends), committed)| committed.as_ref().is_ok_and(|committed| ends.differ_from(committed)))
            .map(|((name, ..), _)| name.clone())
            .collect();
        if !moved.is_empty() {
            (self.shared.tell)(News::Moved(moved));
        }
    }

    fn look(&mut self) -> kafka::Result<()> {
        let counts: BTreeMap<String, i32> =
            self.shared.topics.list(CALL)?.into_iter().map(|topic| (topic.name, topic.partitions)).collect();
        let question = |(name, program, topics): &(String, Arc<Program>, Vec<String>)| {
            let mut partitions = Vec::new();
            for topic in topics {
                let topic_name: Arc<str> = topic.as_str().into();
                let count = *counts.get(topic)?;
                partitions.extend((0..count).map(|number| TopicPartition::new(Arc::clone(&topic_name), number)));
            }
            let group = program.manifest.source.group.clone();
            Some((Question { name: name.clone(), group, partitions, committed: None }, Arc::clone(program)))
        };
        let (questions, programs): (Vec<Question>, Vec<Arc<Program>>) =
            self.running.iter().filter_map(question).unzip();
        let asked = Instant::now();
        let known = rest::ends(&self.shared.groups, &questions)?;
        let answered = Instant::now();
        let mut seen = std::mem::take(&mut self.seen);
        let (mut quiet, mut by_name) = (Vec::new(), BTreeMap::new());
        for (question, program) in questions.into_iter().zip(programs) {
            let Some(ends) = Ends::of(&question.partitions, &known) else { continue };
            let (observation, still) = Observation::look(seen.remove(&question.name), ends, asked, answered);
            self.seen.insert(question.name.clone(), observation);
            if still >= self.after {
                by_name.insert(question.name.clone(), program);
                quiet.push(question);
            }
        }
        let resting = rest::at_rest(&self.shared.groups, quiet, &known).into_iter();
        let resting: Vec<(String, Arc<Program>, Ends)> =
            resting.filter_map(|(name, ends)| Some((name.clone(), by_name.remove(&name)?, ends))).collect();
        if !resting.is_empty() {
            (self.shared.tell)(News::Quiet(resting));
        }
        Ok(())
    }
}
