//! One assigned partition of one function: its records between poll and commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::footnote::{self, Finished};
use super::isolates::{Held, Version};
use super::lane::{Grouping, Item, Lane, Window};
use super::lanes::Lanes;
use super::ledger::{Ledger, Seq};
use super::sabotage;
use super::screen::Screen;
use super::settling::Settling;
use super::unwritable::{Doom, Unwritable};
use crate::kafka::{Committed, Consumer, Error, Message, Next, Slot, TopicPartition};
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
    pub lanes: Lanes,
    pub(super) ledger: Ledger<Taken>,
    /// The isolate that the flying records are in.
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
    /// Where the group stands, as far as we know. Only for exactly-once.
    in_group: Option<i64>,
    /// Records that are not to run, until all before them have settled. Only for exactly-once: what is written belongs
    /// to the offset that is committed with it.
    postponed: VecDeque<(Seq, Doom)>,
    /// Behind the last record that was taken.
    taken_to: Option<i64>,
    /// Kafka's client has reported an error since, and its own position is not to be trusted.
    doubtful: bool,
    pub(super) landed: Vec<Item>,
    /// What was finished beyond the position when the partition was taken over.
    finished_before: Finished,
    /// What was finished beyond the position when that was last written down.
    note: Option<Arc<str>>,
}

impl Partition {
    pub fn new(at: TopicPartition, slot: Slot, lanes: Lanes) -> Partition {
        Partition {
            at,
            slot,
            lanes,
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
            in_group: None,
            postponed: VecDeque::new(),
            taken_to: None,
            doubtful: false,
            landed: Vec::new(),
            finished_before: Finished::default(),
            note: None,
        }
    }

    /// Takes records from Kafka's client, as many as there is room for. Returns how many.
    pub fn take(
        &mut self,
        consumer: &mut Consumer,
        bounds: Bounds,
        buffer: &mut Vec<Message>,
        ran: &mut Settling<'_>,
        unwritable: Option<&Unwritable>,
    ) -> Result<usize, Error> {
        self.bury_postponed(ran);
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
                let seq = self.ledger.add(message.offset(), Taken { message, at, attempts: 0, buried: false }, size);
                let doom = doom.or_else(|| too_old.then(Doom::too_old)).filter(|_| self.stopped.is_none());
                let in_order = unwritable.is_some();
                if doom.is_some_and(|doom| self.skip_now_or_later(seq, doom, in_order, ran)) {
                    continue;
                }
                if let Some(entry) = self.ledger.get(seq) {
                    self.lanes.push(seq, size, entry.record.message.key());
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

    /// A record that was finished before the partition was taken over. It is kept until the position has passed it, so
    /// that it is not forgotten with the next commit.
    fn remember(&mut self, message: Message, at: Instant) {
        let (offset, size) = (message.offset(), message.size());
        let seq = self.ledger.add(offset, Taken { message, at, attempts: 0, buried: false }, size);
        self.ledger.settle(seq);
    }

    /// Where to go on after an error: Kafka's client may have counted the error as a record, and would skip one.
    pub fn resume_at(&self) -> Option<i64> {
        self.taken_to.or(self.stored)
    }

    fn skip_now_or_later(&mut self, seq: Seq, doom: Doom, in_order: bool, ran: &mut Settling<'_>) -> bool {
        if in_order && !self.ledger.leads(seq) {
            self.postponed.push_back((seq, doom));
            return true;
        }
        self.skip(seq, &doom, ran)
    }

    /// Those whose time to be skipped has come.
    pub(super) fn bury_postponed(&mut self, ran: &mut Settling<'_>) {
        while self.stopped.is_none()
            && self.postponed.front().is_some_and(|(seq, _)| self.ledger.leads(*seq))
            && let Some((seq, doom)) = self.postponed.pop_front()
        {
            if !self.skip(seq, &doom, ran) {
                // Those behind it are in the lane already.
                let size = self.ledger.get(seq).map_or(0, |entry| entry.size);
                self.held_back = Some(Item { group: 1, ..Item::new(seq, size) });
            }
        }
    }

    /// A record that is not to run: a dead letter without an attempt. If there is none to write, the partition stops at
    /// it, and it is for the caller to keep it.
    fn skip(&mut self, seq: Seq, doom: &Doom, ran: &mut Settling<'_>) -> bool {
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

    /// Whether there is something to run and nothing forbids it.
    pub fn wants_isolate(&self) -> bool {
        (self.lanes.waiting() > 0 || self.held_back.is_some()) && !self.leaving && self.stopped.is_none()
    }

    /// Whether the record that is sent next may have brought a worker down.
    pub fn next_is_alone(&self) -> bool {
        self.held_back.is_none() && self.lanes.next_is_alone()
    }

    /// Sends what the lane may send to `held`. Moves the lane over first, if it still flies in another isolate.
    pub fn feed(&mut self, held: &Held, old: Option<&Held>, now: Instant, metrics: &FunctionMetrics) {
        if self.bound != Some(held.tag) {
            if self.lanes.is_flying() {
                self.recall(old);
                return;
            }
            self.bound = Some(held.tag);
        }
        if let Some(item) = self.held_back.take() {
            if self.lanes.is_flying() {
                self.held_back = Some(item);
                return self.recall(Some(held));
            }
            let key = self.ledger.get(item.seq).and_then(|entry| entry.record.message.key());
            self.lanes.put_first(item, key);
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
        if !self.lanes.is_flying() {
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
            let Some((id, epoch)) = self.lanes.send(now, grouping, window, &mut items) else { break };
            run.invocation(&Invocation {
                id,
                lane: Lane::of(id),
                epoch,
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
        self.lanes.sift(|seq| {
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
        let first = self.ledger.get(self.lanes.gathering(grouping)?)?;
        Some(first.record.at + max_wait).filter(|until| *until > now)
    }

    /// Asks for everything that the isolate has not begun.
    pub fn recall(&mut self, held: Option<&Held>) {
        if let (false, true, Some(held)) = (self.recalled, self.lanes.is_flying(), held) {
            self.lanes.recall(|lane, epoch| held.isolate.recall(lane, epoch));
            self.recalled = true;
        }
    }

    /// Asks for what waits behind others that take long while it could run elsewhere.
    pub fn recall_stalled(&mut self, held: Option<&Held>) {
        if let (false, Some(held)) = (self.recalled, held) {
            self.lanes.recall_stalled(|lane, epoch| held.isolate.recall(lane, epoch));
        }
    }

    /// Kafka has a result.
    pub fn acknowledged(&mut self, seq: Seq) {
        self.ledger.acknowledge(seq);
    }

    /// The record that the isolate has had for longest, for the log.
    pub fn oldest_flying(&self) -> Option<i64> {
        self.offset_of(self.lanes.flights().next()?)
    }

    /// The records that an invocation was called with, for the log.
    pub fn offset_of(&self, id: u64) -> Option<i64> {
        let (item, _) = self.lanes.flight(id)?;
        self.ledger.get(item.seq).map(|entry| entry.offset)
    }

    /// The function has changed: a partition that stood still tries again.
    pub fn go_on(&mut self, version: u64) {
        if self.stopped.take().is_some() {
            self.least_version = version;
            self.lanes.unblock();
        }
    }

    /// The offset to store, if it has moved since the last call.
    pub fn advance(&mut self, now: Instant, metrics: &FunctionMetrics) -> Option<Next> {
        let finished = self.ledger.advance(|taken| metrics.settle.observe(now.saturating_duration_since(taken.at)));
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
        self.finished_before = Finished::read(&committed.note);
        // Until more is known, it goes with every commit as it came.
        self.note = (!self.finished_before.is_empty()).then(|| committed.note.as_str().into());
    }

    /// The offset that is to be committed next, if it is not already.
    pub fn uncommitted(&self) -> Option<i64> {
        self.stored.filter(|stored| self.in_group != Some(*stored))
    }

    /// The group stands here.
    pub fn committed_to(&mut self, offset: i64) {
        self.in_group = Some(offset);
    }

    /// The same partition, as if it had just been assigned.
    pub fn anew(self, lanes: Lanes, committed: Option<&Committed>) -> Partition {
        let (leaving, least_version) = (self.leaving, self.least_version);
        let mut fresh = Partition { leaving, least_version, ..Partition::new(self.at, self.slot, lanes) };
        if let Some(committed) = committed {
            fresh.begins_at(committed);
        }
        fresh
    }

    pub fn committed(&self) -> Option<i64> {
        self.stored
    }

    /// Whether nothing is underway that could still finish.
    pub fn is_quiet(&self) -> bool {
        !self.lanes.is_flying() && self.ledger.is_acknowledged()
    }

    pub fn underway(&self) -> usize {
        self.ledger.len()
    }

    /// When the lane may go on.
    pub fn due(&self) -> Option<Instant> {
        if !self.wants_isolate() {
            return None;
        }
        self.lanes.blocked_until().into_iter().chain(self.gathering_until).min()
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
