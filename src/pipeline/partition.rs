//! One assigned partition of one function: its records between poll and commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::footnote::Finished;
use super::isolates::{Held, Version};
use super::lane::{Grouping, Item, Lane, Window};
use super::lanes::Lanes;
use super::ledger::{Ledger, Seq};
use super::runs::Runs;
use super::screen::Screen;
use super::unsettled::Unsettled;
use super::withheld::Withheld;
use crate::kafka::{Message, Slot, TopicPartition};
use crate::outcome::Outcome;
use crate::protocol::control::Handler;
use crate::protocol::run::{Invocation, RecordView, RunBuilder};
use crate::telemetry::FunctionMetrics;

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
    pub(super) at: Instant,
    /// It was sent to an isolate.
    pub(super) sent: bool,
    /// Runs, once it has settled.
    pub(super) attempts: u32,
    /// It has a dead letter.
    pub(super) buried: bool,
}

impl Taken {
    pub(super) fn new(message: Message, at: Instant) -> Taken {
        Taken { message, at, sent: false, attempts: 0, buried: false }
    }
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
    /// It holds as much as it may, and takes no more until some of that is finished.
    pub(super) is_full: bool,
    /// For how many ticks it has had no records.
    pub(super) calm: u32,
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
    pub(super) stored: Option<i64>,
    /// Where the group stands was asked for. Nothing is taken before that is known.
    pub(super) unsettled: Option<Unsettled>,
    /// Where the group stands, as far as we know. Only for exactly-once.
    pub(super) in_group: Option<i64>,
    /// Records before that may come: there is no such offset any more, or Kafka's client was sent back already.
    pub(super) may_stray: bool,
    /// What is written when all before it have settled.
    pub(super) withheld: BTreeMap<Seq, Withheld>,
    /// Behind the last record that was taken.
    pub(super) taken_to: Option<i64>,
    /// Behind the furthest record that was ever taken.
    pub(super) highest: i64,
    /// Behind the last record that is wanted, where not all are.
    pub(super) end: Option<i64>,
    /// Everything that is wanted was taken.
    pub(super) is_over: bool,
    /// Kafka's client has reported an error since, and its own position is not to be trusted.
    pub(super) doubtful: bool,
    pub(super) landed: Vec<Item>,
    /// What was finished beyond the position when the partition was taken over.
    pub(super) finished_before: Finished,
    /// What was finished beyond the position when that was last written down.
    pub(super) note: Option<Arc<str>>,
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
            is_full: false,
            calm: 0,
            leaving: false,
            stopped: None,
            held_back: None,
            sifted: None,
            least_version: 0,
            gathering_until: None,
            stored: None,
            unsettled: None,
            in_group: None,
            may_stray: false,
            withheld: BTreeMap::new(),
            taken_to: None,
            highest: 0,
            end: None,
            is_over: false,
            doubtful: false,
            landed: Vec::new(),
            finished_before: Finished::default(),
            note: None,
        }
    }

    /// Whether there is something to run and nothing forbids it.
    pub fn wants_isolate(&self) -> bool {
        (self.lanes.waiting() > 0 || self.held_back.is_some()) && !self.leaving && self.stopped.is_none()
    }

    /// Whether the record that is sent next may have brought a worker down.
    pub fn next_is_alone(&self) -> bool {
        self.held_back.is_none() && self.lanes.next_is_alone()
    }

    /// Hands what the lane may send to `held` to its message; `sharing` partitions have records for the isolate. Moves the
    /// lane over first, if it still flies in another isolate.
    pub fn feed(
        &mut self,
        held: &Held,
        old: Option<&Held>,
        sharing: usize,
        now: Instant,
        metrics: &FunctionMetrics,
        runs: &mut Runs,
    ) {
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
        let window = Window::of(held.credit, grouping, sharing);
        let topic = Arc::clone(&self.at.topic);
        let send = |message| held.isolate.send(message);
        let run = runs.to(held);
        let mut items = Vec::new();
        let mut queued = metrics.queue.tally();
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
            let message = run.message(&topic, send);
            message.invocation(&Invocation {
                id,
                lane: Lane::of(id),
                epoch,
                attempt: (items[0].attempts + 1).min(u32::from(u16::MAX)) as u16,
                records: items.len() as u32,
            });
            for item in items.drain(..) {
                if let Some(entry) = self.ledger.get_mut(item.seq) {
                    put(message, &topic, &entry.record.message);
                    // One that came back without having run is sent again.
                    if !std::mem::replace(&mut entry.record.sent, true) {
                        queued.observe(now.saturating_duration_since(entry.record.at));
                    }
                }
            }
            run.grown(send);
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
        // Where there is no room for others, none will come.
        if max_wait.is_zero() || grouping.records <= 1 || self.is_full {
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

    /// The same partition, as if it had just been assigned.
    pub fn anew(self, lanes: Lanes) -> Partition {
        let (leaving, least_version) = (self.leaving, self.least_version);
        Partition { leaving, least_version, end: self.end, ..Partition::new(self.at, self.slot, lanes) }
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

fn put(run: &mut RunBuilder, topic: &str, message: &Message) {
    let view = RecordView {
        topic,
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().unwrap_or(-1),
        key: message.key(),
        value: message.value(),
    };
    run.record(&view, message.headers());
}
