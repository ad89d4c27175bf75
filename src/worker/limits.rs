//! The watchdog: one thread per worker that stops isolates which run for too long.
//!
//! An isolate announces each stretch of JavaScript with two atomic operations and no system call. The watchdog looks
//! every few milliseconds, less often while all stretches are short, since each look takes time from them. It stops a
//! stretch by exchanging the very word that announced it, so a stop that comes too late finds another word and never hits
//! the next invocation.
//!
//! CPU time is the invocation's, over all its stretches: what it spent in earlier ones is announced with each. In a
//! stretch that several invocations share, such as a turn of the event loop, the watchdog has the isolate's thread look
//! up whose code is running ([`struck`](super::struck), [`charges`](super::charges)).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use deno_core::v8::IsolateHandle;

use super::clock::{self, CpuClock};
use super::memory::Account;
use super::native::Native;
use super::{process, struck};
use crate::outcome::Outcome;

const TICK: Duration = Duration::from_millis(2);
/// Between two looks while nothing runs for longer than a tick, and nothing is near its limit.
const CALM: Duration = Duration::from_millis(8);
const TICK_NS: u64 = TICK.as_nanos() as u64;
const CALM_NS: u64 = CALM.as_nanos() as u64;
/// How long the watchdog looks although nothing runs before it goes to sleep.
const IDLE: Duration = Duration::from_millis(200);

const NOTHING: u64 = 0;
/// Between these two: stopped by the limit of that number.
const RUNNING: u64 = 7;
const STATE: u64 = 7;
const STEP: u64 = 8;

/// Looks at a stopped stretch until it is stopped without asking whose code it is; collecting garbage takes a while.
const PATIENT_LOOKS: u32 = 100;
/// How long a stretch runs that only one invocation has until its thread is asked what it holds.
const GLANCE_NS: u64 = 8_000_000;
/// CPU time that a stopped stretch may go on for, as for parsing a large text. Loops of the engine that never look
/// whether they are to stop go on for ever, so the process ends then, and is blamed on whose they are.
const STUBBORN_NS: u64 = 2_000_000_000;
/// The same where memory ran out: V8 collects a heap that has grown far beyond its limit.
const STUBBORN_FOR_MEMORY_NS: u64 = 4_000_000_000;

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
        wake();
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

/// A guard as the watchdog sees it.
#[derive(Default)]
struct Watched {
    guard: Weak<Guard>,
    word: u64,
    /// The time and the thread's CPU time at the last look.
    looked_ns: u64,
    cpu_at_look: u64,
    /// The thread's CPU time when the stretch began, or somewhat later: at the first look, less what can only have been
    /// spent since it began.
    cpu_at_start: u64,
    cpu_at_stop: u64,
    looks_since_stop: u32,
    /// When the thread was last asked what it holds, or when the stretch began.
    glanced_ns: u64,
}

/// What a look has shown.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    running: bool,
    /// The next look must not be long in coming.
    close: bool,
}

impl Watched {
    /// Looks once.
    fn look(&mut self, guard: &Guard) -> Seen {
        let native = guard.native.busy();
        if let Some(busy) = native
            && busy.spent_ns > guard.cpu_limit_ns().saturating_add(STUBBORN_NS)
        {
            if let Some(blame) = guard.blame.get() {
                blame(busy.id);
            }
            process::fail("native code for an invocation does not end");
        }
        let seen = self.look_at_code(guard);
        if native.is_some() { Seen { running: true, close: true } } else { seen }
    }

    fn look_at_code(&mut self, guard: &Guard) -> Seen {
        let word = guard.word.load(Ordering::Acquire);
        match word & STATE {
            RUNNING => Seen { running: true, close: self.look_at_running(guard, word) },
            NOTHING => {
                self.looks_since_stop = 0;
                // What begins now is not seen before the next look.
                let close = guard.cpu_limit_ns() < 4 * CALM_NS || guard.waited_for.load(Ordering::Relaxed);
                Seen { running: false, close }
            }
            _ => {
                self.look_at_stopped(guard, word);
                Seen { running: true, close: true }
            }
        }
    }

    /// Code of the engine around a dynamic import can swallow a stop, so it is repeated until the stretch ends.
    fn look_at_stopped(&mut self, guard: &Guard, word: u64) {
        let cpu = guard.cpu.read_ns();
        if self.looks_since_stop == 0 {
            self.cpu_at_stop = cpu;
        }
        let most = match Limit::of(word) {
            Some(Limit::Memory) => STUBBORN_FOR_MEMORY_NS,
            _ => STUBBORN_NS,
        };
        if cpu.saturating_sub(self.cpu_at_stop) > most {
            process::fail("code that cannot be interrupted does not end");
        }
        self.looks_since_stop += 1;
        if self.looks_since_stop > PATIENT_LOOKS {
            guard.terminate();
        }
    }

    /// Says whether the next look must not be long in coming.
    fn look_at_running(&mut self, guard: &Guard, word: u64) -> bool {
        let (now, cpu) = (clock::now_ns(), guard.cpu.read_ns());
        let ran = guard.ran_ns(now);
        let (shared, earlier) = (guard.shared.load(Ordering::Relaxed), guard.spent_ns.load(Ordering::Relaxed));
        if word != self.word {
            self.word = word;
            self.looks_since_stop = 0;
            let (elapsed, spent) = (now - self.looked_ns, cpu.saturating_sub(self.cpu_at_look));
            // The first stretch of an invocation began with it. What was spent since the last look, and is more than the
            // time from there to that beginning, was its own.
            let own = if ran <= elapsed && earlier == 0 { spent.saturating_sub(elapsed - ran) } else { 0 };
            self.cpu_at_start = cpu - own;
            self.glanced_ns = now - ran.min(elapsed);
        }
        (self.looked_ns, self.cpu_at_look) = (now, cpu);
        let spent = cpu.saturating_sub(self.cpu_at_start) + earlier;
        let cpu_left = guard.cpu_limit_ns().saturating_sub(spent);
        let wall_left = guard.wall_limit_ns.load(Ordering::Relaxed).saturating_sub(ran);
        if cpu_left == 0 {
            guard.stop(word, Limit::Cpu);
        } else if wall_left == 0 {
            guard.stop(word, Limit::Wall);
        } else if shared || now - self.glanced_ns >= GLANCE_NS {
            self.glanced_ns = now;
            guard.ask();
        }
        let waited_for = guard.waited_for.load(Ordering::Relaxed);
        shared || waited_for || ran >= TICK_NS || cpu_left.min(wall_left) < 4 * CALM_NS
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
    let watched = Watched { guard: Arc::downgrade(guard), ..Watched::default() };
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
}

/// Starts the watchdog; once per worker.
pub fn start() -> std::io::Result<()> {
    std::thread::Builder::new().name("watchdog".to_owned()).spawn(run).map(drop)
}

fn run() {
    let mut idle = Duration::ZERO;
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut all = Seen::default();
        watched.retain_mut(|watched| match watched.guard.upgrade() {
            Some(guard) => {
                let seen = watched.look(&guard);
                all.running |= seen.running;
                all.close |= seen.close;
                true
            }
            None => false,
        });
        let tick = if all.close { TICK } else { CALM };
        idle = if all.running { Duration::ZERO } else { idle + tick };
        let wait = if idle > IDLE {
            ASLEEP.store(true, Ordering::SeqCst);
            // A stretch may have begun before the flag was seen, so even the sleeper looks now and then.
            Duration::from_millis(500)
        } else {
            tick
        };
        (watched, _) = BELL.wait_timeout(watched, wait).unwrap_or_else(PoisonError::into_inner);
        if idle > IDLE && !ASLEEP.swap(false, Ordering::SeqCst) {
            idle = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_at(guard: &Guard) -> Seen {
        Watched::default().look(guard)
    }

    #[test]
    fn it_looks_often_where_invocations_wait_or_little_time_is_left() {
        let guard = Guard::new(Account::new(1 << 20, 1 << 20), Arc::new(Native::default()));
        guard.set_limits(Duration::from_secs(1), Duration::from_secs(1));
        assert!(!looked_at(&guard).close && !looked_at(&guard).running, "nothing runs");
        guard.expect_turns(true);
        assert!(looked_at(&guard).close, "turns of the event loop are to come");
        guard.begin(clock::now_ns());
        assert!(looked_at(&guard).close, "they are to come behind this stretch");
        guard.expect_turns(false);
        assert!(looked_at(&guard).running && !looked_at(&guard).close, "it has only begun");
        guard.begin(clock::now_ns() - TICK_NS);
        assert!(looked_at(&guard).close, "it runs for longer");
        guard.begin(clock::now_ns());
        guard.set_limits(CALM, Duration::from_secs(1));
        assert!(looked_at(&guard).close, "its limit is near");
    }
}
