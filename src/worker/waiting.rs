//! Invocations that wait for their promises: how they go on, run out of time, and who is blamed for what they do.

use deno_core::v8;

use super::clock;
use super::invoke::{Doomed, Flight, Invoker, held, limit_failure};
use super::limits::Limit;
use super::struck;
use crate::protocol::words::SOMETHING;

impl Invoker {
    /// Settles the invocations whose promises have settled.
    pub fn collect_woken(&mut self, scope: &mut v8::PinScope<'_, '_>) -> Result<(), Doomed> {
        let woken = std::mem::take(&mut *self.arena.woken.borrow_mut());
        for number in woken {
            let Some(pending) = self.pending.remove(&number) else { continue };
            v8::scope!(let scope, scope);
            v8::tc_scope!(let scope, scope);
            let promise = v8::Local::new(scope, &pending.promise);
            self.announce(pending.flight.id);
            let begun_ns = clock::now_ns();
            self.guard.resume(pending.flight.started_ns, self.charges.spent(number));
            let ended = self.promised(scope, pending.flight, promise);
            scope.perform_microtask_checkpoint();
            let stopped = self.guard.end();
            let now = clock::now_ns();
            if let Some(limit) = stopped {
                return Err(self.stopped_in(pending.flight, limit, now));
            }
            self.announce(0);
            match ended {
                Some(ended) => self.settle(scope, pending.flight, ended, now),
                None => {
                    self.charges.charge(number, now.saturating_sub(begun_ns));
                    self.pending.insert(number, pending);
                }
            }
            if self.report.is_due(now) {
                self.report.flush(held(scope));
                self.weigh(scope)?;
            }
        }
        Ok(())
    }

    /// Settles the invocations whose time is up while they wait.
    pub fn expire(&mut self, scope: &mut v8::PinScope<'_, '_>) -> Result<(), Doomed> {
        let now = clock::now_ns();
        let mut late: Vec<u64> =
            self.pending.iter().filter(|(_, pending)| pending.deadline_ns <= now).map(|(number, _)| *number).collect();
        late.sort_unstable();
        for number in late {
            let Some(pending) = self.pending.remove(&number) else { continue };
            let invocation =
                self.settle_whole(pending.flight, &limit_failure(Limit::Wall, &self.arena.settings.limits), now);
            if invocation.cleanup {
                self.announce(SOMETHING);
                self.guard.begin(clock::now_ns());
                self.glue.abort(scope, number);
                scope.perform_microtask_checkpoint();
                self.guard.end().map_or(Ok(()), |limit| Err(Doomed(limit)))?;
                self.announce(0);
            }
        }
        Ok(())
    }

    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.pending.values().map(|pending| pending.deadline_ns).min()
    }

    /// The waiting invocation that is blamed for what happens in the event loop: the one whose code runs. What an ended
    /// invocation left behind is nobody's; only if none has ended yet the oldest is blamed, so that running all of them
    /// again and again comes to an end.
    pub fn suspect(&self, running: u64) -> Option<u64> {
        let oldest = || self.pending.iter().filter(|_| !self.settled).min_by_key(|(number, _)| **number);
        let found = self.pending.get_key_value(&running).or_else(oldest);
        found.map(|(number, _)| *number)
    }

    /// What the event loop runs, as far as it can be said before: the code of the only one that waits, or of any.
    pub fn waiting_word(&self) -> u64 {
        let mut waiting = self.pending.values();
        match (waiting.next(), waiting.next()) {
            (Some(only), None) => only.flight.id,
            _ => SOMETHING,
        }
    }

    /// A limit has struck while this invocation was looked after, or what others had left to be done then. If it was the
    /// code of another, that one is settled, as far as it still waits, and this one is given back to run again.
    pub(super) fn stopped_in(&mut self, flight: Flight, limit: Limit, now: u64) -> Doomed {
        let struck = struck::number();
        if struck == 0 || flight.has(struck) {
            self.settle_whole(flight, &limit_failure(limit, &self.arena.settings.limits), now);
        } else {
            self.condemn(struck, limit);
            self.report.not_run(flight.id, flight.lane, now);
        }
        Doomed(limit)
    }

    /// Settles a waiting invocation that a limit struck in the event loop.
    pub fn condemn(&mut self, number: u64, limit: Limit) {
        if let Some(pending) = self.pending.remove(&number) {
            self.settle_whole(pending.flight, &limit_failure(limit, &self.arena.settings.limits), clock::now_ns());
        }
    }

    /// Gives back everything that has not settled, whether begun or not.
    pub fn surrender(&mut self) {
        let now = clock::now_ns();
        let mut begun: Vec<Flight> = self.pending.drain().map(|(_, pending)| pending.flight).collect();
        begun.sort_unstable_by_key(|flight| flight.number);
        for flight in begun {
            self.report.not_run(flight.id, flight.lane, now);
        }
        for (lane, work) in self.lanes.drain() {
            self.report.not_run(work.head.id, lane, now);
        }
    }
}
