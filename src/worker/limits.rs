//! The limits of what an isolate runs, and how it is stopped.
//!
//! An isolate announces each stretch of JavaScript with two atomic operations and no system call. The [`watchdog`] stops a
//! stretch by exchanging the very word that announced it, so a stop that comes too late finds another word and never hits
//! the next invocation. CPU time is the invocation's, over all its stretches: what it spent in earlier ones is announced
//! with each.

mod watchdog;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deno_core::v8::IsolateHandle;

use super::clock::CpuClock;
use super::memory::Account;
use super::native::Native;
use super::struck;
use crate::outcome::Outcome;

pub use watchdog::{start, watch};

const NOTHING: u64 = 0;
/// Between these two: stopped by the limit of that number.
const RUNNING: u64 = 7;
const STATE: u64 = 7;
const STEP: u64 = 8;

/// Which limit ended an isolate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Limit {
    Cpu = 1,
    Wall = 2,
    Memory = 3,
}

impl Limit {
    pub fn outcome(self) -> Outcome {
        match self {
            Limit::Cpu => Outcome::CpuLimit,
            Limit::Wall => Outcome::WallLimit,
            Limit::Memory => Outcome::MemoryLimit,
        }
    }

    /// The limit that stopped a stretch, by the word's state.
    fn of(word: u64) -> Option<Limit> {
        [Limit::Cpu, Limit::Wall, Limit::Memory].into_iter().find(|limit| *limit as u64 == word & STATE)
    }
}

/// What the watchdog knows of one isolate.
pub struct Guard {
    /// A count of stretches, times eight, plus the state of the latest one.
    word: AtomicU64,
    /// When the invocation began whose stretch it is.
    started_ns: AtomicU64,
    /// CPU time that it spent in earlier stretches.
    spent_ns: AtomicU64,
    /// The stretch is a turn of the event loop, in which the code of several invocations may run.
    shared: AtomicBool,
    /// Turns of the event loop are to come.
    waited_for: AtomicBool,
    /// The isolate's thread has been asked to look what is running, and has not looked yet.
    pub(super) asked: AtomicBool,
    cpu_limit_ns: AtomicU64,
    wall_limit_ns: AtomicU64,
    cpu: CpuClock,
    memory: Arc<Account>,
    native: Arc<Native>,
    handle: OnceLock<IsolateHandle>,
    blame: OnceLock<Blame>,
}

/// Writes down the id of the invocation that the end of the process is to be blamed on.
type Blame = Box<dyn Fn(u64) + Send + Sync>;

impl Guard {
    /// A guard for an isolate on the calling thread.
    pub fn new(memory: Arc<Account>, native: Arc<Native>) -> Arc<Guard> {
        Arc::new(Guard {
            word: AtomicU64::new(NOTHING),
            started_ns: AtomicU64::new(0),
            spent_ns: AtomicU64::new(0),
            shared: AtomicBool::new(false),
            waited_for: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            cpu_limit_ns: AtomicU64::new(u64::MAX),
            wall_limit_ns: AtomicU64::new(u64::MAX),
            cpu: CpuClock::own(),
            memory,
            native,
            handle: OnceLock::new(),
            blame: OnceLock::new(),
        })
    }

    /// Tells how to stop the isolate, once it exists.
    pub fn attach(&self, handle: IsolateHandle) {
        let _ = self.handle.set(handle);
    }

    /// What the isolate holds outside its heap.
    pub fn memory(&self) -> &Arc<Account> {
        &self.memory
    }

    /// What runs for the isolate's invocations beside its thread.
    pub fn native(&self) -> &Native {
        &self.native
    }

    pub fn set_blame(&self, blame: impl Fn(u64) + Send + Sync + 'static) {
        let _ = self.blame.set(Box::new(blame));
    }

    pub fn cpu(&self) -> CpuClock {
        self.cpu
    }

    pub fn cpu_limit_ns(&self) -> u64 {
        self.cpu_limit_ns.load(Ordering::Relaxed)
    }

    /// Limits for the stretches to come.
    pub fn set_limits(&self, cpu: Duration, wall: Duration) {
        self.cpu_limit_ns.store(cpu.as_nanos() as u64, Ordering::Relaxed);
        self.wall_limit_ns.store(wall.as_nanos() as u64, Ordering::Relaxed);
    }

    /// The first stretch of an invocation begins. Only the isolate's own thread may call this.
    pub fn begin(&self, now_ns: u64) {
        self.resume(now_ns, 0);
    }

    /// A stretch of an invocation begins that began earlier and has spent CPU time since.
    pub fn resume(&self, started_ns: u64, spent_ns: u64) {
        let word = self.word.load(Ordering::Relaxed);
        self.started_ns.store(started_ns, Ordering::Relaxed);
        self.spent_ns.store(spent_ns, Ordering::Relaxed);
        self.word.store((word & !STATE) + STEP + RUNNING, Ordering::Release);
        watchdog::wake();
    }

    /// A turn of the event loop begins.
    pub fn begin_shared(&self, now_ns: u64) {
        self.shared.store(true, Ordering::Relaxed);
        self.begin(now_ns);
    }

    /// Says whether invocations wait, so that turns of the event loop are to come. What these take is divided among their
    /// invocations by looking whose code runs, which is fair only if it is looked often.
    pub fn expect_turns(&self, expected: bool) {
        self.waited_for.store(expected, Ordering::Relaxed);
    }

    /// The turn has ended; says whether it was stopped.
    pub fn end_shared(&self) -> Option<Limit> {
        self.shared.store(false, Ordering::Relaxed);
        self.end()
    }

    /// The stretch has ended; says whether it was stopped.
    pub fn end(&self) -> Option<Limit> {
        let word = self.word.load(Ordering::Relaxed) & !STATE;
        let before = self.word.swap(word | NOTHING, Ordering::AcqRel);
        Limit::of(before)
    }

    /// Stops the stretch that `word` announced, if it is still running.
    fn stop(&self, word: u64, limit: Limit) {
        let stopped = (word & !STATE) | limit as u64;
        let running = word & STATE == RUNNING;
        if running
            && self.word.compare_exchange(word, stopped, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            && let Some(handle) = self.handle.get()
        {
            struck::stop(handle);
        }
    }

    /// Stops what is running on the calling thread, whatever it is.
    pub fn stop_now(&self, limit: Limit) {
        let word = self.word.load(Ordering::Relaxed);
        if word & STATE == RUNNING {
            let stopped = (word & !STATE) | limit as u64;
            let _ = self.word.compare_exchange(word, stopped, Ordering::AcqRel, Ordering::Relaxed);
        }
        self.terminate();
    }

    fn terminate(&self) {
        if let Some(handle) = self.handle.get() {
            handle.terminate_execution();
        }
    }

    /// The isolate is about to exceed its memory. Called on its own thread.
    pub fn stop_for_memory(&self) {
        // What is in the middle of something gets what it asks for, because much of V8 aborts otherwise.
        self.memory.grant();
        let word = self.word.load(Ordering::Relaxed);
        if word & STATE == NOTHING {
            self.terminate();
        } else {
            self.stop(word, Limit::Memory);
        }
    }

    /// Has the isolate's thread look what is running and what it holds, as soon as its code can be interrupted.
    fn ask(&self) {
        if let Some(handle) = self.handle.get()
            && !self.asked.swap(true, Ordering::Relaxed)
        {
            struck::glance(handle);
        }
    }

    /// How long ago the invocation began whose stretch it is.
    fn ran_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.started_ns.load(Ordering::Relaxed))
    }
}
