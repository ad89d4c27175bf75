//! Ledger → offset: where a partition stands, for the group to remember.

use std::sync::Arc;
use std::time::Instant;

use super::footnote::{self, Finished};
use super::partition::Partition;
use super::sabotage;
use crate::kafka::{Committed, Next};
use crate::telemetry::FunctionMetrics;

impl Partition {
    /// The offset to store, if it has moved since the last call.
    pub fn advance(&mut self, now: Instant, metrics: &FunctionMetrics) -> Option<Next> {
        let mut settled = metrics.settle.tally();
        let finished = self.ledger.advance(|taken| settled.observe(now.saturating_duration_since(taken.at)));
        let early = self.taken_to.filter(|_| sabotage::commits_early());
        let next = if early.is_some() { early.filter(|_| early != self.stored) } else { finished }?;
        self.stored = Some(next);
        self.to_commit()
    }

    /// What is to be committed. A note that is a little old only says too little.
    pub fn to_commit(&self) -> Option<Next> {
        Some(Next { slot: self.slot, offset: self.stored?, note: self.note.clone() })
    }

    /// Writes down what is finished beyond the position, where records overtake each other. Returns what is to be
    /// committed if that has changed.
    pub fn renew_note(&mut self) -> Option<Next> {
        if !self.lanes.may_overtake() && self.note.is_none() {
            return None;
        }
        let not_taken = self.finished_before.rest(self.taken_to.unwrap_or(0));
        let note = footnote::write(self.ledger.finished_beyond().chain(not_taken));
        if note.as_deref() == self.note.as_deref() {
            return None;
        }
        self.note = note.map(Arc::from);
        self.to_commit()
    }

    /// When nothing is underway, where the position has moved to without a record: behind transaction markers.
    pub fn idle_position(&mut self, position: Option<i64>) -> Option<Next> {
        let trusted = self.ledger.is_empty() && !self.doubtful;
        let position = position.filter(|position| *position >= 0 && trusted)?;
        // Kafka's client only ever raises it, also where it has begun again at the earliest record.
        if self.taken_to.is_some_and(|taken| taken < self.highest) && position <= self.highest {
            return None;
        }
        let position = self.end.map_or(position, |end| position.min(end));
        let moved = self.stored.is_some_and(|stored| position > stored);
        if moved {
            self.stored = Some(position);
        }
        self.to_commit().filter(|_| moved)
    }

    /// Where the group stood when the partition was assigned.
    pub fn begins_at(&mut self, committed: &Committed) {
        self.stored.get_or_insert(committed.offset);
        self.in_group.get_or_insert(committed.offset);
        self.highest = self.highest.max(committed.offset);
        self.finished_before = Finished::read(&committed.note);
        // Until more is known, it goes with every commit as it came.
        self.note = (!self.finished_before.is_empty()).then(|| committed.note.as_str().into());
    }

    /// Its log is another one, or a part of it is gone: what was known beyond the position says nothing any more.
    pub fn begins_anew(&mut self) {
        self.finished_before = Finished::default();
        self.note = None;
        self.may_stray = true;
    }

    /// The offset that is to be committed next, if it is not already.
    pub fn uncommitted(&self) -> Option<i64> {
        self.stored.filter(|stored| self.in_group != Some(*stored))
    }

    /// The offset behind all that has settled, if the group does not stand there already. What it has written may still be
    /// on its way to Kafka.
    pub fn settled_to(&self) -> Option<i64> {
        let settled = self.ledger.settled_offset().filter(|_| !sabotage::commits_early());
        settled.or(self.stored).filter(|settled| self.in_group != Some(*settled))
    }

    /// The group stands here.
    pub fn committed_to(&mut self, offset: i64) {
        self.in_group = Some(offset);
    }

    pub fn committed(&self) -> Option<i64> {
        self.stored
    }
}
