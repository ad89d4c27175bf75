//! Topic → ledger and lanes: what a partition takes from Kafka's client, and what becomes of a record that is not to run.

use std::time::{Duration, Instant};

use super::budget::Room;
use super::ledger::Seq;
use super::partition::{Bounds, Partition, Taken};
use super::screen::Screen;
use super::settling::Settling;
use super::unwritable::{Doom, Unwritable};
use super::withheld::Withheld;
use crate::kafka::{Consumer, Error, Message};
use crate::protocol::settled::FailureView;

/// Most records that are taken from Kafka's client in one call.
const TAKE: usize = 512;
/// Most records that are taken in one turn: where filters want none of them, nothing else would end it.
pub(super) const TURN: usize = 8 * TAKE;

impl Partition {
    /// Takes records from Kafka's client, as many as there is room for. Returns how many.
    pub fn take(
        &mut self,
        consumer: &mut Consumer,
        bounds: Bounds,
        space: &mut Room,
        buffer: &mut Vec<Message>,
        ran: &mut Settling<'_>,
        unwritable: Option<&Unwritable>,
    ) -> Result<usize, Error> {
        self.release(ran);
        let (mut taken, mut beyond, mut bytes) = (0, 0, 0);
        let mut screen = Screen::of(ran.version);
        let oldest = ran.version.program.manifest.source.skip_older_than.map(oldest_taken);
        let at = Instant::now();
        let mut result = Ok(0);
        while self.has_more && !self.leaving && !self.is_over && taken < TURN && self.ledger.bytes() < bounds.bytes {
            let fitting = space.fitting(bounds.bytes - self.ledger.bytes());
            let room = bounds.records.saturating_sub(self.ledger.len()).min(TAKE).min(fitting);
            if room == 0 {
                break;
            }
            result = consumer.take(self.slot, room, buffer);
            taken += buffer.len();
            self.has_more = buffer.len() == room;
            if let Some(error) = self.stray(buffer.first().map(Message::offset)) {
                beyond += buffer.len();
                buffer.clear();
                result = Err(error);
            }
            // To look at headers takes long where a filter would not: those of the first stand for all.
            bytes += buffer.first().map_or(0, |first| first.size() - first.bare()) * buffer.len();
            for message in buffer.drain(..) {
                bytes += message.bare();
                if self.end.is_some_and(|end| message.offset() >= end) {
                    beyond += 1;
                    continue;
                }
                self.taken_to = Some(message.offset() + 1);
                self.highest = self.highest.max(message.offset() + 1);
                self.doubtful = false;
                if self.finished_before.contains(message.offset()) {
                    self.remember(message, at);
                    continue;
                }
                if !screen.admits(&message) {
                    self.ledger.pass(message.offset());
                    continue;
                }
                let size = message.size();
                let doom = unwritable.and_then(|known| known.get(&self.at, message.offset())).cloned();
                let too_old = oldest.is_some_and(|oldest| message.timestamp().is_some_and(|time| time < oldest));
                let seq = self.ledger.add(message.offset(), Taken::new(message, at), size);
                let doom = doom.or_else(|| too_old.then(Doom::too_old)).filter(|_| self.stopped.is_none());
                let in_order = unwritable.is_some();
                if doom.is_some_and(|doom| self.skip_now_or_later(seq, doom, in_order, ran)) {
                    continue;
                }
                if let Some(entry) = self.ledger.get(seq) {
                    self.lanes.push(seq, size, entry.record.message.key());
                }
            }
            if beyond > 0 {
                self.ends();
            }
            if result.is_err() {
                self.has_more = false;
                self.doubtful = true;
            }
        }
        if taken > 0 {
            self.calm = 0;
            space.weigh(taken, bytes);
        }
        // What was brought before an error counts.
        ran.metrics.records_in.add((taken - beyond) as u64);
        screen.settle(ran.metrics);
        result.map(|_| taken)
    }

    /// Looks whether it holds as much as it may. A pace that is kept to does not count: more will come.
    pub(super) fn fills(&mut self, bounds: Bounds) {
        let full = self.ledger.bytes() >= bounds.bytes || self.ledger.len() >= bounds.records;
        self.is_full = self.has_more && full;
    }

    /// The first record behind the end has come: before it there is nothing more, even where offsets have gaps.
    fn ends(&mut self) {
        if let Some(end) = self.end.filter(|_| !self.is_over) {
            self.is_over = true;
            self.has_more = false;
            self.ledger.pass(end - 1);
        }
    }

    /// A record that was finished before the partition was taken over. It is kept until the position has passed it, so
    /// that it is not forgotten with the next commit.
    fn remember(&mut self, message: Message, at: Instant) {
        let (offset, size) = (message.offset(), message.size());
        let seq = self.ledger.add(offset, Taken::new(message, at), size);
        self.ledger.settle(seq);
    }

    /// Where to go on after an error: Kafka's client may have counted the error as a record, and would skip one.
    pub fn resume_at(&self) -> Option<i64> {
        self.taken_to.or(self.stored)
    }

    fn skip_now_or_later(&mut self, seq: Seq, doom: Doom, in_order: bool, ran: &mut Settling<'_>) -> bool {
        if in_order && !self.ledger.leads(seq) {
            self.withheld.insert(seq, Withheld::Doomed(doom));
            return true;
        }
        self.skip(seq, &doom, ran)
    }

    /// A record that is not to run: a dead letter without an attempt. If there is none to write, the partition stops at
    /// it, and it is for the caller to keep it.
    pub(super) fn skip(&mut self, seq: Seq, doom: &Doom, ran: &mut Settling<'_>) -> bool {
        let failure = FailureView { outcome: doom.outcome, message: &doom.reason, stack: "" };
        let stopped = doom.letter || ran.version.dead_letter.is_none();
        let failed = self.failed(seq, &failure, stopped);
        ran.tell(&self.at, failed.clone());
        if stopped {
            self.stopped = Some(failed);
            return false;
        }
        ran.metrics.settled(failure.outcome, 1);
        self.bury(seq, &failure, 0, ran);
        self.ledger.settle(seq);
        true
    }
}

/// The timestamp, in milliseconds, before which records are not run.
fn oldest_taken(age: Duration) -> i64 {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::now().as_millisecond().saturating_sub(age)
}
