//! The watchdog: one thread per worker that stops isolates which run for too long.
//!
//! An isolate announces each stretch of JavaScript with two atomic operations and no system call. The watchdog looks
//! every few milliseconds. It stops a stretch by exchanging the very word that announced it, so a stop that comes
//! too late finds another word and never hits the next invocation.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use deno_core::v8::IsolateHandle;

use super::clock::{self, CpuClock};
use super::struck;
use crate::outcome::Outcome;

const TICK: Duration = Duration::from_millis(2);
/// Idle looks in a row before the watchdog goes to sleep.
const IDLE_LOOKS: u32 = 100;

const IDLE: u64 = 0;
/// Between these two: stopped by the limit of that number.
const RUNNING: u64 = 7;
const STATE: u64 = 7;
const STEP: u64 = 8;

/// Looks at a stopped stretch until it is stopped without asking whose code it is; collecting garbage takes a while.
const PATIENT_LOOKS: u32 = 100;

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
    started_ns: AtomicU64,
    cpu_limit_ns: AtomicU64,
    wall_limit_ns: AtomicU64,
    cpu: CpuClock,
    handle: OnceLock<IsolateHandle>,
}

impl Guard {
    /// A guard for an isolate on the calling thread.
    pub fn new() -> Arc<Guard> {
        Arc::new(Guard {
            word: AtomicU64::new(IDLE),
            started_ns: AtomicU64::new(0),
            cpu_limit_ns: AtomicU64::new(u64::MAX),
            wall_limit_ns: AtomicU64::new(u64::MAX),
            cpu: CpuClock::own(),
            handle: OnceLock::new(),
        })
    }

    /// Tells how to stop the isolate, once it exists.
    pub fn attach(&self, handle: IsolateHandle) {
        let _ = self.handle.set(handle);
    }

    /// Limits for the stretches to come.
    pub fn set_limits(&self, cpu: Duration, wall: Duration) {
        self.cpu_limit_ns.store(cpu.as_nanos() as u64, Ordering::Relaxed);
        self.wall_limit_ns.store(wall.as_nanos() as u64, Ordering::Relaxed);
    }

    /// A stretch of JavaScript begins. Only the isolate's own thread may call this.
    pub fn begin(&self, now_ns: u64) {
        let word = self.word.load(Ordering::Relaxed);
        self.started_ns.store(now_ns, Ordering::Relaxed);
        self.word.store((word & !STATE) + STEP + RUNNING, Ordering::Release);
        wake();
    }

    /// The stretch has ended; says whether it was stopped.
    pub fn end(&self) -> Option<Limit> {
        let word = self.word.load(Ordering::Relaxed) & !STATE;
        let before = self.word.swap(word | IDLE, Ordering::AcqRel);
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

    fn terminate(&self) {
        if let Some(handle) = self.handle.get() {
            handle.terminate_execution();
        }
    }

    /// The isolate is about to exceed its heap. Called on its own thread.
    pub fn stop_for_memory(&self) {
        let word = self.word.load(Ordering::Relaxed);
        if word & STATE == IDLE {
            self.terminate();
        } else {
            self.stop(word, Limit::Memory);
        }
    }

    fn wall_exceeded(&self, now_ns: u64) -> bool {
        let ran = now_ns.saturating_sub(self.started_ns.load(Ordering::Relaxed));
        ran > self.wall_limit_ns.load(Ordering::Relaxed)
    }
}

/// A guard as the watchdog sees it: CPU time is counted from the first look at a stretch.
struct Watched {
    guard: Weak<Guard>,
    word: u64,
    cpu_at_first_look: u64,
    looks_since_stop: u32,
}

impl Watched {
    /// Looks once; says whether JavaScript was running.
    fn look(&mut self, guard: &Guard) -> bool {
        let word = guard.word.load(Ordering::Acquire);
        match word & STATE {
            RUNNING => {}
            IDLE => return false,
            // Code of the engine around a dynamic import can swallow a stop, so it is repeated until the stretch ends.
            _ => {
                self.looks_since_stop += 1;
                if self.looks_since_stop > PATIENT_LOOKS {
                    guard.terminate();
                }
                return true;
            }
        }
        let cpu = guard.cpu.read_ns();
        if word != self.word {
            self.word = word;
            self.looks_since_stop = 0;
            self.cpu_at_first_look = cpu;
        } else if cpu.saturating_sub(self.cpu_at_first_look) > guard.cpu_limit_ns.load(Ordering::Relaxed) {
            guard.stop(word, Limit::Cpu);
        } else if guard.wall_exceeded(clock::now_ns()) {
            guard.stop(word, Limit::Wall);
        }
        true
    }
}

static ASLEEP: AtomicBool = AtomicBool::new(false);
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
static BELL: Condvar = Condvar::new();

fn wake() {
    if ASLEEP.load(Ordering::SeqCst) && ASLEEP.swap(false, Ordering::SeqCst) {
        let _held = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        BELL.notify_one();
    }
}

/// Puts an isolate under the watchdog's eyes, for as long as the guard lives.
pub fn watch(guard: &Arc<Guard>) {
    let watched = Watched { guard: Arc::downgrade(guard), word: 0, cpu_at_first_look: 0, looks_since_stop: 0 };
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
}

/// Starts the watchdog; once per worker.
pub fn start() -> std::io::Result<()> {
    std::thread::Builder::new().name("watchdog".to_owned()).spawn(run).map(drop)
}

fn run() {
    let mut idle = 0;
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut running = false;
        watched.retain_mut(|watched| match watched.guard.upgrade() {
            Some(guard) => {
                running |= watched.look(&guard);
                true
            }
            None => false,
        });
        idle = if running { 0 } else { idle + 1 };
        let wait = if idle > IDLE_LOOKS {
            ASLEEP.store(true, Ordering::SeqCst);
            // A stretch may have begun before the flag was seen, so even the sleeper looks now and then.
            Duration::from_millis(500)
        } else {
            TICK
        };
        (watched, _) = BELL.wait_timeout(watched, wait).unwrap_or_else(PoisonError::into_inner);
        if idle > IDLE_LOOKS && !ASLEEP.swap(false, Ordering::SeqCst) {
            idle = 0;
        }
    }
}
