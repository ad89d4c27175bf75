//! One assigned partition of one function: its records between poll and commit.

use std::time::{Duration, Instant};

use super::isolates::{Held, Version};
use super::lane::{Grouping, Item, Lane, Window};
use super::ledger::{Ledger, Seq};
use super::sabotage;
use super::screen::Screen;
use super::settling::Settling;
use crate::kafka::{Consumer, Error, Message, Slot, TopicPartition};
use crate::outcome::Outcome;
use crate::protocol::control::Handler;
use crate::protocol::run::{Invocation, RecordView, RunBuilder};
use crate::protocol::settled::FailureView;
use crate::telemetry::FunctionMetrics;

/// Most records that are taken from Kafka's client in one call.
const TAKE: usize = 512;
/// Most records that are taken in one turn: where filters want none of them, nothing else would end it.
pub const TURN: usize = 8 * TAKE;
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

/// A record between poll and commit.
pub(super) struct Taken {
    pub(super) message: Message,
    /// When it was taken from Kafka.
    at: Instant,
    /// Runs, once it has settled.
    pub(super) attempts: u32,
    /// It has a dead letter.
    pub(super) buried: bool,
}

pub struct Partition {
    pub at: TopicPartition,
    pub slot: Slot,
    pub lane: Lane,
    pub(super) ledger: Ledger<Taken>,
    /// The isolate that the lane's flying records are in.
    pub bound: Option<u64>,
    /// When an invocation last landed, or began to fly where none did.
    pub(super) moved_at: Instant,
    /// A recall was sent and not everything has come back.
    pub(super) recalled: bool,
    /// Kafka's client may have more.
    pub has_more: bool,
    /// Being taken away or shut down: nothing new begins.
    pub leaving: bool,
    /// A record failed for good, and there is no dead letter to write.
    pub stopped: Option<Failed>,
    /// The record that it stands still at, where that had settled already.
    pub(super) held_back: Option<Item>,
    /// The version whose filters judged all that waits.
    sifted: Option<u64>,
    /// After a standstill the record is for the version that ended it, not for one that failed at it before.
    pub least_version: u64,
    /// The records at hand wait until then for others to make a batch with.
    gathering_until: Option<Instant>,
    stored: Option<i64>,
    /// Behind the last record that was taken.
    taken_to: Option<i64>,
    /// Kafka's client has reported an error since, and its own position is not to be trusted.
    doubtful: bool,
    pub(super) landed: Vec<Item>,
}

impl Partition {
    pub fn new(at: TopicPartition, slot: Slot, lane: u32) -> Partition {
        Partition {
            at,
            slot,
            lane: Lane::new(lane),
            ledger: Ledger::default(),
            bound: None,
            moved_at: Instant::now(),
            recalled: false,
            has_more: true,
            leaving: false,
            stopped: None,
            held_back: None,
            sifted: None,
            least_version: 0,
            gathering_until: None,
            stored: None,
            taken_to: None,
            doubtful: false,
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
        let mut screen = Screen::of(ran.version);
        let oldest = ran.version.program.manifest.source.skip_older_than.map(oldest_taken);
        let at = Instant::now();
        let mut result = Ok(0);
        while self.has_more && !self.leaving && taken < TURN && self.ledger.bytes() < bounds.bytes {
            let room = bounds.records.saturating_sub(self.ledger.len()).min(TAKE);
            if room == 0 {
                break;
            }
            result = consumer.take(self.slot, room, buffer);
            taken += buffer.len();
            self.has_more = buffer.len() == room;
            for message in buffer.drain(..) {
                self.taken_to = Some(message.offset() + 1);
                self.doubtful = false;
                if !screen.admits(&message) {
                    self.ledger.pass(message.offset());
                    continue;
                }
                let size = message.size();
                let too_old = oldest.is_some_and(|oldest| message.timestamp().is_some_and(|time| time < oldest));
                let seq = self.ledger.add(message.offset(), Taken { message, at, attempts: 0, buried: false }, size);
                if too_old && self.stopped.is_none() {
                    self.skip(seq, size, ran);
                } else {
                    self.lane.push(seq, size);
                }
            }
            if result.is_err() {
                self.has_more = false;
                self.doubtful = true;
            }
        }
        // What was brought before an error counts.
        ran.metrics.records_in.add(taken as u64);
        screen.settle(ran.metrics);
        result.map(|_| taken)
    }

    /// Where to go on after an error: Kafka's client may have counted the error as a record, and would skip one.
    pub fn resume_at(&self) -> Option<i64> {
        self.taken_to.or(self.stored)
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
        (self.lane.waiting() > 0 || self.held_back.is_some()) && !self.leaving && self.stopped.is_none()
    }

    /// Whether the record that is sent next may have brought a worker down.
    pub fn next_is_alone(&self) -> bool {
        self.held_back.is_none() && self.lane.next_is_alone()
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
        if let Some(item) = self.held_back.take() {
            if self.lane.is_flying() {
                self.held_back = Some(item);
                return self.recall(Some(held));
            }
            self.lane.put_first(item);
        }
        self.sift(&held.version, metrics);
        let batch = &held.version.program.manifest.batch;
        let grouping = match held.version.program.handler() {
            Handler::Record => Grouping::SINGLE,
            Handler::Batch => Grouping { records: batch.max_records, bytes: batch.max_bytes as usize },
        };
        let window = Window { records: held.credit.records as usize, bytes: (held.credit.bytes / 2) as usize };
        // Half the credit, since the worker counts what surrounds a record as well.
        let channel = held.isolate.channel();
        let topic = std::iter::once(&*self.at.topic);
        let mut run = RunBuilder::new(channel, topic.clone());
        let mut items = Vec::new();
        if !self.lane.is_flying() {
            self.moved_at = now;
        }
        loop {
            // Asked once for each message and not for each record. Until there is room, the subscription tries again.
            if run.is_empty() && held.isolate.link().is_full() {
                break;
            }
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

    /// What waits was judged by the filters of the version that ran when it was taken; it is judged again by those of
    /// the version that is to run it.
    fn sift(&mut self, version: &Version, metrics: &FunctionMetrics) {
        if self.sifted.replace(version.program.version) == Some(version.program.version) {
            return;
        }
        let mut screen = Screen::of(version);
        if screen.is_open() {
            return;
        }
        let ledger = &mut self.ledger;
        self.lane.sift(|seq| {
            let keep = ledger.get(seq).is_none_or(|entry| screen.admits(&entry.record.message));
            if !keep {
                ledger.settle(seq);
            }
            keep
        });
        screen.settle(metrics);
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

    /// Kafka has a result.
    pub fn acknowledged(&mut self, seq: Seq) {
        self.ledger.acknowledge(seq);
    }

    /// The record that the isolate has had for longest, for the log.
    pub fn oldest_flying(&self) -> Option<i64> {
        self.offset_of(self.lane.flights().next()?)
    }

    /// The records that an invocation was called with, for the log.
    pub fn offset_of(&self, id: u64) -> Option<i64> {
        let (item, _) = self.lane.flight(id)?;
        self.ledger.get(item.seq).map(|entry| entry.offset)
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
        let finished = self.ledger.advance(|taken| metrics.settle.observe(now.saturating_duration_since(taken.at)));
        let early = self.taken_to.filter(|_| sabotage::commits_early());
        let next = if early.is_some() { early.filter(|_| early != self.stored) } else { finished }?;
        self.stored = Some(next);
        Some(next)
    }

    /// When nothing is underway, where the position has moved to without a record: behind transaction markers.
    pub fn idle_position(&mut self, position: Option<i64>) -> Option<i64> {
        let trusted = self.ledger.is_empty() && !self.doubtful;
        let position = position.filter(|position| *position >= 0 && trusted)?;
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
