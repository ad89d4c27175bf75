//! Bounds what waits for a function's subscription. A worker that its function has taken over keeps no limit by itself:
//! of what it logs too much is dropped and counted, and with what it has settled it has to wait, before either takes memory
//! or time of its host.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::pool::IsolateEvent;
use crate::protocol::control::Log;

/// Bytes of lines that wait to be written; a single larger one passes if nothing waits.
const MOST_WAITING: usize = 4 << 20;
/// Bytes of lines that pass in a second, in the long run and at once.
const RATE: f64 = (2 << 20) as f64;
const BURST: f64 = (8 << 20) as f64;
/// What each line counts beside its text.
const LINE: usize = 128;
/// Bytes of what has settled that wait for the subscription; a single larger message passes if nothing waits.
const MOST_SETTLED: usize = 64 << 20;
/// What each such message counts beside its body.
const MESSAGE: usize = 128;

#[derive(Debug)]
pub struct Gate {
    waiting: AtomicUsize,
    /// Lines dropped since the last that passed.
    dropped: AtomicU64,
    bucket: Mutex<Bucket>,
    settled: Mutex<Settled>,
    /// Wakes those that wait with what has settled.
    room: Condvar,
}

#[derive(Debug, Default)]
struct Settled {
    waiting: usize,
    /// Nobody takes anything out any more.
    open: bool,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Instant,
}

impl Bucket {
    fn is_empty(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * RATE;
        self.left = (self.left + gained).min(BURST);
        self.filled = now;
        self.left <= 0.0
    }

    /// A line may overdraw it, so that one larger than the burst passes too.
    fn take(&mut self, cost: usize) {
        self.left -= cost as f64;
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate {
            waiting: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            bucket: Mutex::new(Bucket { left: BURST, filled: Instant::now() }),
            settled: Mutex::default(),
            room: Condvar::new(),
        }
    }
}

fn cost(log: &Log) -> usize {
    log.text.len() + LINE
}

impl Gate {
    /// Whether an event may wait for its subscription; what may not is gone. Returns only when there is room for it.
    ///
    /// The reader of one worker waits here, and with it all functions that have isolates there. That ends, because no
    /// subscription ever waits for a worker.
    pub fn admit(&self, event: &mut IsolateEvent) -> bool {
        match event {
            IsolateEvent::Log(log) => self.admit_log(log, Instant::now()),
            IsolateEvent::Settled(body) => {
                self.admit_settled(body.len() + MESSAGE);
                true
            }
            // One of each for an isolate.
            IsolateEvent::Loaded(_) | IsolateEvent::Unloaded(_) | IsolateEvent::Died(_) => true,
        }
    }

    fn admit_settled(&self, cost: usize) {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |now: &mut Settled| !now.open && now.waiting > 0 && now.waiting + cost > MOST_SETTLED;
        let mut settled = self.room.wait_while(settled, full).unwrap_or_else(PoisonError::into_inner);
        settled.waiting += cost;
    }

    /// From now on nobody has to wait.
    pub fn open(&self) {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        self.room.notify_all();
    }

    fn admit_log(&self, log: &mut Log, now: Instant) -> bool {
        let cost = cost(log);
        let room = |waiting: usize| (waiting == 0 || waiting + cost <= MOST_WAITING).then_some(waiting + cost);
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if bucket.is_empty(now) || self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            // What the worker says it dropped itself is part of it.
            let lost = log.dropped.saturating_add(1).min(u64::from(u32::MAX));
            self.dropped.fetch_add(lost, Ordering::Relaxed);
            return false;
        }
        bucket.take(cost);
        log.dropped = log.dropped.saturating_add(self.dropped.swap(0, Ordering::Relaxed));
        true
    }

    /// An event that was admitted waits no longer.
    pub fn release(&self, event: &IsolateEvent) {
        match event {
            IsolateEvent::Log(log) => _ = self.waiting.fetch_sub(cost(log), Ordering::Relaxed),
            IsolateEvent::Settled(body) => {
                self.settled.lock().unwrap_or_else(PoisonError::into_inner).waiting -= body.len() + MESSAGE;
                self.room.notify_all();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::control::LogLevel;

    fn log(len: usize) -> Log {
        Log { level: LogLevel::Info, text: "x".repeat(len), invocation: 0, dropped: 0 }
    }

    #[test]
    fn lines_that_nobody_takes_out_wait_only_up_to_a_bound_and_the_rest_is_counted() {
        let gate = Gate::default();
        let now = Instant::now();
        let passed = (0..10_000).filter(|_| gate.admit_log(&mut log(10_000), now)).count();
        assert_eq!(passed, MOST_WAITING / (10_000 + LINE));
        gate.release(&IsolateEvent::Log(log(10_000)));
        let mut next = log(100);
        assert!(gate.admit_log(&mut next, now));
        assert_eq!(next.dropped, 10_000 - passed as u64);
    }

    #[test]
    fn lines_that_are_taken_out_at_once_pass_at_a_rate() {
        let gate = Gate::default();
        let begun = Instant::now();
        let mut passed = 0;
        for tick in 0..10_000 {
            let mut line = log(10_000);
            if gate.admit_log(&mut line, begun + Duration::from_millis(tick)) {
                passed += line.text.len();
                gate.release(&IsolateEvent::Log(line));
            }
        }
        let most = (BURST + 10.0 * RATE) as usize;
        assert!(passed <= most && passed > most / 2, "{passed} of {most}");
    }

    #[test]
    fn a_line_larger_than_all_bounds_passes_alone() {
        let gate = Gate::default();
        assert!(gate.admit_log(&mut log(20 << 20), Instant::now()));
        assert!(!gate.admit_log(&mut log(1), Instant::now()));
    }
}
