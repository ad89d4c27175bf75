//! Native code that runs for invocations beside their isolate's thread: cryptography.
//!
//! All that an isolate leaves to other threads goes to a single one, job by job in the order in which it was asked for, so
//! that its CPU time can be charged to the invocation that wants it. Nothing can interrupt a job. The watchdog ends the
//! whole worker when the jobs of one invocation run far beyond its limit.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::arena::{Arena, Breach};
use super::clock::CpuClock;
use super::context::running;
use super::limits::Guard;

#[derive(Debug, Default)]
pub struct Native {
    state: Mutex<State>,
    tickets: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Of the thread, while there is one.
    clock: Option<CpuClock>,
    /// CPU time of the threads that have ended.
    ended_ns: u64,
    /// Those that have not ended; the first one runs.
    jobs: VecDeque<Job>,
    /// The thread's CPU time when the first job's turn came.
    turn_ns: u64,
    /// What the jobs in a row have spent that were all for the invocation of the last one.
    row: Option<(u64, u64)>,
}

#[derive(Debug)]
struct Job {
    ticket: u64,
    /// The number of the invocation that wants it.
    owner: u64,
    /// Its id, for the host.
    id: u64,
}

/// The jobs of one invocation, as the watchdog sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    pub id: u64,
    /// CPU time of its jobs in a row, up to now.
    pub spent_ns: u64,
}

impl State {
    fn total_ns(&self) -> u64 {
        self.ended_ns + self.clock.map_or(0, CpuClock::read_ns)
    }

    /// What the jobs of `owner` that come just before its next one have spent.
    fn row_of(&self, owner: u64) -> u64 {
        self.row.filter(|(of, _)| *of == owner).map_or(0, |(_, spent)| spent)
    }
}

impl Native {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A runtime for the calling thread, with one more thread for native code.
    pub fn runtime(self: &Arc<Native>) -> std::io::Result<tokio::runtime::Runtime> {
        let (start, stop) = (self.clone(), self.clone());
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(1)
            .on_thread_start(move || start.lock().clock = Some(CpuClock::own()))
            .on_thread_stop(move || {
                let mut state = stop.lock();
                state.ended_ns = state.total_ns();
                state.clock = None;
            })
            .build()
    }

    /// Waits until all jobs that were handed over have ended, though nobody wants them any more. An isolate that went
    /// without would leave its thread behind, unseen by the watchdog, and the next one would bring another.
    pub async fn outlast(&self) {
        if self.busy().is_some() {
            // There is one thread, so this comes behind all others.
            let _ = tokio::task::spawn_blocking(|| ()).await;
        }
    }

    fn begin(&self, owner: u64, id: u64) -> u64 {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed) + 1;
        let mut state = self.lock();
        if state.jobs.is_empty() {
            state.turn_ns = state.total_ns();
        }
        state.jobs.push_back(Job { ticket, owner, id });
        ticket
    }

    /// A job has ended; says for whom it was and what it has spent. One that was not the first has used no thread.
    fn end(&self, ticket: u64) -> Option<(u64, u64)> {
        let mut state = self.lock();
        let at = state.jobs.iter().position(|job| job.ticket == ticket)?;
        let job = state.jobs.remove(at)?;
        if at > 0 {
            return Some((job.owner, 0));
        }
        let now = state.total_ns();
        let spent = now.saturating_sub(state.turn_ns);
        state.row = Some((job.owner, state.row_of(job.owner) + spent));
        state.turn_ns = now;
        Some((job.owner, spent))
    }

    /// The job that is running.
    pub fn busy(&self) -> Option<Busy> {
        let state = self.lock();
        let job = state.jobs.front()?;
        let spent = state.total_ns().saturating_sub(state.turn_ns);
        Some(Busy { id: job.id, spent_ns: state.row_of(job.owner) + spent })
    }
}

/// A job is handed over for the invocation whose code is running; returns what [`op_native_end`] takes.
#[op2(fast)]
pub fn op_native_begin(scope: &mut v8::PinScope<'_, '_>, state: &OpState) -> f64 {
    let owner = running(scope);
    let id = Arena::of(state).with_invocation(owner, |invocation| invocation.id).unwrap_or(0);
    state.borrow::<Arc<Guard>>().native().begin(owner, id) as f64
}

/// The job has ended. Throws if its invocation has spent more than it may.
#[op2(fast)]
pub fn op_native_end(state: &OpState, ticket: f64) -> Result<(), JsErrorBox> {
    let guard = state.borrow::<Arc<Guard>>();
    let Some((owner, spent)) = guard.native().end(ticket as u64) else { return Ok(()) };
    let arena = Arena::of(state);
    let charged = arena.with_invocation(owner, |invocation| {
        invocation.spent_ns += spent;
        invocation.spent_ns
    });
    match charged {
        Some(all) if all > guard.cpu_limit_ns() => {
            Err(JsErrorBox::range_error(arena.breach(owner, Breach::Cpu).message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin(ms: u64) {
        let clock = CpuClock::own();
        let from = clock.read_ns();
        while clock.read_ns() - from < ms * 1_000_000 {}
    }

    #[test]
    fn jobs_are_charged_to_those_who_want_them_and_counted_in_a_row() {
        let native = Arc::new(Native::default());
        let runtime = native.runtime().unwrap();
        let run = |ms| runtime.block_on(runtime.handle().spawn_blocking(move || spin(ms))).unwrap();
        assert_eq!(native.busy(), None);
        let first = native.begin(1, 11);
        let (second, third) = (native.begin(1, 11), native.begin(2, 22));
        run(20);
        let busy = native.busy().unwrap();
        assert!(busy.id == 11 && busy.spent_ns >= 20_000_000, "{busy:?}");
        let (owner, spent) = native.end(first).unwrap();
        assert!(owner == 1 && spent >= 20_000_000, "{spent}");
        run(30);
        assert!(native.busy().unwrap().spent_ns >= 50_000_000, "both belong to one invocation");
        assert!(native.end(second).unwrap().1 >= 30_000_000);
        let busy = native.busy().unwrap();
        assert!(busy.id == 22 && busy.spent_ns < 20_000_000, "{busy:?}");
        assert_eq!(native.end(third).unwrap().0, 2);
        assert_eq!((native.end(third), native.busy()), (None, None));
    }
}
