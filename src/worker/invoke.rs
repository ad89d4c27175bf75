//! Runs invocations: enters handlers, waits for their promises, and reports how each ended.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use deno_core::v8;

use super::arena::{Arena, Invocation, Live, Mark};
use super::arrivals::Work;
use super::charges::Charges;
use super::clock;
use super::context::{Excess, over_limit};
use super::failure::Failure;
use super::glue::Glue;
use super::lanes::{Arrival, Begun, Lanes, Size, Slot};
use super::limits::{Guard, Limit};
use super::memory;
use super::outcomes::{self, Ended, One};
use super::report::{Memory, Report, Verdict};
use crate::ids::IdMap;
use crate::outcome::{Outcome, RetryClass};
use crate::protocol::control::{Handler, Limits};
use crate::protocol::words::Words;

/// How long work that is ready keeps those waiting whose promises could go on.
const TURN_NS: u64 = 2_000_000;
/// What runs for longer is weighed at once.
const MOMENT_NS: u64 = 500_000;

/// The isolate cannot go on: a limit struck while its code was running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doomed(pub Limit);

/// What a host must never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdrawn {
    pub lane: u32,
}

/// Everything about running that is not V8's own.
pub struct Invoker {
    pub arena: Rc<Arena>,
    pub report: Report,
    pub guard: Arc<Guard>,
    pub charges: Rc<Charges>,
    pub glue: Glue,
    pub handler: Handler,
    pub stop_on_failure: bool,
    pub words: Arc<Words>,
    pub lanes: Lanes<Work>,
    pub pending: IdMap<u64, Pending>,
    pub scratch: Vec<u8>,
    /// Whether any invocation has ended since the isolate was loaded.
    pub settled: bool,
}

/// An invocation whose promise has not settled.
pub struct Pending {
    pub(super) flight: Flight,
    pub(super) promise: v8::Global<v8::Promise>,
    pub deadline_ns: u64,
}

/// An invocation that has been entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight {
    slot: Slot,
    pub(super) lane: u32,
    epoch: u32,
    pub(super) id: u64,
    pub(super) number: u64,
    records: u32,
    pub(super) started_ns: u64,
}

impl Flight {
    /// Whether a record's number is one of its own.
    pub(super) fn has(&self, number: u64) -> bool {
        (self.number..self.number + u64::from(self.records)).contains(&number)
    }
}

impl Invoker {
    /// Queues an invocation; its lane may have stopped, then it comes back as not run.
    pub fn arrive(&mut self, work: Work) -> Result<(), Overdrawn> {
        let (lane, epoch) = (work.head.lane, work.head.epoch);
        let size = Size { records: work.head.records, bytes: work.bytes };
        match self.lanes.arrive(lane, epoch, size, work) {
            Arrival::Queued => Ok(()),
            Arrival::NotRun(work) => {
                self.report.not_run(work.head.id, lane, clock::now_ns());
                Ok(())
            }
            Arrival::Overdrawn => Err(Overdrawn { lane }),
        }
    }

    /// Gives back what a lane has not begun.
    pub fn recall(&mut self, lane: u32, epoch: u32) {
        let now = clock::now_ns();
        for work in self.lanes.stop(lane, epoch) {
            self.report.not_run(work.head.id, lane, now);
        }
    }

    /// Enters everything whose turn it is, until nothing is left or `interrupted` says to look elsewhere.
    pub fn run_ready(
        &mut self,
        scope: &mut v8::PinScope<'_, '_>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<(), Doomed> {
        let call = v8::Local::new(scope, &self.glue.call);
        let mut now = clock::now_ns();
        let turn_ends_ns = now + TURN_NS;
        while let Some(begun) = self.lanes.begin() {
            now = self.enter(scope, call, begun, now)?;
            if self.report.is_due(now) {
                self.report.flush(held(scope));
                self.weigh(scope)?;
                now = clock::now_ns();
            }
            if interrupted() || (now > turn_ends_ns && !self.pending.is_empty()) {
                break;
            }
        }
        Ok(())
    }

    /// Runs one invocation up to its end or its first wait, and returns the time.
    fn enter(
        &mut self,
        scope: &mut v8::PinScope<'_, '_>,
        call: v8::Local<'_, v8::Function>,
        begun: Begun<Work>,
        started_ns: u64,
    ) -> Result<u64, Doomed> {
        v8::scope!(let scope, scope);
        v8::tc_scope!(let scope, scope);
        let Begun { slot, lane, epoch, work } = begun;
        let number = self.arena.begin(&work, started_ns);
        let (id, records) = (work.head.id, work.head.records);
        let flight = Flight { slot, lane, epoch, id, number, records, started_ns };
        self.announce(id);
        self.guard.begin(started_ns);

        let argument: v8::Local<'_, v8::Value> = v8::Number::new(scope, number as f64).into();
        scope.set_continuation_preserved_embedder_data(argument);
        let receiver = v8::undefined(scope).into();
        let returned = match self.handler {
            Handler::Record => call.call(scope, receiver, &[argument]),
            Handler::Batch => {
                let count = v8::Integer::new_from_unsigned(scope, records).into();
                call.call(scope, receiver, &[argument, count])
            }
        };
        let ended = match returned {
            None => thrown(scope),
            Some(value) => match value.try_cast::<v8::Promise>() {
                Err(_) => Some(self.encode(scope, flight, value, false)),
                Ok(promise) => {
                    if promise.state() == v8::PromiseState::Pending {
                        scope.perform_microtask_checkpoint();
                    }
                    let ended = self.promised(scope, flight, promise);
                    if ended.is_none() && !scope.is_execution_terminating() {
                        self.park(scope, flight, promise);
                    }
                    ended
                }
            },
        };
        // What the handler left behind, promise reactions that nobody waits for, is part of its invocation.
        scope.perform_microtask_checkpoint();
        let mut stopped = self.guard.end().or(scope.is_execution_terminating().then_some(Limit::Memory));
        let now = clock::now_ns();
        let elapsed = now.saturating_sub(started_ns);
        // Nothing large is made in a moment, and looking takes one.
        if stopped.is_none() && elapsed > MOMENT_NS && memory::is_over(scope, self.guard.memory()) {
            stopped = Some(Limit::Memory);
        }
        if let Some(limit) = stopped {
            self.pending.remove(&number);
            return Err(self.stopped_in(flight, limit, now));
        }
        if let Some(ended) = ended {
            self.settle(scope, flight, ended, now);
        } else {
            self.charges.charge(number, elapsed);
        }
        // Only now, so that whatever ends the process while this is written down has somebody to blame.
        self.announce(0);
        Ok(now)
    }

    /// Gives up an isolate that holds too much outside its heap, when no invocation is at work that could be blamed.
    pub fn weigh(&self, scope: &mut v8::PinScope<'_, '_>) -> Result<(), Doomed> {
        if memory::is_over(scope, self.guard.memory()) { Err(Doomed(Limit::Memory)) } else { Ok(()) }
    }

    /// Says in the shared memory what is running.
    pub fn announce(&self, id: u64) {
        self.words.word(self.arena.settings.channel).store(id, Ordering::Release);
    }

    /// How a promise ended; `None` while it is pending.
    pub(super) fn promised<'s>(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        flight: Flight,
        promise: v8::Local<'s, v8::Promise>,
    ) -> Option<Ended> {
        match promise.state() {
            v8::PromiseState::Pending => None,
            v8::PromiseState::Fulfilled => {
                let value = promise.result(scope);
                Some(self.encode(scope, flight, value, true))
            }
            v8::PromiseState::Rejected => {
                // Handlers tell the runtime that nobody need be told of this rejection.
                self.glue.watch(scope, promise, 0);
                let reason = promise.result(scope);
                Some(Ended::Whole(Failure::from_exception(scope, reason)))
            }
        }
    }

    fn encode<'s>(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        flight: Flight,
        value: v8::Local<'s, v8::Value>,
        promised: bool,
    ) -> Ended {
        let mut encoder =
            outcomes::Encoder { arena: &self.arena, glue: &self.glue, scratch: &mut self.scratch, promised };
        match self.handler {
            Handler::Record => Ended::One(encoder.record(scope, flight.number, value)),
            Handler::Batch => encoder.batch(scope, flight.number, flight.records, value),
        }
    }

    fn park<'s>(&mut self, scope: &mut v8::PinScope<'s, '_>, flight: Flight, promise: v8::Local<'s, v8::Promise>) {
        self.glue.watch(scope, promise, flight.number);
        let deadline_ns = flight.started_ns + self.arena.settings.limits.wall_ms * 1_000_000;
        let promise = v8::Global::new(scope, promise);
        self.pending.insert(flight.number, Pending { flight, promise, deadline_ns });
    }

    pub(super) fn settle(&mut self, scope: &mut v8::PinScope<'_, '_>, flight: Flight, ended: Ended, now: u64) {
        let wall = now.saturating_sub(flight.started_ns);
        let ended = match (ended, &self.handler) {
            // All records of a batch share one invocation, and its breach.
            (ended, Handler::Batch) => self.breach(flight.number).map_or(ended, Ended::Whole),
            (ended, Handler::Record) => ended,
        };
        let (invocation, failed) = match ended {
            Ended::Whole(failure) => {
                let invocation = self.settle_whole(flight, &failure, now);
                if invocation.cleanup {
                    self.glue.forget(scope, flight.number);
                }
                return;
            }
            Ended::One(one) => {
                self.report.each(flight.id, flight.lane, wall, 1, now);
                self.settle_one(flight.number, &one)
            }
            Ended::Many(all) => {
                self.report.each(flight.id, flight.lane, wall, flight.records, now);
                let mut first = Invocation::default();
                let mut worst = None;
                for (index, (one, results)) in all.into_iter().enumerate() {
                    self.scratch = results;
                    let (invocation, failed) = self.settle_one(flight.number + index as u64, &one);
                    if index == 0 {
                        first = invocation;
                    }
                    worst = harder(worst, failed);
                }
                (first, worst)
            }
        };
        if invocation.cleanup {
            self.glue.forget(scope, flight.number);
        }
        self.leave(flight, &invocation, failed.is_some_and(|outcome| self.is_stopping(outcome)), now);
    }

    fn breach(&self, number: u64) -> Option<Failure> {
        let breach = self.arena.with_invocation(number, |invocation| invocation.breach)??;
        Some(breach.failure(&self.arena.settings.limits))
    }

    /// Whether the host has to decide what comes next.
    fn is_stopping(&self, outcome: Outcome) -> bool {
        self.stop_on_failure || outcome.retry_class() != RetryClass::Never
    }

    /// Reports one record; what it returned lies in `scratch`.
    fn settle_one(&mut self, number: u64, one: &One) -> (Invocation, Option<Outcome>) {
        let Some(mut live) = self.arena.end(number) else { return (Invocation::default(), None) };
        // A breach comes before whatever the handler made of it.
        let breach = live.invocation.breach.map(|breach| breach.failure(&self.arena.settings.limits));
        let mark = match breach {
            Some(failure) => Some(Mark { failure, delay_ms: None }),
            None => live.mark.take(),
        };
        match (mark.as_ref(), one) {
            (Some(Mark { failure, delay_ms: Some(delay_ms) }), _) => {
                self.report.verdict(&Verdict::Later(failure, *delay_ms));
                (live.invocation, Some(failure.outcome))
            }
            (Some(Mark { failure, .. }), _) | (None, One::Failed(failure)) => {
                self.report.verdict(&Verdict::Failure(failure));
                (live.invocation, Some(failure.outcome))
            }
            (None, One::Returned(returned)) => {
                let count = live.count + u32::from(*returned);
                if let Some(excess) = self.excess(&live, count) {
                    let failure = over_limit(excess, &self.arena.settings.limits);
                    self.report.verdict(&Verdict::Failure(&failure));
                    return (live.invocation, Some(failure.outcome));
                }
                let results = match (live.results.is_empty(), returned) {
                    (true, true) => &self.scratch,
                    (_, false) => &live.results,
                    (false, true) => {
                        live.results.extend_from_slice(&self.scratch);
                        &live.results
                    }
                };
                self.report.verdict(&Verdict::Success { count, results });
                (live.invocation, None)
            }
        }
    }

    /// Whether a record's results exceed a limit after all: what a handler leaves behind may emit too.
    fn excess(&self, live: &Live, count: u32) -> Option<Excess> {
        let limits = &self.arena.settings.limits;
        if count > limits.results {
            return Some(Excess::Count);
        }
        let len = live.results.len() + live.kept.bytes + self.scratch.len();
        (len > limits.output_bytes as usize).then_some(Excess::Bytes)
    }

    pub(super) fn settle_whole(&mut self, flight: Flight, failure: &Failure, now: u64) -> Invocation {
        let first = self.arena.end(flight.number).map(|live| live.invocation).unwrap_or_default();
        let breach = first.breach.map(|breach| breach.failure(&self.arena.settings.limits));
        let failure = breach.as_ref().unwrap_or(failure);
        for number in flight.number + 1..flight.number + u64::from(flight.records) {
            self.arena.end(number);
        }
        self.report.whole(flight.id, flight.lane, now.saturating_sub(flight.started_ns), failure, now);
        // The host divides a batch that failed as a whole, whatever it failed of.
        self.leave(flight, &first, flight.records > 1 || self.is_stopping(failure.outcome), now);
        first
    }

    /// Frees the lane, or stops it if the host has to decide what comes next.
    fn leave(&mut self, flight: Flight, invocation: &Invocation, stop: bool, now: u64) {
        self.settled = true;
        self.arena.close_log(flight.id, invocation.log.as_ref());
        if invocation.fetches {
            self.arena.fetches.cancel_of(flight.number);
        }
        if stop {
            for work in self.lanes.stop(flight.lane, flight.epoch) {
                self.report.not_run(work.head.id, flight.lane, now);
            }
        }
        self.lanes.settled(flight.slot);
    }
}

/// Of two failures, the one that stops the lane.
fn harder(one: Option<Outcome>, other: Option<Outcome>) -> Option<Outcome> {
    match one {
        Some(outcome) if outcome.retry_class() != RetryClass::Never => one,
        _ => other.or(one),
    }
}

/// The exception that a call ended in; `None` when it was stopped from outside.
fn thrown(scope: &mut v8::PinnedRef<'_, v8::TryCatch<'_, '_, v8::HandleScope<'_>>>) -> Option<Ended> {
    if scope.has_terminated() {
        return None;
    }
    let exception = scope.exception()?;
    scope.reset();
    Some(Ended::Whole(Failure::from_exception(scope, exception)))
}

pub(super) fn limit_failure(limit: Limit, limits: &Limits) -> Failure {
    let message = match limit {
        Limit::Cpu => {
            format!("used more than {} ms of CPU time; `cpu` in [limits] sets how much it may use", limits.cpu_ms)
        }
        Limit::Wall => format!("took longer than {} ms; `wall` in [limits] sets how long it may take", limits.wall_ms),
        Limit::Memory => format!(
            "needed more memory than {} bytes of heap and {} bytes of buffers; `heap` and `external` in [limits] set how much it may use",
            limits.heap_bytes, limits.external_bytes
        ),
    };
    Failure::new(limit.outcome(), message)
}

/// What the isolate holds.
pub fn held(scope: &mut v8::PinScope<'_, '_>) -> Memory {
    let heap = scope.get_heap_statistics().used_heap_size();
    Memory { heap: heap as u64, external: memory::counted(scope) as u64 }
}

/// What runs from now on is nobody's, until it turns out whose it is.
pub fn forget_running(scope: &mut v8::PinScope<'_, '_>) {
    let nobody = v8::undefined(scope).into();
    scope.set_continuation_preserved_embedder_data(nobody);
}
