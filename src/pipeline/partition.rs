//! One assigned partition of one function: its records between poll and commit.

use std::time::{Duration, Instant};

use super::isolates::Held;
use super::lane::{Grouping, Item, Lane, Window};
use super::ledger::{Ledger, Seq};
use super::retry::{self, Decision};
use super::settling::{Ending, SettleError, Settling};
use super::tickets::Ticket;
use super::{dead_letter, result};
use crate::kafka::{Consumer, Error, Message, Slot, TopicPartition};
use crate::outcome::{Outcome, RetryClass};
use crate::protocol::control::Handler;
use crate::protocol::run::{Invocation, RecordView, RunBuilder};
use crate::protocol::settled::{FailureView, Results};
use crate::telemetry::FunctionMetrics;

/// Most records that are taken from Kafka's client in one call.
const TAKE: usize = 512;
/// A `Run` message is sent when it has grown to this many bytes.
const RUN_BYTES: usize = 512 << 10;

/// What a partition may hold between poll and commit.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub records: usize,
    pub bytes: usize,
}

/// A record that failed, for whoever shows it.
#[derive(Debug, Clone)]
pub struct Failed {
    pub outcome: Outcome,
    pub message: String,
    pub offset: i64,
    /// Whether the partition stands still because of it.
    pub stopped: bool,
}

/// A record and when it was taken from Kafka.
struct Taken {
    message: Message,
    at: Instant,
}

pub struct Partition {
    pub at: TopicPartition,
    pub slot: Slot,
    pub lane: Lane,
    ledger: Ledger<Taken>,
    /// The isolate that the lane's flying records are in.
    pub bound: Option<u64>,
    /// A recall was sent and not everything has come back.
    recalled: bool,
    /// Kafka's client may have more.
    pub has_more: bool,
    /// Being taken away or shut down: nothing new begins.
    pub leaving: bool,
    /// A record failed for good, and there is no dead letter to write.
    pub stopped: Option<Failed>,
    /// After a standstill the record is for the version that ended it, not for one that failed at it before.
    pub least_version: u64,
    /// The records at hand wait until then for others to make a batch with.
    gathering_until: Option<Instant>,
    stored: Option<i64>,
    landed: Vec<Item>,
}

impl Partition {
    pub fn new(at: TopicPartition, slot: Slot, lane: u32) -> Partition {
        Partition {
            at,
            slot,
            lane: Lane::new(lane),
            ledger: Ledger::default(),
            bound: None,
            recalled: false,
            has_more: true,
            leaving: false,
            stopped: None,
            least_version: 0,
            gathering_until: None,
            stored: None,
            landed: Vec::new(),
        }
    }

    /// Takes records from Kafka's client, as many as there is room for. Returns how many.
    pub fn take(
        &mut self,
        consumer: &mut Consumer,
        bounds: Bounds,
        buffer: &mut Vec<Message>,
        ran: &mut Settling<'_>,
    ) -> Result<usize, Error> {
        let mut taken = 0;
        let oldest = ran.version.program.manifest.source.skip_older_than.map(oldest_taken);
        let at = Instant::now();
        while self.has_more && !self.leaving && self.ledger.bytes() < bounds.bytes {
            let room = bounds.records.saturating_sub(self.ledger.len()).min(TAKE);
            if room == 0 {
                break;
            }
            let result = consumer.take(self.slot, room, buffer);
            taken += buffer.len();
            self.has_more = buffer.len() == room;
            for message in buffer.drain(..) {
                let size = message.size();
                let too_old = oldest.is_some_and(|oldest| message.timestamp().is_some_and(|time| time < oldest));
                let seq = self.ledger.add(message.offset(), Taken { message, at }, size);
                if too_old && self.stopped.is_none() {
                    self.skip(seq, size, ran);
                } else {
                    self.lane.push(seq, size);
                }
            }
            result?;
        }
        Ok(taken)
    }

    /// A record that is too old to run: a dead letter without an attempt.
    fn skip(&mut self, seq: Seq, size: usize, ran: &mut Settling<'_>) {
        let message = "the record is older than skip-older-than";
        let failure = FailureView { outcome: Outcome::TooOld, message, stack: "" };
        let stopped = ran.version.dead_letter.is_none();
        let failed = self.failed(seq, &failure, stopped);
        ran.tell(&self.at, failed.clone());
        if stopped {
            self.lane.push(seq, size);
            self.stopped = Some(failed);
            return;
        }
        ran.metrics.settled(failure.outcome, 1);
        self.bury(seq, &failure, 0, ran);
        self.ledger.settle(seq);
    }

    /// Whether there is something to run and nothing forbids it.
    pub fn wants_isolate(&self) -> bool {
        self.lane.waiting() > 0 && !self.leaving && self.stopped.is_none()
    }

    /// Sends what the lane may send to `held`. Moves the lane over first, if it still flies in another isolate.
    pub fn feed(&mut self, held: &Held, old: Option<&Held>, now: Instant, metrics: &FunctionMetrics) {
        if self.bound != Some(held.tag) {
            if self.lane.is_flying() {
                self.recall(old);
                return;
            }
            self.bound = Some(held.tag);
        }
        let batch = &held.version.program.manifest.batch;
        let grouping = match held.version.program.handler() {
            Handler::Record => Grouping::SINGLE,
            Handler::Batch => Grouping { records: batch.max_records, bytes: batch.max_bytes as usize },
        };
        let window = Window { records: held.credit.records as usize, bytes: held.credit.bytes as usize };
        let channel = held.isolate.channel();
        let topic = std::iter::once(&*self.at.topic);
        let mut run = RunBuilder::new(channel, topic.clone());
        let mut items = Vec::new();
        loop {
            self.gathering_until = self.gathers(grouping, batch.max_wait, now);
            if self.gathering_until.is_some() {
                break;
            }
            let Some(id) = self.lane.send(now, grouping, window, &mut items) else { break };
            run.invocation(&Invocation {
                id,
                lane: self.lane.number(),
                epoch: self.lane.epoch(),
                attempt: (items[0].attempts + 1).min(u32::from(u16::MAX)) as u16,
                records: items.len() as u32,
            });
            for item in items.drain(..) {
                if let Some(entry) = self.ledger.get(item.seq) {
                    put(&mut run, &entry.record.message);
                    if item.first_run == Some(now) {
                        metrics.queue.observe(now.saturating_duration_since(entry.record.at));
                    }
                }
            }
            if run.len() > RUN_BYTES {
                let full = std::mem::replace(&mut run, RunBuilder::new(channel, topic.clone()));
                held.isolate.send(full.finish());
            }
        }
        if !run.is_empty() {
            held.isolate.send(run.finish());
        }
    }

    /// Until when the records at hand wait for others to make a batch with.
    fn gathers(&self, grouping: Grouping, max_wait: Duration, now: Instant) -> Option<Instant> {
        if max_wait.is_zero() || grouping.records <= 1 {
            return None;
        }
        let first = self.ledger.get(self.lane.gathering(grouping)?)?;
        Some(first.record.at + max_wait).filter(|until| *until > now)
    }

    /// Asks for everything that the isolate has not begun.
    pub fn recall(&mut self, held: Option<&Held>) {
        if let (false, true, Some(held)) = (self.recalled, self.lane.is_flying(), held) {
            held.isolate.recall(self.lane.number(), self.lane.epoch());
            self.recalled = true;
            self.lane.stop();
        }
    }

    /// Takes an invocation's records out of the lane; what follows must deal with each of them.
    fn land(&mut self, id: u64) -> Result<Vec<Item>, super::lane::OutOfOrder> {
        let mut items = std::mem::take(&mut self.landed);
        items.clear();
        self.lane.land(id, &mut items)?;
        Ok(items)
    }

    fn after_landing(&mut self, items: Vec<Item>) {
        self.landed = items;
        self.lane.landed();
        if !self.lane.is_flying() {
            self.recalled = false;
        }
    }

    /// The worker gave an invocation back without having begun it.
    pub fn not_run(&mut self, id: u64) -> Result<(), super::lane::OutOfOrder> {
        let items = self.land(id)?;
        self.lane.stop();
        items.iter().for_each(|item| self.lane.give_back(*item));
        self.after_landing(items);
        Ok(())
    }

    /// An invocation ended; `verdict` says for each of its records how, by its place in the invocation.
    pub fn settle<'a>(
        &mut self,
        id: u64,
        ran: &mut Settling<'_>,
        verdicts: impl Fn(usize) -> Option<Ending<'a>>,
    ) -> Result<(), SettleError> {
        let items = self.land(id)?;
        let together = items.len();
        for (place, item) in items.iter().enumerate() {
            match verdicts(place).ok_or(SettleError::Verdicts { records: together })? {
                Ending::Success { outcome, results } => self.succeed(*item, outcome, results, ran)?,
                Ending::Failure(failure) => self.fail(*item, &failure, together, ran),
            }
        }
        self.after_landing(items);
        Ok(())
    }

    fn succeed(
        &mut self,
        item: Item,
        outcome: Outcome,
        results: Results<'_>,
        ran: &mut Settling<'_>,
    ) -> Result<(), SettleError> {
        let Some(entry) = self.ledger.get(item.seq) else { return Ok(()) };
        let record = &entry.record.message;
        let mut refused = None;
        for result in results.iter() {
            let output = ran.output(result.topic)?;
            if let Some(reason) = result::refused(&result, record, output) {
                refused = Some(reason);
            }
        }
        if let Some(message) = refused {
            let outcome = Outcome::TooLarge;
            // Running it again would give the same result, so it is not retried.
            self.give_up(item, &FailureView { outcome, message: &message, stack: "" }, ran);
            return Ok(());
        }
        let ticket = Ticket::result(self.lane.number(), item.seq);
        for result in results.iter() {
            let version = ran.version;
            let Some(Some(output)) = version.outputs.get(usize::from(result.topic)) else { continue };
            result::write(ran.sink, ticket, &result, record, output);
        }
        (0..results.len()).for_each(|_| self.ledger.expect(item.seq));
        self.ledger.settle(item.seq);
        ran.metrics.settled(outcome, 1);
        ran.metrics.records_out.add(results.len() as u64);
        Ok(())
    }

    fn fail(&mut self, item: Item, failure: &FailureView<'_>, together: usize, ran: &mut Settling<'_>) {
        let class = failure.outcome.retry_class();
        let worker_stopped_lane = class != RetryClass::Never || !ran.version.program.manifest.dead_letter.enabled;
        if worker_stopped_lane {
            self.lane.stop();
        }
        if together > 1 && class != RetryClass::Never {
            // Whoever is at fault is found by halving; only a run alone counts against a record.
            self.lane.give_back(Item { group: (together as u32).div_ceil(2), ..item });
            return;
        }
        let item = Item { attempts: item.attempts + 1, ..item };
        let age = item.first_run.map_or(Duration::ZERO, |first| ran.now.saturating_duration_since(first));
        let policy = &ran.version.program.manifest.retry;
        match retry::decide(policy, failure.outcome, item.attempts, age, fastrand::f64()) {
            Decision::Retry { after } => {
                ran.metrics.records_retried.increment();
                ran.tell(&self.at, self.failed(item.seq, failure, false));
                self.lane.block_until(ran.now + after);
                self.lane.give_back(item);
            }
            Decision::GiveUp => self.give_up(Item { attempts: item.attempts - 1, ..item }, failure, ran),
            Decision::TooOld => {
                let message = format!("kept failing for longer than max-age; at last: {}", failure.message);
                let failure = FailureView { outcome: Outcome::TooOld, message: &message, stack: failure.stack };
                self.give_up(Item { attempts: item.attempts - 1, ..item }, &failure, ran);
            }
        }
    }

    /// The record failed for good: it becomes a dead letter, or the partition stops at it.
    fn give_up(&mut self, item: Item, failure: &FailureView<'_>, ran: &mut Settling<'_>) {
        let stopped = ran.version.dead_letter.is_none();
        let failed = self.failed(item.seq, failure, stopped);
        ran.tell(&self.at, failed.clone());
        if stopped {
            self.lane.stop();
            self.lane.give_back(item);
            self.stopped = Some(failed);
            return;
        }
        ran.metrics.settled(failure.outcome, 1);
        self.bury(item.seq, failure, item.attempts + 1, ran);
        self.ledger.settle(item.seq);
    }

    /// Writes the record's dead letter.
    fn bury(&mut self, seq: Seq, failure: &FailureView<'_>, attempts: u32, ran: &mut Settling<'_>) {
        let (Some(entry), Some(output)) = (self.ledger.get(seq), &ran.version.dead_letter) else { return };
        let failure = dead_letter::Failure {
            function: ran.version.program.name(),
            version: ran.version.program.version,
            outcome: failure.outcome,
            message: failure.message,
            stack: failure.stack,
            attempts,
        };
        let ticket = Ticket::dead_letter(self.lane.number(), seq);
        dead_letter::write(ran.sink, ticket, &failure, &entry.record.message, output);
        self.ledger.expect(seq);
        ran.metrics.records_dead_lettered.increment();
    }

    fn failed(&self, seq: Seq, failure: &FailureView<'_>, stopped: bool) -> Failed {
        Failed {
            outcome: failure.outcome,
            message: failure.message.to_owned(),
            offset: self.ledger.get(seq).map_or(-1, |entry| entry.offset),
            stopped,
        }
    }

    /// Kafka has a result.
    pub fn acknowledged(&mut self, seq: Seq) {
        self.ledger.acknowledge(seq);
    }

    /// Kafka will never take a result: its record becomes a dead letter after all.
    pub fn refused(&mut self, ticket: Ticket, outcome: Outcome, reason: &str, ran: &mut Settling<'_>) {
        let failure = FailureView { outcome, message: reason, stack: "" };
        let stopped = ticket.dead_letter || ran.version.dead_letter.is_none();
        let failed = self.failed(ticket.seq, &failure, stopped);
        ran.tell(&self.at, failed.clone());
        if stopped {
            // The record stays unfinished, so that nothing behind it is committed.
            self.ledger.reopen(ticket.seq);
            self.stopped = Some(failed);
        } else {
            ran.metrics.failed(outcome).increment();
            self.bury(ticket.seq, &failure, 1, ran);
        }
        self.ledger.acknowledge(ticket.seq);
    }

    /// The isolate is gone. What it was running counts a crash if the engine brought itself down; the rest does not.
    pub fn lost(&mut self, running: Option<u64>, crashed: bool, how: &str, ran: &mut Settling<'_>) {
        let flights: Vec<u64> = self.lane.flights().collect();
        for id in flights {
            if crashed && running == Some(id) {
                let message = format!("the worker process {how} while it ran this record");
                let failure = FailureView { outcome: Outcome::Crashed, message: &message, stack: "" };
                let ended = self.settle(id, ran, |_| Some(Ending::Failure(failure)));
                debug_assert!(ended.is_ok(), "the lane itself named this flight");
            } else {
                let returned = self.not_run(id);
                debug_assert!(returned.is_ok(), "the lane itself named this flight");
            }
        }
        self.bound = None;
    }

    /// The records that an invocation was called with, for the log.
    pub fn offset_of(&self, id: u64) -> Option<i64> {
        let at = self.lane.flights().position(|flight| flight == id)?;
        self.lane.flying_item(at).and_then(|item| self.ledger.get(item.seq)).map(|entry| entry.offset)
    }

    /// The function has changed: a partition that stood still tries again.
    pub fn go_on(&mut self, version: u64) {
        if self.stopped.take().is_some() {
            self.least_version = version;
            self.lane.unblock();
        }
    }

    /// The offset to store, if it has moved since the last call.
    pub fn advance(&mut self, now: Instant, metrics: &FunctionMetrics) -> Option<i64> {
        let next = self.ledger.advance(|taken| metrics.settle.observe(now.saturating_duration_since(taken.at)))?;
        self.stored = Some(next);
        Some(next)
    }

    /// When nothing is underway, where the position has moved to without a record: behind transaction markers.
    pub fn idle_position(&mut self, position: Option<i64>) -> Option<i64> {
        let position = position.filter(|position| *position >= 0 && self.ledger.is_empty())?;
        let moved = self.stored.is_some_and(|stored| position > stored);
        moved.then(|| {
            self.stored = Some(position);
            position
        })
    }

    /// Where the group stood when the partition was assigned.
    pub fn begins_at(&mut self, committed: i64) {
        self.stored.get_or_insert(committed);
    }

    pub fn committed(&self) -> Option<i64> {
        self.stored
    }

    /// Whether nothing is underway that could still finish.
    pub fn is_quiet(&self) -> bool {
        !self.lane.is_flying() && self.ledger.is_acknowledged()
    }

    pub fn underway(&self) -> usize {
        self.ledger.len()
    }

    /// When the lane may go on.
    pub fn due(&self) -> Option<Instant> {
        if !self.wants_isolate() {
            return None;
        }
        self.lane.blocked_until().into_iter().chain(self.gathering_until).min()
    }
}

/// The timestamp, in milliseconds, before which records are not run.
fn oldest_taken(age: Duration) -> i64 {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::now().as_millisecond().saturating_sub(age)
}

fn put(run: &mut RunBuilder, message: &Message) {
    let view = RecordView {
        topic: message.topic(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().unwrap_or(-1),
        key: message.key(),
        value: message.value(),
    };
    run.record(&view, message.headers());
}
