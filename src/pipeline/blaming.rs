//! Isolates that are gone: who is to blame, what becomes of the records, and what of a function that keeps doing it.

use std::time::{Duration, Instant};

use super::conduct::Step;
use super::isolates::Held;
use super::lane::Lane;
use super::lanes::Lanes;
use super::partition::Partition;
use super::settling::{Charge, Settling};
use super::subscription::{Paused, Subscription};
use crate::pool::{Cause, Death, Part};
use crate::protocol::words::Running;

/// How long a function that is paused may take to finish what is in flight.
const PAUSE: Duration = Duration::from_secs(10);

impl Subscription {
    /// The isolate ended by itself, in good order; its lanes go on in another.
    pub(super) fn unloaded(&mut self, tag: u64, reason: &str) {
        tracing::debug!(%reason, "an isolate ended and is replaced");
        if let Some(held) = self.isolates.gone(tag) {
            self.hand_out_again(&held, reason, |_| Charge::None);
        }
    }

    /// The isolate's worker is dead; its lanes go on in another.
    pub(super) fn died(&mut self, tag: u64, death: &Death) {
        let record = self.record_in(tag, death.running).unwrap_or_else(|| "none".to_owned());
        let Some(held) = self.isolates.gone(tag) else { return };
        // A worker where one record runs alone needs no words to say which.
        let part = if held.trial && death.part == Part::Suspect { Part::Culprit } else { death.part };
        let blame = match part {
            Part::None => "none",
            Part::Suspect => "suspect",
            Part::Culprit => "culprit",
        };
        tracing::warn!(
            pid = death.pid, how = %death.how, %record, blame,
            "the worker died; its unacknowledged records are handed out again"
        );
        let verdict = self.verdict(&held, part, death.running);
        if death.cause != Cause::Outside {
            self.hold_against(&held, part, verdict, death, &record);
        }
        self.hand_out_again(&held, &death.how, |lanes| verdict.charge(lanes, held.own_worker));
    }

    fn hand_out_again(&mut self, held: &Held, how: &str, charge: impl Fn(&Lanes) -> Charge) {
        let mut ran = Settling {
            sink: &mut self.sink,
            version: &held.version,
            metrics: &self.setup.metrics,
            now: Instant::now(),
            told: &mut self.told,
        };
        for partition in self.partitions.values_mut().filter(|partition| partition.bound == Some(held.tag)) {
            partition.lost(charge(&partition.lanes), how, &mut ran);
        }
    }

    /// Which of the records that were in the isolate are to blame.
    fn verdict(&self, held: &Held, part: Part, running: Running) -> Verdict {
        if part == Part::None {
            return Verdict::Nobody;
        }
        let mut bound = self.partitions.values().filter(|partition| partition.bound == Some(held.tag));
        // What the word says must be in flight there; anything else is a lie or has just landed.
        let named = match running {
            Running::Invocation(id) => bound.clone().any(|one| one.lanes.flight(id).is_some()).then_some(id),
            Running::Something | Running::Nothing => None,
        };
        let sole = || match (bound.next().map(sole_flight), bound.next()) {
            (Some(sole), None) => sole,
            _ => None,
        };
        match (part, named) {
            (Part::Culprit, named) => named.or_else(sole).map_or(Verdict::AnyFlight, Verdict::Guilty),
            (_, Some(id)) => Verdict::Suspect(id),
            (_, None) if running == Running::Something => Verdict::AnyFlight,
            (_, None) => Verdict::AnyHead,
        }
    }

    /// The record that an isolate was running, or, where it says nothing, the one that it has had for longest.
    fn record_in(&self, tag: u64, running: Running) -> Option<String> {
        let by_word = match running {
            Running::Invocation(id) => self.partition_of(id).and_then(|one| Some((one, one.offset_of(id)?))),
            Running::Something | Running::Nothing => None,
        };
        let oldest = || {
            let bound = self.partitions.values().filter(|partition| partition.bound == Some(tag));
            bound
                .filter_map(|partition| Some((partition, partition.oldest_flying()?)))
                .min_by_key(|(one, _)| one.moved_at)
        };
        by_word.or_else(oldest).map(|(partition, offset)| format!("{} offset {offset}", partition.at))
    }

    /// The partition that an invocation belongs to.
    fn partition_of(&self, id: u64) -> Option<&Partition> {
        self.partitions.get(&self.homes.of(Lane::of(id)))
    }

    /// Counts the death against the function, and keeps it away from others if that was too often.
    fn hold_against(&mut self, held: &Held, part: Part, verdict: Verdict, death: &Death, record: &str) {
        let now = Instant::now();
        let step = match part {
            Part::Culprit if self.counts(held, verdict) => {
                self.setup.metrics.crashed_workers.increment();
                self.conduct.crashed(now)
            }
            // Memory is held also by who has nothing to do.
            Part::Suspect if death.cause == Cause::Memory || self.is_flying(held) || !held.ready => {
                self.conduct.suspected(now)
            }
            _ => None,
        };
        let last = format!("at last: {}, record {record}", death.how);
        match step {
            None => {}
            Some(Step::Quarantine) => {
                self.quarantine(&format!("it has brought its worker down again and again ({last})"));
            }
            Some(Step::KeepApart) => self.quarantine(&format!(
                "it may not be to blame, but workers that it shared died again and again and nobody could be found \
                 guilty ({last})"
            )),
            Some(Step::Pause) => self.pause(&last),
        }
    }

    /// A batch is halved until the record is found, which is all one offence. What still ends in a worker that the
    /// function has left is not proven.
    fn counts(&self, held: &Held, verdict: Verdict) -> bool {
        let again = match verdict {
            Verdict::Guilty(id) => {
                let partition = self.partition_of(id);
                partition.and_then(|one| one.lanes.flight(id)).is_some_and(|(item, count)| item.alone && count > 1)
            }
            _ => false,
        };
        !again && (held.own_worker || !self.conduct.is_quarantined())
    }

    fn is_flying(&self, held: &Held) -> bool {
        self.partitions.values().any(|one| one.bound == Some(held.tag) && one.lanes.is_flying())
    }

    fn quarantine(&mut self, why: &str) {
        let minutes = self.setup.rules.window.as_secs().div_ceil(60);
        let reason = format!("{why}; it runs in a worker of its own until it has been calm for {minutes} min");
        tracing::warn!(%reason, "the function is in quarantine");
        self.isolates.quarantine(true);
        self.reporter.quarantined(Some(reason));
    }

    /// Lets the function back to the others when it has been calm.
    pub(super) fn release_if_calm(&mut self, now: Instant) {
        if self.conduct.release(now) {
            tracing::info!("the function has been calm and leaves its quarantine");
            self.isolates.quarantine(false);
            self.reporter.quarantined(None);
        }
    }

    /// Ends the subscription: what is in flight is finished, committed, and the group left.
    fn pause(&mut self, last: &str) {
        if self.paused.is_some() {
            return;
        }
        let name = self.isolates.version().program.name();
        let reason = format!(
            "it kept bringing down the worker of its own ({last}); nothing is lost, and it goes on with a \
             new version or after `eddyline resume {name}`"
        );
        tracing::error!(%reason, "the function is paused");
        self.end_for(reason);
    }

    /// The same for any reason. The first counts.
    pub(super) fn end_for(&mut self, reason: String) {
        if self.paused.is_some() {
            return;
        }
        self.paused = Some(Paused { reason, version: self.isolates.version().program.version });
        let until = Instant::now() + PAUSE;
        self.draining = Some(self.draining.map_or(until, |earlier| earlier.min(until)));
        self.reporter.draining();
        self.leave(None);
    }
}

fn sole_flight(partition: &Partition) -> Option<u64> {
    let mut flights = partition.lanes.flights();
    flights.next().filter(|_| flights.next().is_none())
}

/// Which records of an isolate are to blame for the end of its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Nobody,
    /// This flight.
    Guilty(u64),
    /// Perhaps this flight.
    Suspect(u64),
    /// Perhaps any that flew.
    AnyFlight,
    /// Perhaps the first of any lane.
    AnyHead,
}

impl Verdict {
    fn charge(self, lanes: &Lanes, proven: bool) -> Charge {
        match self {
            Verdict::Guilty(id) if lanes.owns(id) => Charge::Guilty { id, proven },
            Verdict::Suspect(id) if lanes.owns(id) => Charge::Suspect(id),
            Verdict::Nobody | Verdict::Guilty(_) | Verdict::Suspect(_) => Charge::None,
            Verdict::AnyFlight => Charge::SuspectAll,
            Verdict::AnyHead => Charge::SuspectFirst,
        }
    }
}
