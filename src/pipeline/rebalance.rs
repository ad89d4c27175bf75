//! Partitions come and go. What is taken away is finished first, within a time, and what it finished is committed
//! before it goes; the other partitions go on meanwhile.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::lanes::{self, Lanes};
use super::partition::Partition;
use super::subscription::{COMMIT, Subscription};
use crate::kafka::{ConsumerEvent, Next, Position, TopicPartition};

/// How long revoked partitions may take to finish what is in flight.
const REVOKE: Duration = Duration::from_secs(15);

/// How long leaving the group may take.
const CLOSE: Duration = Duration::from_secs(5);

/// What the group has asked of us and we have not answered.
#[derive(Default)]
pub struct Rebalance {
    asked: VecDeque<Asked>,
}

enum Asked {
    Assign(Vec<TopicPartition>),
    Revoke { partitions: Vec<TopicPartition>, lost: bool, until: Instant },
}

impl Rebalance {
    /// When a revoke may wait no longer.
    pub fn due(&self) -> Option<Instant> {
        match self.asked.front()? {
            Asked::Assign(_) => None,
            Asked::Revoke { until, .. } => Some(*until),
        }
    }
}

impl Subscription {
    /// Serves the consumer's events.
    pub(super) fn hear_consumer(&mut self, now: Instant) {
        while let Some(event) = self.consumer.as_mut().and_then(|consumer| consumer.poll()) {
            match event {
                ConsumerEvent::Assign(partitions) => self.rebalance.asked.push_back(Asked::Assign(partitions)),
                ConsumerEvent::Revoke { partitions, lost } => {
                    tracing::debug!(?partitions, lost, "partitions are taken away");
                    self.leave(Some(&partitions));
                    self.rebalance.asked.push_back(Asked::Revoke { partitions, lost, until: now + REVOKE });
                }
                ConsumerEvent::OffsetReset { partition, detail } => {
                    self.setup.metrics.offsets_out_of_range.increment();
                    tracing::warn!(%partition, %detail, "the position is out of range, going on at the earliest record");
                    let reset = self.partitions.values_mut().find(|one| one.at == partition);
                    reset.into_iter().for_each(Partition::begins_anew);
                }
                ConsumerEvent::Error(error) => tracing::debug!(%error, "the consumer reports an error and goes on"),
                ConsumerEvent::Fatal(error) => {
                    tracing::error!(%error, "the consumer failed for good and is made anew");
                    self.drop_consumer(now);
                    return;
                }
            }
        }
    }

    /// Lets nothing new begin in these partitions, or in all of them.
    pub(super) fn leave(&mut self, which: Option<&[TopicPartition]>) {
        for partition in self.partitions.values_mut() {
            if which.is_none_or(|which| which.contains(&partition.at)) {
                partition.leaving = true;
                let bound = partition.bound;
                partition.recall(bound.and_then(|tag| self.isolates.held().find(|held| held.tag == tag)));
            }
        }
    }

    /// Answers what can be answered now, in the order in which it was asked.
    pub(super) fn answer_rebalances(&mut self, now: Instant) {
        while let Some(asked) = self.rebalance.asked.pop_front() {
            match asked {
                Asked::Assign(partitions) => self.assign(&partitions, now),
                Asked::Revoke { partitions, lost, until } => {
                    let quiet = self.leaving(&partitions).all(Partition::is_quiet) && !self.is_uncommitted();
                    if !lost && !quiet && now < until {
                        self.rebalance.asked.push_front(Asked::Revoke { partitions, lost, until });
                        return;
                    }
                    self.revoke(&partitions, lost);
                }
            }
        }
    }

    fn leaving<'a>(&'a self, which: &'a [TopicPartition]) -> impl Iterator<Item = &'a Partition> {
        self.partitions.values().filter(|partition| which.contains(&partition.at))
    }

    fn assign(&mut self, partitions: &[TopicPartition], now: Instant) {
        if let Err(error) = self.take_over(partitions, now) {
            tracing::error!(%error, "cannot take on the assigned partitions; the consumer is made anew");
            self.drop_consumer(now);
        }
    }

    fn take_over(&mut self, partitions: &[TopicPartition], now: Instant) -> crate::kafka::Result<()> {
        // Before they are fetched from, so that their first fetch is not too large.
        self.room.claim(self.partitions.len() + partitions.len());
        self.make_room(false);
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        let positions: Vec<(TopicPartition, Position)> =
            partitions.iter().map(|partition| (partition.clone(), Position::Committed)).collect();
        let slots = consumer.assign(&positions)?;
        tracing::info!(count = partitions.len(), "partitions assigned");
        let delivery = self.isolates.version().program.manifest.delivery.clone();
        let count = lanes::count(&delivery);
        for (at, slot) in partitions.iter().zip(slots) {
            let lane = Self::new_lanes(&mut self.next_lane, count);
            self.homes.add(lane, count);
            let mut partition = Partition::new(at.clone(), slot, Lanes::new(lane, &delivery));
            partition.leaving = self.draining.is_some();
            self.partitions.insert(lane, partition);
        }
        // A partition without new records has no other sign of where it stands, and none of what is finished beyond.
        self.ask(partitions, false, now)
    }

    fn revoke(&mut self, which: &[TopicPartition], lost: bool) {
        let unfinished = self.is_uncommitted() || !self.leaving(which).all(Partition::is_quiet);
        if let Some(transactions) = &mut self.transactions {
            if unfinished {
                transactions.spoil("partitions were taken away before their records were finished");
            }
        } else if !lost {
            // Nothing may be committed for partitions that somebody else may own already.
            self.commit_now(Some(which));
        }
        let homes = &mut self.homes;
        self.partitions.retain(|lane, partition| {
            let stays = !which.contains(&partition.at);
            if !stays {
                homes.remove(*lane);
            }
            stays
        });
        let Some(consumer) = &mut self.consumer else { return };
        match consumer.unassign(which) {
            Ok(()) => tracing::info!(count = which.len(), lost, "partitions given up"),
            Err(error) => tracing::warn!(%error, "cannot give up partitions"),
        }
    }

    /// Commits what these partitions have finished, and waits for Kafka's answer.
    fn commit_now(&mut self, which: Option<&[TopicPartition]>) {
        let Some(consumer) = &mut self.consumer else { return };
        let begun = Instant::now();
        let mut next: Vec<Next> = Vec::new();
        for partition in self.partitions.values_mut() {
            if which.is_none_or(|which| which.contains(&partition.at)) {
                partition.advance(begun, &self.setup.metrics);
                partition.renew_note();
                next.extend(partition.to_commit());
            }
        }
        if next.is_empty() {
            return;
        }
        match consumer.commit(next, COMMIT) {
            Ok(()) => self.setup.metrics.commit.observe(begun.elapsed()),
            Err(error) => tracing::warn!(%error, "cannot commit; the records behind the last commit will run again"),
        }
    }

    /// Whether a shutdown has nothing left to wait for.
    pub(super) fn drained(&self) -> bool {
        let Some(until) = self.draining else { return false };
        let quiet = self.partitions.values().all(Partition::is_quiet) && !self.is_uncommitted();
        quiet || Instant::now() >= until
    }

    /// Commits and leaves the group.
    pub(super) fn finish(mut self) {
        let unfinished: usize =
            self.partitions.values().filter(|partition| !partition.is_quiet()).map(Partition::underway).sum();
        if unfinished > 0 {
            tracing::warn!(records = unfinished, "the time to finish is over; these records will run again");
        }
        if self.transactions.is_some() {
            self.give_up_transaction();
        } else {
            self.commit_now(None);
        }
        self.isolates.release();
        self.partitions.clear();
        self.reporter.ended();
        if let Some(consumer) = self.consumer.take()
            && let Err(error) = consumer.close(CLOSE)
        {
            tracing::warn!(%error, "cannot leave the group in time; its partitions move when the session ends");
        }
    }
}
