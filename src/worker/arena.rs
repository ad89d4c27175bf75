//! What JavaScript may reach while an invocation runs: its records, by number, and what it has written so far.
//!
//! A number is given out once, so an object that a handler keeps finds nothing after its invocation has ended.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use deno_core::OpState;

use super::arrivals::{Record, Work};
use super::context::Excess;
use super::failure::Failure;
use super::fetches::Fetches;
use super::invoke::limit_failure;
use super::json::Stringify;
use super::limits::Limit;
use super::log::Budget;
use super::outbox::Outbox;
use crate::ids::IdMap;
use crate::outcome::Outcome;
use crate::protocol::Kind;
use crate::protocol::control::{Limits, Log, LogLevel};
use crate::protocol::kept::{Kept, MOST_WRITTEN, Parts};

/// What stays the same for all invocations of an isolate.
#[derive(Debug)]
pub struct Settings {
    pub channel: u32,
    /// Output topics by number, the sink first; empty where there is none.
    pub topics: Vec<String>,
    pub limits: Limits,
}

pub struct Arena {
    pub settings: Settings,
    live: RefCell<IdMap<u64, Live>>,
    next: Cell<u64>,
    /// Invocations whose promise has settled since somebody looked.
    pub woken: RefCell<Vec<u64>>,
    pub fetches: Fetches,
    /// Writes results that are neither text nor bytes.
    pub stringify: Stringify,
    outbox: Arc<Outbox>,
    /// For lines that belong to no invocation.
    stray: RefCell<Budget>,
}

/// A limit that ends an invocation by itself, without anybody having to stop its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    Cpu,
    Log,
    Timers,
    Fetches,
}

impl Breach {
    pub fn failure(self, limits: &Limits) -> Failure {
        let (outcome, message) = match self {
            Breach::Cpu => return limit_failure(Limit::Cpu, limits),
            Breach::Log => (
                Outcome::LogLimit,
                format!("one invocation may log {} bytes; raise `log` in [limits]", limits.log_bytes),
            ),
            Breach::Timers => (
                Outcome::PendingLimit,
                format!("one invocation may have {} timers open at once; raise `timers` in [limits]", limits.timers),
            ),
            Breach::Fetches => (
                Outcome::PendingLimit,
                format!(
                    "more than {} fetches are open at once; read or cancel their bodies, or raise `fetches` in [limits]",
                    limits.fetches
                ),
            ),
        };
        Failure::new(outcome, message)
    }
}

/// What the handler said of one record of a batch.
pub struct Mark {
    pub failure: Failure,
    /// After which time it is to run again.
    pub delay_ms: Option<u32>,
}

/// A record whose invocation has not settled.
pub struct Live {
    pub record: Record,
    /// The number of its invocation's first record, which is the invocation's own number.
    pub first: u64,
    pub results: Vec<u8>,
    pub count: u32,
    /// What its results keep of the record, with the returned one.
    pub kept: Kept,
    /// What the handler said of this record alone.
    pub mark: Option<Mark>,
    pub invocation: Invocation,
}

/// What is known of an invocation; kept with its first record.
#[derive(Debug, Default)]
pub struct Invocation {
    pub id: u64,
    pub attempt: u16,
    pub records: u32,
    pub started_ns: u64,
    /// Bytes of all results of its records, with what they keep more than once.
    pub written: usize,
    pub log: Option<Budget>,
    /// CPU time of the stretches that are behind it.
    pub spent_ns: u64,
    /// The limit that it has exceeded, whatever its handler makes of the exception.
    pub breach: Option<Breach>,
    /// It has asked for its signal or started a timer, which must not outlive it.
    pub cleanup: bool,
    /// It has fetched, and what is still open must not outlive it.
    pub fetches: bool,
}

impl Arena {
    pub fn new(settings: Settings, outbox: Arc<Outbox>) -> Arena {
        let stray = RefCell::new(Budget::new(settings.limits.log_bytes));
        Arena {
            fetches: Fetches::new(settings.channel, outbox.clone()),
            stringify: Stringify::default(),
            settings,
            live: RefCell::default(),
            next: Cell::new(1),
            woken: RefCell::default(),
            outbox,
            stray,
        }
    }

    pub fn of(state: &OpState) -> Rc<Arena> {
        state.borrow::<Rc<Arena>>().clone()
    }

    /// Gives the records of an invocation numbers in a row, and returns the first.
    pub fn begin(&self, work: &Work, started_ns: u64) -> u64 {
        let first = self.next.get();
        let records = work.head.records;
        self.next.set(first + u64::from(records.max(1)));
        let mut live = self.live.borrow_mut();
        for index in 0..records {
            let mut invocation = Invocation::default();
            if index == 0 {
                invocation.id = work.head.id;
                invocation.attempt = work.head.attempt;
                invocation.records = records;
                invocation.started_ns = started_ns;
            }
            let record = work.record(index);
            let entry =
                Live { record, first, results: Vec::new(), count: 0, kept: Kept::default(), mark: None, invocation };
            live.insert(first + u64::from(index), entry);
        }
        first
    }

    /// Takes a record out for good.
    pub fn end(&self, number: u64) -> Option<Live> {
        self.live.borrow_mut().remove(&number)
    }

    /// Looks at a live record; `None` when its invocation has ended. `look` must not run JavaScript.
    pub fn with<R>(&self, number: u64, look: impl FnOnce(&mut Live) -> R) -> Option<R> {
        self.live.borrow_mut().get_mut(&number).map(look)
    }

    /// Looks at the invocation that a record belongs to.
    pub fn with_invocation<R>(&self, number: u64, look: impl FnOnce(&mut Invocation) -> R) -> Option<R> {
        let mut live = self.live.borrow_mut();
        let first = live.get(&number)?.first;
        live.get_mut(&first).map(|live| look(&mut live.invocation))
    }

    /// Counts one more result of a record, of `len` bytes in the message, that keeps these parts of it; the error is which
    /// limit it would exceed. `None` when its invocation has ended.
    pub fn charge(&self, number: u64, len: usize, parts: Parts) -> Option<Result<(), Excess>> {
        let limits = &self.settings.limits;
        let mut live = self.live.borrow_mut();
        let own = live.get_mut(&number)?;
        if own.count >= limits.results {
            return Some(Err(Excess::Count));
        }
        let (record, mut kept) = (&own.record, own.kept);
        let len = len + kept.add(parts, record.value(), record.key(), record.headers().iter());
        if own.results.len() + own.kept.bytes + len > limits.output_bytes as usize {
            return Some(Err(Excess::Bytes));
        }
        own.kept = kept;
        let first = own.first;
        let invocation = if first == number { &mut own.invocation } else { &mut live.get_mut(&first)?.invocation };
        if invocation.written + len > MOST_WRITTEN {
            return Some(Err(Excess::Together));
        }
        invocation.written += len;
        Some(Ok(()))
    }

    /// Sends a line that an invocation wrote, as far as its budget allows; number zero stands for none. What belongs to
    /// no live invocation is dropped in silence beyond its budget.
    pub fn log(&self, number: u64, level: LogLevel, text: &str) -> Result<(), Failure> {
        let most = self.settings.limits.log_bytes;
        let take = |invocation: &mut Invocation| {
            let taken = invocation.log.get_or_insert_with(|| Budget::new(most)).take(text.len());
            if taken.is_none() {
                invocation.breach.get_or_insert(Breach::Log);
            }
            (invocation.id, taken)
        };
        let owned = self.with_invocation(number, take);
        let (invocation, verdict) = owned.unwrap_or_else(|| (0, self.stray.borrow_mut().take(text.len())));
        match verdict {
            Some(dropped) => {
                self.send_log(Log { level, text: text.to_owned(), invocation, dropped });
                Ok(())
            }
            None if owned.is_some() => Err(Breach::Log.failure(&self.settings.limits)),
            None => Ok(()),
        }
    }

    /// Says how many lines an ended invocation lost.
    pub fn close_log(&self, id: u64, budget: Option<&Budget>) {
        let dropped = budget.map_or(0, Budget::dropped);
        if dropped > 0 {
            let most = self.settings.limits.log_bytes;
            let text = format!("{dropped} more lines were dropped: an invocation may log {most} bytes");
            self.send_log(Log { level: LogLevel::Warn, text, invocation: id, dropped });
        }
    }

    /// Lines outside invocations are counted anew with each message from the host.
    pub fn renew_stray_budget(&self) {
        *self.stray.borrow_mut() = Budget::new(self.settings.limits.log_bytes);
    }

    /// An invocation has exceeded a limit, which it ends with whatever its handler does.
    pub fn breach(&self, number: u64, breach: Breach) -> Failure {
        self.with_invocation(number, |invocation| *invocation.breach.get_or_insert(breach));
        breach.failure(&self.settings.limits)
    }

    fn send_log(&self, log: Log) {
        // A function that is only being prepared has no isolate that the host could tell its lines from.
        if self.settings.channel == 0 {
            return;
        }
        self.outbox.send_control(Kind::Log, self.settings.channel, &log);
    }
}
