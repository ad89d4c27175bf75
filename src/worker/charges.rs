//! Who pays for the CPU time of an isolate's thread.
//!
//! The stretch in which a handler is entered is its invocation's alone, and so is the one in which its result is written.
//! The turns of the event loop are shared: the watchdog has the thread look every few milliseconds whose code is running,
//! and that one is charged with all since somebody was found before, as kernels charge processes with their ticks. Those
//! whose promise settled in a turn have been found as well. Code that no live invocation owns, left behind by one that
//! has ended, has a small budget of its own.

use std::cell::Cell;
use std::rc::Rc;

use super::arena::Arena;
use super::clock::{self, CpuClock};
use super::limits::{Guard, Limit};

/// What nobody owns may use as much as one invocation in this time.
const STRAY_WINDOW_NS: u64 = 1_000_000_000;

pub struct Charges {
    arena: Rc<Arena>,
    cpu: CpuClock,
    limit_ns: Cell<u64>,
    wall_ns: Cell<u64>,
    /// The thread's CPU time up to which all has been charged.
    mark_ns: Cell<u64>,
    /// CPU time of earlier turns in which nobody was found.
    unclaimed_ns: Cell<u64>,
    /// A turn of the event loop is going on.
    shared: Cell<bool>,
    stray_ns: Cell<u64>,
    stray_since_ns: Cell<u64>,
}

impl Charges {
    pub fn new(arena: Rc<Arena>, guard: &Guard) -> Rc<Charges> {
        let limits = arena.settings.limits;
        Rc::new(Charges {
            arena,
            cpu: guard.cpu(),
            limit_ns: Cell::new(limits.cpu_ms.saturating_mul(1_000_000)),
            wall_ns: Cell::new(limits.wall_ms.saturating_mul(1_000_000)),
            mark_ns: Cell::new(0),
            unclaimed_ns: Cell::new(0),
            shared: Cell::new(false),
            stray_ns: Cell::new(0),
            stray_since_ns: Cell::new(0),
        })
    }

    /// CPU time since the last mark.
    fn since_mark(&self) -> u64 {
        let now = self.cpu.read_ns();
        now.saturating_sub(self.mark_ns.replace(now))
    }

    /// What an invocation has spent so far.
    pub fn spent(&self, number: u64) -> u64 {
        self.arena.with_invocation(number, |invocation| invocation.spent_ns).unwrap_or(0)
    }

    /// Charges an invocation for a stretch of its own that took so long, as its thread was never faster than time itself.
    pub fn charge(&self, number: u64, elapsed_ns: u64) {
        let spent = self.since_mark().min(elapsed_ns);
        self.arena.with_invocation(number, |invocation| invocation.spent_ns += spent);
    }

    pub fn begin_turn(&self) {
        self.since_mark();
        self.shared.set(true);
    }

    /// Charges those whose promise has settled with what no look has found; says whether what nobody owns has used up
    /// its budget.
    pub fn end_turn(&self, somebody_waits: bool) -> bool {
        self.shared.set(false);
        let rest = self.unclaimed_ns.take() + self.since_mark();
        let woken = self.arena.woken.borrow();
        if !somebody_waits {
            self.charge_stray(rest);
        } else if woken.is_empty() {
            self.unclaimed_ns.set(rest);
        }
        for number in woken.iter() {
            self.arena.with_invocation(*number, |invocation| invocation.spent_ns += rest / woken.len() as u64);
        }
        self.stray_ns.get() > self.limit_ns.get()
    }

    fn charge_stray(&self, spent: u64) {
        let now = clock::now_ns();
        if now.saturating_sub(self.stray_since_ns.get()) > STRAY_WINDOW_NS {
            self.stray_since_ns.set(now);
            self.stray_ns.set(0);
        }
        self.stray_ns.set(self.stray_ns.get() + spent);
    }

    /// The invocation `running` is at work, in the midst of a turn; says which limit it has reached.
    pub fn sample(&self, running: u64) -> Option<Limit> {
        if !self.shared.get() {
            return None;
        }
        let spent = self.unclaimed_ns.take() + self.since_mark();
        let now = clock::now_ns();
        let charged = self.arena.with_invocation(running, |invocation| {
            invocation.spent_ns += spent;
            (invocation.spent_ns, invocation.started_ns)
        });
        match charged {
            Some((spent, _)) if spent > self.limit_ns.get() => Some(Limit::Cpu),
            Some((_, started)) if now.saturating_sub(started) > self.wall_ns.get() => Some(Limit::Wall),
            Some(_) => None,
            None => {
                self.charge_stray(spent);
                (self.stray_ns.get() > self.limit_ns.get()).then_some(Limit::Cpu)
            }
        }
    }
}
