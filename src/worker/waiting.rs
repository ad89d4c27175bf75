//! Invocations that wait for their promises: how they go on, run out of time, and who is blamed for what they do.

use deno_core::v8;

use super::clock;
use super::invoke::{Doomed, Flight, Invoker, held, limit_failure};
use super::limits::Limit;

impl Invoker {
    /// Settles the invocations whose promises have settled.
    pub fn collect_woken(&mut self, scope: &mut v8::PinScope<'_, '_>) -> Result<(), Doomed> {
        let woken = std::mem::take(&mut *self.arena.woken.borrow_mut());
        for number in woken {
            let Some(pending) = self.pending.remove(&number) else { continue };
            v8::scope!(let scope, scope);
            v8::tc_scope!(let scope, scope);
            let promise = v8::Local::new(scope, &pending.promise);
            let begun_ns = clock::now_ns();
            self.guard.resume(pending.flight.started_ns, self.charges.spent(number));
            let ended = self.promised(scope, pending.flight, promise);
            scope.perform_microtask_checkpoint();
            let stopped = self.guard.end();
            let now = clock::now_ns();
            if let Some(limit) = stopped {
                self.settle_whole(pending.flight, &limit_failure(limit, &self.arena), now);
                return Err(Doomed(limit));
            }
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
            let invocation = self.settle_whole(pending.flight, &limit_failure(Limit::Wall, &self.arena), now);
            if invocation.cleanup {
                self.guard.begin(clock::now_ns());
                self.glue.abort(scope, number);
                scope.perform_microtask_checkpoint();
                self.guard.end().map_or(Ok(()), |limit| Err(Doomed(limit)))?;
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

    /// The id of the waiting invocation that began first, zero if none waits.
    pub fn oldest(&self) -> u64 {
        self.pending.iter().min_by_key(|(number, _)| **number).map_or(0, |(_, pending)| pending.flight.id)
    }

    /// Settles a waiting invocation that a limit struck in the event loop.
    pub fn condemn(&mut self, number: u64, limit: Limit) {
        if let Some(pending) = self.pending.remove(&number) {
            self.settle_whole(pending.flight, &limit_failure(limit, &self.arena), clock::now_ns());
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
