//! Lane → isolate: which isolate each lane runs in, now and next.

use std::time::Instant;

use super::lanes::Lanes;
use super::subscription::Subscription;

impl Subscription {
    pub(super) fn dispatch(&mut self, now: Instant) {
        self.recall_stopped();
        let mut on_trial = self.on_trial();
        if self.sink.is_blocked() {
            return self.end_trial_unless(on_trial.is_some());
        }
        let (mut moved, sharing) = (false, self.room.claimed());
        self.partitions.values_mut().for_each(|partition| partition.lanes.release(now));
        for partition in self.partitions.values_mut().filter(|partition| partition.wants_isolate()) {
            let place = if partition.next_is_alone() {
                let waits = partition.lanes.is_flying() || partition.lanes.is_blocked(now);
                if waits || on_trial.is_some() {
                    continue;
                }
                on_trial = Some(partition.lanes.number());
                self.isolates.trial_place()
            } else if partition.lanes.flies_alone() {
                continue;
            } else {
                self.isolates.place_of(partition.at.partition)
            };
            let Some(tag) = self.isolates.wanted(place, now).map(|held| held.tag) else { continue };
            moved |= partition.bound != Some(tag);
            let mut held = self.isolates.held();
            let Some(target) = held.find(|held| held.tag == tag) else { continue };
            if target.version.program.version < partition.least_version {
                continue;
            }
            let old = partition.bound.and_then(|bound| self.isolates.held().find(|held| held.tag == bound));
            partition.feed(target, old, sharing, now, &self.setup.metrics, &mut self.runs);
        }
        self.runs.send(|tag| self.isolates.held().find(|held| held.tag == tag));
        self.end_trial_unless(on_trial.is_some());
        if moved {
            self.retire();
        }
    }

    /// The lane whose record runs alone; one at a time.
    fn on_trial(&self) -> Option<u32> {
        let mut lanes = self.partitions.values().map(|partition| &partition.lanes);
        lanes.find(|lanes| lanes.flies_alone()).map(Lanes::number)
    }

    fn end_trial_unless(&mut self, goes_on: bool) {
        if !goes_on && self.isolates.has_trial() {
            self.isolates.end_trial();
        }
    }

    /// Behind a record that a partition stands still at, nothing shall run.
    fn recall_stopped(&mut self) {
        for partition in self.partitions.values_mut().filter(|partition| partition.stopped.is_some()) {
            let bound = partition.bound;
            partition.recall(bound.and_then(|tag| self.isolates.held().find(|held| held.tag == tag)));
        }
    }

    /// Old versions that no lane is in any more are given back.
    pub(super) fn retire(&mut self) {
        let partitions = &self.partitions;
        let uses =
            |tag| partitions.values().any(|partition| partition.bound == Some(tag) && partition.lanes.is_flying());
        self.isolates.retire(uses);
    }
}
