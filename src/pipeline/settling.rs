//! What becomes of the records of an invocation that has ended: results, retries, dead letters, standstills.

use std::time::{Duration, Instant};

use super::isolates::Version;
use super::lane::{Item, OutOfOrder};
use super::ledger::Seq;
use super::output::Output;
use super::partition::{Failed, Partition};
use super::retry::{self, Decision};
use super::sink::Sink;
use super::tickets::Ticket;
use super::withheld::Withheld;
use super::{dead_letter, result};
use crate::kafka::TopicPartition;
use crate::outcome::{Outcome, RetryClass};
use crate::protocol::kept::MOST_WRITTEN;
use crate::protocol::settled::{FailureView, Results, Verdict};
use crate::telemetry::FunctionMetrics;

/// How an invocation ended, for its records together or one by one.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    Whole(FailureView<'a>),
    Each(&'a [Verdict<'a>]),
}

/// What the loss of an isolate means for the records of one partition that were in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// They had nothing to do with it.
    None,
    /// This flight may be to blame.
    Suspect(u64),
    /// The first of each lane may be.
    SuspectFirst,
    /// Any of them may be.
    SuspectAll,
    /// This flight is to blame. It is proven if its worker held nothing of anybody else.
    Guilty { id: u64, proven: bool },
}

/// What settling needs from the subscription.
pub struct Settling<'a> {
    pub sink: &'a mut Sink,
    pub version: &'a Version,
    pub metrics: &'a FunctionMetrics,
    pub now: Instant,
    pub told: &'a mut Vec<(TopicPartition, Failed)>,
}

impl Settling<'_> {
    fn output(&self, topic: u16) -> Option<&Output> {
        self.version.outputs.get(usize::from(topic)).and_then(Option::as_ref)
    }

    pub fn tell(&mut self, at: &TopicPartition, failed: Failed) {
        self.told.push((at.clone(), failed));
    }
}

/// The worker said something that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Order(#[from] OutOfOrder),
    #[error("a result names output {0}, which the function does not have")]
    Topic(u16),
    #[error("an invocation of {records} records came back with {verdicts} verdicts")]
    Verdicts { records: usize, verdicts: usize },
    #[error("the results of a record, or of all in an invocation, exceed the limits that its worker holds it to")]
    Limits,
}

impl Partition {
    /// Takes an invocation's records out of the lane; what follows must deal with each of them.
    fn land(&mut self, id: u64, ran: bool) -> Result<Vec<Item>, OutOfOrder> {
        let mut items = std::mem::take(&mut self.landed);
        items.clear();
        if ran {
            self.lanes.land(id, &mut items)?
        } else {
            self.lanes.land_unrun(id, &mut items)?
        }
        Ok(items)
    }

    fn after_landing(&mut self, items: Vec<Item>, now: Instant) {
        self.moved_at = now;
        self.lanes.landed(&items);
        self.landed = items;
        if !self.lanes.is_flying() {
            self.recalled = false;
        }
    }

    /// The worker gave an invocation back without having begun it.
    pub fn not_run(&mut self, id: u64, now: Instant) -> Result<(), OutOfOrder> {
        let items = self.land(id, false)?;
        self.lanes.stop();
        items.iter().for_each(|item| self.lanes.give_back(item.unrun()));
        self.after_landing(items, now);
        Ok(())
    }

    /// An invocation ended. Nothing is changed unless all that the worker said can be.
    pub fn settle(&mut self, id: u64, ended: Ended<'_>, ran: &mut Settling<'_>) -> Result<(), SettleError> {
        self.check(id, ended, ran)?;
        self.release(ran);
        if self.stopped.is_some() {
            // The worker had gone on behind the record that the partition stands still at. It comes first.
            return self.not_run(id, ran.now).map_err(SettleError::from);
        }
        let items = self.land(id, true)?;
        for (place, item) in items.iter().enumerate() {
            if self.stopped.is_some() {
                self.lanes.give_back(*item);
                continue;
            }
            match ended {
                Ended::Whole(failure) if items.len() > 1 => self.divide(*item, place, items.len(), &failure),
                Ended::Whole(failure) => self.fail(*item, &failure, None, ran),
                // Whatever became of it, it ran too early: its key has to run in order.
                Ended::Each(_) if self.lanes.is_behind_its_key(item) => self.lanes.give_back(*item),
                Ended::Each(verdicts) => match &verdicts[place] {
                    Verdict::Success { outcome, results } => self.succeed(*item, *outcome, *results, ran),
                    Verdict::Failure(failure) => self.fail(*item, failure, None, ran),
                    Verdict::Later { failure, delay } => self.fail(*item, failure, Some(*delay), ran),
                },
            }
        }
        self.after_landing(items, ran.now);
        self.release(ran);
        Ok(())
    }

    fn check(&self, id: u64, ended: Ended<'_>, ran: &Settling<'_>) -> Result<(), SettleError> {
        let items = self.lanes.landing(id)?;
        let Ended::Each(verdicts) = ended else { return Ok(()) };
        if verdicts.len() != items.len() {
            return Err(SettleError::Verdicts { records: items.len(), verdicts: verdicts.len() });
        }
        let limits = &ran.version.program.manifest.limits;
        let mut kept = 0;
        for (verdict, item) in verdicts.iter().zip(items) {
            let Verdict::Success { results, .. } = verdict else { continue };
            if let Some(bad) = results.iter().find(|result| ran.output(result.topic).is_none()) {
                return Err(SettleError::Topic(bad.topic));
            }
            let Some(entry) = self.ledger.get(item.seq) else { continue };
            kept += result::kept(*results, &entry.record.message, limits).ok_or(SettleError::Limits)?;
            if kept > MOST_WRITTEN {
                return Err(SettleError::Limits);
            }
        }
        Ok(())
    }

    fn succeed(&mut self, item: Item, outcome: Outcome, results: Results<'_>, ran: &mut Settling<'_>) {
        let waits = self.waits(item.seq);
        let Some(entry) = self.ledger.get_mut(item.seq) else { return };
        entry.record.attempts = item.attempts + 1;
        let record = &entry.record.message;
        let version = ran.version;
        let refusal = |result| result::refused(&result, record, ran.output(result.topic)?);
        let refused = results.iter().find_map(refusal);
        // Kafka's limit is for what it stores, compressed. One result alone may be left to it to judge; of several,
        // none must leave if one cannot.
        let alone = refused.as_ref().is_some_and(|unfit| !unfit.certain) && results.len() == 1;
        if let (Some(unfit), false) = (&refused, alone) {
            // Running it again would give the same result, so it is not retried.
            let failure = FailureView { outcome: unfit.outcome, message: &unfit.message, stack: "" };
            return self.give_up(item, &failure, ran);
        }
        let outputs = results.iter().filter_map(|result| {
            let output = version.outputs.get(usize::from(result.topic))?.as_ref()?;
            Some((result, output))
        });
        if waits {
            let results = outputs.map(|(result, output)| result::keep(&result, record, output, alone)).collect();
            self.withheld.insert(item.seq, Withheld::Succeeded { outcome, results });
            return;
        }
        let ticket = Ticket::result(self.lanes.number(), item.seq);
        outputs.for_each(|(result, output)| result::write(ran.sink, ticket, &result, record, output, alone));
        (0..results.len()).for_each(|_| self.ledger.expect(item.seq));
        self.ledger.settle(item.seq);
        ran.metrics.settled(outcome, 1);
    }

    /// A batch failed as a whole. Whoever is at fault is found by dividing it; only a run alone counts against a record.
    fn divide(&mut self, item: Item, place: usize, together: usize, failure: &FailureView<'_>) {
        if place == 0 {
            tracing::debug!(partition = %self.at, together, error = %failure.message, "a batch failed and is divided");
        }
        self.lanes.stop();
        let alone = item.alone && failure.outcome == Outcome::Crashed;
        self.lanes.give_back(Item { group: part(place, together), alone, ..item });
    }

    /// A record's own run failed. `delay` is what the handler wants to have waited before the next.
    fn fail(&mut self, item: Item, failure: &FailureView<'_>, delay: Option<Duration>, ran: &mut Settling<'_>) {
        let retriable = failure.outcome.retry_class() != RetryClass::Never;
        if retriable || !ran.version.program.manifest.dead_letter.enabled {
            // The worker has stopped the lane as well, and gives back what is behind this record.
            self.lanes.stop();
        }
        let attempts = item.attempts + 1;
        let age = item.first_run.map_or(Duration::ZERO, |first| ran.now.saturating_duration_since(first));
        let policy = &ran.version.program.manifest.retry;
        let after = delay.unwrap_or_else(|| retry::pause(policy, attempts, fastrand::f64()));
        match retry::decide(policy, failure.outcome, attempts, age, after) {
            Decision::Retry { after } => {
                ran.metrics.records_retried.increment();
                ran.tell(&self.at, self.failed(item.seq, failure, false));
                self.lanes.block_until(&item, ran.now + after);
                let alone = item.alone && failure.outcome == Outcome::Crashed;
                self.lanes.give_back(Item { attempts, group: 1, alone, ..item });
            }
            Decision::GiveUp => self.give_up(item, failure, ran),
            Decision::TooOld => {
                let message = format!("kept failing for longer than max-age; at last: {}", failure.message);
                let failure = FailureView { outcome: Outcome::TooOld, message: &message, stack: failure.stack };
                self.give_up(item, &failure, ran);
            }
        }
    }

    /// The record failed for good: it becomes a dead letter, or the partition stops at it.
    fn give_up(&mut self, item: Item, failure: &FailureView<'_>, ran: &mut Settling<'_>) {
        let stopped = ran.version.dead_letter.is_none();
        let failed = self.failed(item.seq, failure, stopped);
        ran.tell(&self.at, failed.clone());
        if stopped {
            self.lanes.stop();
            self.lanes.give_back(item);
            self.stopped = Some(failed);
            return;
        }
        if self.waits(item.seq) {
            let (message, stack) = (failure.message.to_owned(), failure.stack.to_owned());
            let attempts = item.attempts + 1;
            let failed = Withheld::Failed { outcome: failure.outcome, message, stack, attempts };
            self.withheld.insert(item.seq, failed);
            return;
        }
        ran.metrics.settled(failure.outcome, 1);
        self.bury(item.seq, failure, item.attempts + 1, ran);
        self.ledger.settle(item.seq);
    }

    /// Writes the record's dead letter.
    pub(super) fn bury(&mut self, seq: Seq, failure: &FailureView<'_>, attempts: u32, ran: &mut Settling<'_>) {
        let (Some(entry), Some(output)) = (self.ledger.get_mut(seq), &ran.version.dead_letter) else { return };
        entry.record.buried = true;
        let failure = dead_letter::Failure {
            function: ran.version.program.name(),
            version: ran.version.program.version,
            outcome: failure.outcome,
            message: failure.message,
            stack: failure.stack,
            attempts,
        };
        let ticket = Ticket::dead_letter(self.lanes.number(), seq);
        dead_letter::write(ran.sink, ticket, &failure, &entry.record.message, output);
        self.ledger.expect(seq);
    }

    pub(super) fn failed(&self, seq: Seq, failure: &FailureView<'_>, stopped: bool) -> Failed {
        Failed {
            outcome: failure.outcome,
            message: failure.message.to_owned(),
            offset: self.ledger.get(seq).map_or(-1, |entry| entry.offset),
            stopped,
        }
    }

    /// Kafka will never take a result: its record becomes a dead letter after all, once, or the partition stops at it.
    pub fn refused(&mut self, ticket: Ticket, outcome: Outcome, reason: &str, ran: &mut Settling<'_>) {
        let failure = FailureView { outcome, message: reason, stack: "" };
        let stopped = ticket.dead_letter || ran.version.dead_letter.is_none();
        let failed = self.failed(ticket.seq, &failure, stopped);
        let Some(entry) = self.ledger.get_mut(ticket.seq) else { return };
        let (attempts, buried) = (entry.record.attempts, entry.record.buried);
        if stopped {
            let (seq, size) = (ticket.seq, entry.size);
            entry.record.buried = false;
            // The record stays unfinished, so that nothing behind it is committed, and runs again when the function
            // has changed.
            self.ledger.reopen(seq);
            if self.stopped.is_none() {
                self.held_back = Some(Item { group: 1, ..Item::new(seq, size) });
                self.stopped = Some(failed.clone());
            }
            ran.tell(&self.at, failed);
        } else if !buried {
            ran.metrics.failed(outcome).increment();
            ran.tell(&self.at, failed);
            self.bury(ticket.seq, &failure, attempts, ran);
        }
        self.ledger.acknowledge(ticket.seq);
    }

    /// The isolate is gone, for this reason. A record that is to blame counts a crash; all others run again as if they
    /// had not been sent.
    pub fn lost(&mut self, charge: Charge, how: &str, ran: &mut Settling<'_>) {
        let guilty = self.convict(charge, ran);
        let flights: Vec<u64> = self.lanes.flights().collect();
        for id in flights {
            let landed = if guilty == Some(id) {
                let message = format!("the worker process {how} while it ran this record");
                let failure = FailureView { outcome: Outcome::Crashed, message: &message, stack: "" };
                self.settle(id, Ended::Whole(failure), ran)
            } else {
                self.not_run(id, ran.now).map_err(SettleError::from)
            };
            debug_assert!(landed.is_ok(), "the lane itself named this flight");
        }
        self.bound = None;
    }

    /// Has those run alone that may be to blame. Returns the flight that counts a crash.
    fn convict(&mut self, charge: Charge, ran: &Settling<'_>) -> Option<u64> {
        match charge {
            Charge::None => {}
            Charge::Suspect(id) => self.lanes.single_out(Some(id)),
            Charge::SuspectFirst => self.lanes.single_out_first(),
            Charge::SuspectAll => self.lanes.single_out(None),
            Charge::Guilty { id, proven } => {
                self.lanes.single_out(Some(id));
                // The worker's word alone is not enough to give a record up.
                return (proven || self.runs_again(id, ran)).then_some(id);
            }
        }
        None
    }

    /// Whether this flight's records would run again after a crash.
    fn runs_again(&self, id: u64, ran: &Settling<'_>) -> bool {
        let Some((item, records)) = self.lanes.flight(id) else { return false };
        let age = item.first_run.map_or(Duration::ZERO, |first| ran.now.saturating_duration_since(first));
        let policy = &ran.version.program.manifest.retry;
        let attempts = item.attempts + 1;
        let decision = retry::decide(policy, Outcome::Crashed, attempts, age, retry::pause(policy, attempts, 1.0));
        records > 1 || matches!(decision, Decision::Retry { .. })
    }
}

/// How many records run together again with the one at `place` of a batch that failed: the first half of all, then half
/// of the rest, and so on. If the first half does well, who is at fault is in the rest, which need not fail once more to
/// show it.
fn part(place: usize, together: usize) -> u32 {
    let (mut end, mut left) = (0, together);
    loop {
        let size = left.div_ceil(2).max(1);
        end += size;
        left = left.saturating_sub(size);
        if place < end {
            return size as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_batch_that_failed_is_divided_into_ever_smaller_parts() {
        let parts = |together| (0..together).map(|place| part(place, together)).collect::<Vec<_>>();
        assert_eq!(parts(2), [1, 1]);
        assert_eq!(parts(3), [2, 2, 1]);
        assert_eq!(parts(10), [5, 5, 5, 5, 5, 3, 3, 3, 1, 1]);
    }
}
