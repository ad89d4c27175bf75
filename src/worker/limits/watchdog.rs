//! The watchdog: one thread per worker that looks at its isolates and stops those that run for too long.
//!
//! It looks every few milliseconds, less often while all stretches are short, since each look takes time from them. In a
//! stretch that several invocations share, such as a turn of the event loop, it has the isolate's thread look up whose
//! code is running ([`struck`](crate::worker::struck), [`charges`](crate::worker::charges)).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::{Guard, Limit, NOTHING, RUNNING, STATE};
use crate::worker::{clock, process};

const TICK: Duration = Duration::from_millis(2);
/// Between two looks while nothing runs for longer than a tick, and nothing is near its limit.
const CALM: Duration = Duration::from_millis(8);
const TICK_NS: u64 = TICK.as_nanos() as u64;
const CALM_NS: u64 = CALM.as_nanos() as u64;
/// How long the watchdog looks although nothing runs before it goes to sleep.
const IDLE: Duration = Duration::from_millis(200);

/// Looks at a stopped stretch until it is stopped without asking whose code it is; collecting garbage takes a while.
const PATIENT_LOOKS: u32 = 100;
/// How long a stretch runs that only one invocation has until its thread is asked what it holds.
const GLANCE_NS: u64 = 8_000_000;
/// CPU time that a stopped stretch may go on for, as for parsing a large text. Loops of the engine that never look
/// whether they are to stop go on for ever, so the process ends then, and is blamed on whose they are.
const STUBBORN_NS: u64 = 2_000_000_000;
/// The same where memory ran out: V8 collects a heap that has grown far beyond its limit.
const STUBBORN_FOR_MEMORY_NS: u64 = 4_000_000_000;

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

/// Something runs again.
pub(super) fn wake() {
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
    use crate::worker::memory::Account;
    use crate::worker::native::Native;

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
