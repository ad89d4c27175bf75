//! The life of one function's transactions: what to do next, decided from what is known. Pure logic: no clock, no Kafka,
//! no thread.
//!
//! ```text
//! Down → init → (rewind) → begin → Open → offsets → Sealed → commit → begin → Open …
//!                            ↑        └───────┴────────┴→ abort → rewind ┘
//! ```
//! Offsets go to Kafka while the last results are still on their way there, for both take time. They count for nothing
//! before the commit, and that is called only when every result is acknowledged.
//!
//! One rule carries the rest: before a commit was called, what goes wrong is aborted and runs again; after it, nobody
//! here knows whether Kafka has committed. The call is then only made again, or the producer is made anew under the
//! same id, which has Kafka settle the matter, and positions are read from the group.
//!
//! A request to end a transaction that was not answered at once may have been repeated, and one of the two may still be on
//! its way and end a later transaction. A new producer has a higher epoch, which Kafka takes no such request with.

use std::time::{Duration, Instant};

use crate::kafka::Failure;

/// Who is fenced twice within this time shares the transactional id with somebody who is alive,
const FENCED_AGAIN: Duration = Duration::from_secs(60);
/// and leaves it alone for longer and longer, from this time on.
const AFTER_FENCE: Duration = Duration::from_secs(1);
/// Kafka has not quite ended a transaction when it says so, and whoever goes on at once is sent away, and asks again after
/// 20 ms only. This long it usually takes.
const SETTLING: Duration = Duration::from_millis(5);
/// An end that takes this long may have been asked for twice.
const DOUBTFUL: Duration = Duration::from_secs(1);
/// Aborts and failed producers are followed by a wait that doubles from this
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A blocking call, made on a thread of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Take over the transactional id.
    Init,
    Begin,
    /// Add what the group goes on behind.
    Offsets,
    Commit,
    Abort,
}

/// What the owner is to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Make a producer; the one before it, if there is any, is left to itself, and its answers count no more.
    Build,
    /// Nothing more comes into it: what has settled by now is what its offsets are to be behind.
    Seal,
    /// Have this call made.
    Call(Call),
    /// What the transaction contained is committed.
    Committed,
    /// Nothing since the last commit has happened: go back to where the group stands.
    Rewind,
}

/// When a transaction is committed, and how long its calls may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Since the first thing came into it.
    pub interval: Duration,
    /// Bytes of results at which it is committed earlier.
    pub bytes: usize,
    /// How long results may take to be acknowledged once it is sealed, and how long one call may take, with its
    /// repetitions, until it is taken for stuck.
    pub patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is no producer of use; one is made at this time.
    Down {
        until: Instant,
    },
    /// A producer was asked for.
    Building,
    /// A call is underway.
    Calling {
        call: Call,
        since: Instant,
    },
    /// A call is to be made, for the first time or again.
    Due {
        call: Call,
        since: Instant,
        at: Instant,
    },
    /// Committed; the owner has to hear of it.
    Done {
        doubtful: bool,
    },
    /// Everything since the last commit is void; the owner has to go back, and the next one begins at this time.
    Void {
        until: Instant,
    },
    Open,
    /// Its offsets are in it; waiting for the rest of what is in it to be acknowledged.
    Sealed {
        since: Instant,
    },
}

#[derive(Debug)]
pub struct Transaction {
    pace: Pace,
    state: State,
    /// When the first thing came into it, and how many bytes did.
    filled: Option<Instant>,
    bytes: usize,
    /// Why it must not be committed.
    spoilt: Option<String>,
    /// Somebody waits for it.
    hurried: bool,
    /// A record has results in it and others that wait outside.
    incomplete: bool,
    /// The producer that is made next is not the first.
    again: bool,
    /// Failures since the last commit.
    failures: u32,
    /// When it was fenced last, and how often before within a short time.
    fenced: Option<Instant>,
    fences: u32,
}

impl Transaction {
    pub fn new(pace: Pace, now: Instant) -> Transaction {
        Transaction {
            pace,
            state: State::Down { until: now },
            filled: None,
            bytes: 0,
            spoilt: None,
            hurried: false,
            incomplete: false,
            again: false,
            failures: 0,
            fenced: None,
            fences: 0,
        }
    }

    /// Whether results may be written into it; those that come meanwhile wait for the next one.
    pub fn is_open(&self) -> bool {
        self.state == State::Open && self.spoilt.is_none()
    }

    /// Whether it has something that is not committed.
    pub fn is_pending(&self) -> bool {
        self.filled.is_some()
    }

    /// Something came into it: bytes of a result, or none, for a position that moved without one.
    pub fn fill(&mut self, now: Instant, bytes: usize) {
        self.filled.get_or_insert(now);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether results wait outside that it has room for: with them may be others of the same record, so it is not
    /// sealed before they came in.
    pub fn set_incomplete(&mut self, incomplete: bool) {
        self.incomplete = incomplete;
    }

    /// What is in it is to be committed at the next opportunity.
    pub fn hurry(&mut self) {
        self.hurried = self.filled.is_some();
    }

    /// It must not be committed, unless that was asked for already: then what comes after it must not be.
    pub fn spoil(&mut self, reason: impl Into<String>) {
        if self.spoilt.is_none() {
            self.spoilt = Some(reason.into());
        }
    }

    /// It is known now which record spoils it, and the next one is without: that is progress, and nothing to wait for.
    pub fn spoil_known(&mut self, reason: impl Into<String>) {
        self.spoil(reason);
        self.failures = 0;
    }

    pub fn spoilt(&self) -> Option<&str> {
        self.spoilt.as_deref()
    }

    /// What it is about while it takes nothing, for people.
    pub fn doing(&self) -> &'static str {
        match self.state {
            State::Open => "being given up",
            State::Down { .. } | State::Building => "waiting for a producer",
            State::Sealed { .. } => "waiting until its results are acknowledged",
            State::Done { .. } => "committed",
            State::Void { .. } => "given up",
            State::Calling { call, .. } | State::Due { call, .. } => match call {
                Call::Init => "taking over its transactional id",
                Call::Begin => "beginning",
                Call::Offsets => "adding the group's offsets",
                Call::Commit => "being committed",
                Call::Abort => "being aborted",
            },
        }
    }

    /// Whether somebody else seems to use the same transactional id.
    pub fn is_fenced_again(&self) -> bool {
        self.fences > 0
    }

    /// What to do now, of `unacknowledged` results in it. To be asked until there is nothing.
    pub fn next(&mut self, now: Instant, unacknowledged: usize) -> Option<Step> {
        match self.state {
            State::Down { until } if now >= until => {
                self.state = State::Building;
                Some(Step::Build)
            }
            State::Due { call, since, at } if now >= at => {
                self.state = State::Calling { call, since };
                Some(Step::Call(call))
            }
            State::Calling { since, .. } if self.is_overdue(since, now) => {
                self.fail(now);
                self.next(now, unacknowledged)
            }
            State::Done { doubtful } => {
                if doubtful {
                    (self.again, self.state) = (true, State::Down { until: now });
                } else {
                    self.state = State::Due { call: Call::Begin, since: now, at: now + SETTLING };
                }
                Some(Step::Committed)
            }
            State::Void { until } => {
                (self.filled, self.bytes, self.spoilt, self.hurried) = (None, 0, None, false);
                self.state = State::Due { call: Call::Begin, since: until, at: until };
                Some(Step::Rewind)
            }
            State::Open | State::Sealed { .. } => self.gather(now, unacknowledged),
            _ => None,
        }
    }

    fn gather(&mut self, now: Instant, unacknowledged: usize) -> Option<Step> {
        if self.spoilt.is_some() {
            self.turn_back(now);
            return self.next(now, unacknowledged);
        }
        match self.state {
            State::Sealed { since } if unacknowledged > 0 => {
                if !self.is_overdue(since, now) {
                    return None;
                }
                self.spoil("its results were not acknowledged in time");
                self.next(now, unacknowledged)
            }
            State::Sealed { .. } => {
                self.call(Call::Commit, now);
                self.next(now, unacknowledged)
            }
            _ => {
                let filled = self.filled?;
                let due = self.hurried || self.bytes >= self.pace.bytes || now >= filled + self.pace.interval;
                if !due || self.incomplete {
                    return None;
                }
                self.call(Call::Offsets, now);
                Some(Step::Seal)
            }
        }
    }

    /// The producer was made, or could not be.
    pub fn built(&mut self, now: Instant, made: bool) {
        match (self.state, made) {
            (State::Building, true) => self.call(Call::Init, now),
            (State::Building, false) => self.fail(now),
            _ => {}
        }
    }

    /// A call has an answer.
    pub fn answered(&mut self, now: Instant, answer: Result<(), Failure>) {
        let State::Calling { call, since } = self.state else { return };
        let is_doubtful = now.saturating_duration_since(since) >= DOUBTFUL;
        match (call, answer) {
            (_, Err(Failure::Retriable)) => {
                self.state = State::Due { call, since, at: now + FIRST_WAIT };
            }
            (Call::Init, Ok(())) if self.again => self.state = State::Void { until: now },
            (Call::Init, Ok(())) => self.call(Call::Begin, now),
            (Call::Begin, Ok(())) => self.state = State::Open,
            // It was spoilt while its offsets were on their way: the last moment to turn back.
            (Call::Offsets, Ok(())) if self.spoilt.is_some() => self.turn_back(now),
            (Call::Offsets, Ok(())) => self.state = State::Sealed { since: now },
            (Call::Offsets, Err(Failure::Abortable)) => self.turn_back(now),
            (Call::Commit, Ok(())) => {
                (self.filled, self.bytes, self.hurried, self.failures) = (None, 0, false, 0);
                self.state = State::Done { doubtful: is_doubtful };
            }
            (Call::Abort, Ok(())) if is_doubtful => self.go_down(now),
            (Call::Abort, Ok(())) => self.state = State::Void { until: now + self.wait() },
            (_, Err(Failure::Fenced)) => self.fence(now),
            // Even where librdkafka advises to abort: after a commit was called, Kafka may have committed.
            (_, Err(_)) => self.fail(now),
        }
    }

    /// The producer failed for good, as a delivery report or the client itself says.
    pub fn broke(&mut self, now: Instant) {
        if self.has_producer() {
            self.fail(now);
        }
    }

    /// The same, because the transactional id was taken over.
    pub fn fenced(&mut self, now: Instant) {
        if self.has_producer() {
            self.fence(now);
        }
    }

    fn has_producer(&self) -> bool {
        !matches!(self.state, State::Down { .. } | State::Building)
    }

    /// When to look again, if nothing happens before.
    pub fn due(&self) -> Option<Instant> {
        match self.state {
            State::Down { until } => Some(until),
            State::Due { at, .. } => Some(at),
            State::Calling { since, .. } | State::Sealed { since } => Some(since + self.pace.patience),
            State::Open => Some(self.filled? + self.pace.interval),
            State::Building | State::Done { .. } | State::Void { .. } => None,
        }
    }

    fn call(&mut self, call: Call, now: Instant) {
        self.state = State::Due { call, since: now, at: now };
    }

    fn turn_back(&mut self, now: Instant) {
        self.failures += 1;
        self.call(Call::Abort, now);
    }

    fn fail(&mut self, now: Instant) {
        self.failures += 1;
        self.go_down(now);
    }

    fn go_down(&mut self, now: Instant) {
        self.again = true;
        self.state = State::Down { until: now + self.wait() };
    }

    fn fence(&mut self, now: Instant) {
        let again = self.fenced.replace(now).is_some_and(|last| now.saturating_duration_since(last) < FENCED_AGAIN);
        self.fences = if again { self.fences + 1 } else { 0 };
        self.fail(now);
        if again {
            let wait = AFTER_FENCE.saturating_mul(1 << self.fences.min(16)).min(LONGEST_WAIT);
            self.state = State::Down { until: now + wait };
        }
    }

    /// None after the first failure, for that is usually over with a fresh producer.
    fn wait(&self) -> Duration {
        match self.failures.checked_sub(1) {
            None | Some(0) => Duration::ZERO,
            Some(more) => FIRST_WAIT.saturating_mul(1 << more.min(16)).min(LONGEST_WAIT),
        }
    }

    fn is_overdue(&self, since: Instant, now: Instant) -> bool {
        now.saturating_duration_since(since) >= self.pace.patience
    }
}

#[cfg(test)]
mod tests;
