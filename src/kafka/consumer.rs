//! The group consumer of one function, used from one thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka_sys as sys;

use super::back::Back;
use super::log::{OffsetReset, log_of};
use super::native::{Client, Entry, Event, Kind, PartitionList, Queue, c_name};
use super::settings::pairs;
use super::slots::Slots;
use super::{Code, Error, GroupMetadata, Message, Next, Position, Result, Settings, Slot, TopicPartition, Wake};

/// How long dropping waits for the last commit and for leaving the group.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Going to another offset takes one exchange with a thread of librdkafka's, no network.
const SEEK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long we leave a transaction that is about to commit offsets before we ask for them again.
const UNSTABLE_PAUSE: Duration = Duration::from_millis(50);
/// How often every slot is reported as ready, should a wake ever be lost.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How many records of a partition are fetched ahead.
const AHEAD: &str = "queued.min.messages";
/// How many bytes a broker sends at a time, of all its partitions; a larger record is fetched all the same. (What may
/// come of one partition is `fetch.message.max.bytes`, which cannot be changed: librdkafka keeps a copy for each partition
/// from when it first hears of its topic.)
const FETCH: &str = "fetch.max.bytes";

const EVENTS: i32 = sys::RD_KAFKA_EVENT_REBALANCE | sys::RD_KAFKA_EVENT_OFFSET_COMMIT | sys::RD_KAFKA_EVENT_ERROR;

#[derive(Debug)]
pub enum ConsumerEvent {
    /// To be answered with `assign` when the owner is ready, even if it is empty, or the group
    /// waits for ever; heartbeats go on until then.
    Assign(Vec<TopicPartition>),
    /// To be answered with `unassign` when the owner has drained; heartbeats go on until then.
    /// `lost`: another member may own them already, so committing is pointless.
    Revoke { partitions: Vec<TopicPartition>, lost: bool },
    /// A position was out of its partition's range; taking goes on at the earliest offset.
    OffsetReset { partition: TopicPartition, detail: String },
    /// librdkafka goes on by itself.
    Error(Error),
    /// The consumer is of no more use and must be made anew.
    Fatal(Error),
}

/// Where a group stands on a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub partition: TopicPartition,
    pub offset: i64,
    /// Empty where none was committed.
    pub note: String,
}

/// Records of a partition never leave through `poll`, only through `take`,
/// so that a partition that is not taken fills its own bounded queue and then stops being fetched.
pub struct Consumer {
    slots: Slots,
    events: Queue,
    client: Arc<Client>,
    wake: Wake,
    resets: Arc<Mutex<Vec<OffsetReset>>>,
    back: Back,
    last_sweep: Instant,
    /// What is fetched ahead, and the most that it may be.
    ahead: Ahead,
    most: Ahead,
    left: bool,
}

/// Records of a partition that are fetched ahead, and bytes that are fetched at a time.
#[derive(Clone, Copy)]
struct Ahead {
    records: usize,
    bytes: usize,
}

impl Consumer {
    /// Connects in the background; joins the group when it subscribes.
    pub fn new(settings: &Settings, group: &str, wake: Wake) -> Result<Self> {
        let resets = Arc::new(Mutex::new(Vec::new()));
        let log = {
            let (resets, wake) = (Arc::clone(&resets), Arc::clone(&wake));
            log_of(format!("consumer of {group}"), move |reset| {
                lock(&resets).push(reset);
                wake();
            })
        };
        let properties = settings.consumer(group);
        let client = Client::new(Kind::Consumer, pairs(&properties), EVENTS, log)?;
        let number = |name| client.configured(name).unwrap_or_default();
        let most = Ahead { records: number(AHEAD), bytes: number(FETCH) };
        let mut events = Queue::consumer(&client)?;
        let on_event = Arc::clone(&wake);
        events.on_nonempty(Box::new(move || on_event()));
        let (slots, back) = (Slots::default(), Back::default());
        Ok(Self {
            slots,
            events,
            client,
            wake,
            resets,
            back,
            last_sweep: Instant::now(),
            ahead: most,
            most,
            left: false,
        })
    }

    /// Replaces the subscription; joins the group on the first call.
    pub fn subscribe(&mut self, topics: &[String]) -> Result<()> {
        let mut list = PartitionList::new(topics.len());
        for topic in topics {
            list.add(&c_name(topic)?, -1, Position::Committed.as_offset());
        }
        self.client.subscribe(&list)
    }

    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    /// Serves events without waiting. Until it returns `None` there may be more.
    ///
    /// It must be called at least once in `max.poll.interval.ms`, or the group takes the
    /// partitions away; `take` counts as such a call, waiting elsewhere does not.
    pub fn poll(&mut self) -> Option<ConsumerEvent> {
        if let Some(reset) = lock(&self.resets).pop() {
            let OffsetReset { partition, detail } = reset;
            self.back.begin(partition.clone());
            return Some(ConsumerEvent::OffsetReset { partition, detail });
        }
        loop {
            let event = self.events.poll(Duration::ZERO)?;
            if let Some(event) = self.translate(&event) {
                return Some(event);
            }
        }
    }

    fn translate(&mut self, event: &Event) -> Option<ConsumerEvent> {
        match event.kind() {
            sys::RD_KAFKA_EVENT_REBALANCE => Some(self.rebalance(event)),
            sys::RD_KAFKA_EVENT_ERROR if event.is_fatal() => {
                let error = self.client.fatal();
                let error = error.or_else(|| event.result("consuming").err())?;
                Some(ConsumerEvent::Fatal(error))
            }
            sys::RD_KAFKA_EVENT_ERROR => event.result("consuming").err().map(ConsumerEvent::Error),
            // The background commit had nothing new to commit.
            sys::RD_KAFKA_EVENT_OFFSET_COMMIT if event.code() == Code::NO_OFFSET => None,
            sys::RD_KAFKA_EVENT_OFFSET_COMMIT => {
                self.back.committed(event);
                let failed = event.result("committing offsets in the background").err();
                failed.map(ConsumerEvent::Error)
            }
            other => {
                tracing::debug!(target: "kafka", event = other, "unexpected event");
                None
            }
        }
    }

    fn rebalance(&self, event: &Event) -> ConsumerEvent {
        let entries = event.partitions();
        let partitions = entries.into_iter().map(|entry| entry.partition).collect();
        match event.code() {
            Code::ASSIGN_PARTITIONS => ConsumerEvent::Assign(partitions),
            // Any other answer of the group ends what was assigned, too.
            _ => ConsumerEvent::Revoke { partitions, lost: self.client.assignment_lost() },
        }
    }

    /// Answers `ConsumerEvent::Assign`; records begin to arrive. Slots are in the given order.
    pub fn assign(&mut self, partitions: &[(TopicPartition, Position)]) -> Result<Vec<Slot>> {
        let mut list = PartitionList::new(partitions.len());
        let mut slots = Vec::with_capacity(partitions.len());
        for (partition, position) in partitions {
            // A partition that comes back begins anew, and slots from before are refused.
            self.back.end(partition);
            self.slots.remove(partition);
            let slot = self.slots.insert(&self.client, partition, &self.wake)?;
            self.slots.get(slot)?.add_to(&mut list, position.as_offset());
            slots.push(slot);
        }
        if let Err(error) = self.client.assign(&list) {
            for (partition, _) in partitions {
                self.slots.remove(partition);
            }
            return Err(error);
        }
        Ok(slots)
    }

    /// Answers `ConsumerEvent::Revoke`. Stored offsets are committed on the way out.
    pub fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let mut list = PartitionList::new(partitions.len());
        for partition in partitions {
            // One that was never taken over must not be given up, or librdkafka refuses them all.
            if self.slots.remove(partition) {
                list.add_partition(partition, Position::Committed.as_offset());
            }
        }
        self.client.unassign(&list)
    }

    /// Appends the slots whose queue became non-empty since the last call.
    ///
    /// A slot is reported again only after `take` has returned fewer records than asked for,
    /// and may be reported without records.
    /// Once a second all slots are reported, so that a lost wake could only delay.
    pub fn ready(&mut self, out: &mut Vec<Slot>) {
        if self.last_sweep.elapsed() >= SWEEP_INTERVAL {
            self.last_sweep = Instant::now();
            self.slots.mark_all();
        }
        self.slots.drain_ready(out);
    }

    /// Appends up to `max` records of one partition without waiting, and says how many.
    ///
    /// An error does not end the partition: librdkafka goes on by itself, and records
    /// that came along are appended nevertheless.
    pub fn take(&mut self, slot: Slot, max: usize, out: &mut Vec<Message>) -> Result<usize> {
        let assigned = self.slots.get_mut(slot)?;
        assigned.queue.take(max, out)
    }

    /// From now on, no more of a partition is fetched while so many records of it are there, no broker sends more bytes at
    /// a time, and never so much that the configured properties would not allow it. Changes by less than a quarter are not
    /// worth making.
    pub fn fetch_ahead(&mut self, records: usize, bytes: usize) {
        let change = |name, now: &mut usize, wanted: usize| {
            if wanted.abs_diff(*now).saturating_mul(4) > *now && self.client.reconfigure(name, wanted) {
                *now = wanted;
            }
        };
        change(AHEAD, &mut self.ahead.records, records.min(self.most.records));
        change(FETCH, &mut self.ahead.bytes, bytes.min(self.most.bytes));
    }

    /// Goes to another position; records fetched from the old one never appear.
    pub fn restart(&mut self, slot: Slot, position: Position) -> Result<()> {
        let list = self.slots.list([(slot, position.as_offset())])?;
        self.client.seek(&list, SEEK_TIMEOUT)
    }

    /// Stops fetching and drops what was fetched ahead, to be fetched again later.
    /// For short stalls, just do not `take`.
    pub fn pause(&mut self, slots: &[Slot]) -> Result<()> {
        let list = self.slots.list(without_offsets(slots))?;
        self.client.pause(&list)
    }

    pub fn resume(&mut self, slots: &[Slot]) -> Result<()> {
        let list = self.slots.list(without_offsets(slots))?;
        self.client.resume(&list)
    }

    /// Hands the next offsets to the background commit (once a second, and on unassign).
    ///
    /// The background commit looks at offsets alone: a note that changes by itself goes with `commit_later`.
    pub fn store(&mut self, next: impl IntoIterator<Item = impl Into<Next>>) -> Result<()> {
        let list = self.slots.to_commit(next)?;
        self.client.store(&list)?;
        if self.back.goes_with(&list) { self.client.commit_later(&list) } else { Ok(()) }
    }

    /// Commits the next offsets without waiting; a failure comes as an event.
    pub fn commit_later(&mut self, next: impl IntoIterator<Item = impl Into<Next>>) -> Result<()> {
        let list = self.slots.to_commit(next)?;
        self.client.commit_later(&list)
    }

    /// Commits the next offsets and waits for Kafka's answer.
    pub fn commit(&mut self, next: impl IntoIterator<Item = impl Into<Next>>, timeout: Duration) -> Result<()> {
        let list = self.slots.to_commit(next)?;
        if list.is_empty() {
            return Ok(());
        }
        self.client.commit(&list, timeout)
    }

    /// The group's committed offsets, in the given order.
    pub fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>> {
        committed(&self.client, partitions, timeout)
    }

    /// Low and high watermark as of the last fetch; no network.
    pub fn watermarks(&self, slot: Slot) -> Option<(i64, i64)> {
        let assigned = self.slots.get(slot).ok()?;
        self.client.watermarks(&assigned.topic, assigned.partition.partition)
    }

    /// The offset behind the last taken record, transaction markers included.
    pub fn position(&self, slot: Slot) -> Option<i64> {
        let list = self.slots.list([(slot, 0)]).ok()?;
        self.client.positions(&list).ok()?.first()?.known()
    }

    /// The slot of an assigned partition.
    pub fn slot(&self, partition: &TopicPartition) -> Option<Slot> {
        self.slots.slot(partition)
    }

    /// The partition of a slot that is still assigned.
    pub fn partition(&self, slot: Slot) -> Option<&TopicPartition> {
        Some(&self.slots.get(slot).ok()?.partition)
    }

    /// Whether the group has already given our partitions to others.
    pub fn assignment_lost(&self) -> bool {
        self.client.assignment_lost()
    }

    /// What a transaction needs to know to commit for this member, and for it alone. `None` while it is none, or has lost
    /// its partitions: Kafka would check nothing, or too late.
    pub fn group_metadata(&self) -> Option<GroupMetadata> {
        let metadata = self.client.group_metadata()?;
        (metadata.is_member() && !self.assignment_lost()).then_some(metadata)
    }

    /// Commits stored offsets and leaves the group, but waits no longer than this.
    /// Records still held keep the client's threads alive until they are dropped.
    pub fn close(mut self, timeout: Duration) -> Result<()> {
        self.leave(timeout)
    }

    fn leave(&mut self, timeout: Duration) -> Result<()> {
        if std::mem::replace(&mut self.left, true) {
            return Ok(());
        }
        let deadline = Instant::now() + timeout;
        self.slots.clear();
        self.client.begin_close(&self.events)?;
        while !self.client.closed() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.client.abandon();
                return Err(Error::Client(format!("the group did not let go within {timeout:?}")));
            }
            let Some(event) = self.events.poll(left.min(Duration::from_millis(100))) else {
                continue;
            };
            if event.kind() == sys::RD_KAFKA_EVENT_REBALANCE {
                // Whatever it asks: on the way out nothing is kept.
                self.client.unassign_all()?;
            }
        }
        Ok(())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Err(error) = self.leave(CLOSE_TIMEOUT) {
            tracing::warn!(target: "kafka", %error, "the consumer did not leave its group in order");
        }
    }
}

pub(super) fn committed(
    client: &Client,
    partitions: &[TopicPartition],
    timeout: Duration,
) -> Result<Vec<(TopicPartition, Option<i64>)>> {
    Ok(committed_entries(client, partitions, timeout)?
        .into_iter()
        .map(|entry| {
            let offset = entry.known();
            (entry.partition, offset)
        })
        .collect())
}

/// Waits for transactions that are about to commit other offsets, since until then there is no answer, and no answer must
/// not be taken for no offset.
pub(super) fn committed_entries(
    client: &Client,
    partitions: &[TopicPartition],
    timeout: Duration,
) -> Result<Vec<Entry>> {
    let mut list = PartitionList::new(partitions.len());
    for partition in partitions {
        list.add_partition(partition, Position::Committed.as_offset());
    }
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let entries = client.committed(&list, left)?;
        match entries.iter().find(|entry| entry.code != Code(0)) {
            None => return Ok(entries),
            Some(entry) if entry.code == Code::UNSTABLE_OFFSET && left > UNSTABLE_PAUSE => {
                std::thread::sleep(UNSTABLE_PAUSE);
            }
            Some(Entry { partition, code, .. }) => {
                let reason = format!("{partition}: {code}");
                return Err(Error::Kafka { operation: "asking for committed offsets", code: *code, reason });
            }
        }
    }
}

fn without_offsets(slots: &[Slot]) -> impl Iterator<Item = (Slot, i64)> {
    slots.iter().map(|&slot| (slot, 0))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A consumer is used by one thread at a time, not bound to one.
const fn assert_send<T: Send>() {}
const _: () = assert_send::<Consumer>();

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(properties: &[(&str, &str)]) -> Consumer {
        let mut settings = Settings::new("127.0.0.1:1");
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        settings.properties.extend(properties.iter().map(owned));
        Consumer::new(&settings, "g", Arc::new(|| {})).unwrap()
    }

    fn fetched(consumer: &mut Consumer, records: usize, bytes: usize) -> (usize, usize) {
        consumer.fetch_ahead(records, bytes);
        let number = |name| consumer.client.configured(name).unwrap();
        assert_eq!(number("fetch.message.max.bytes"), 1 << 20, "no partition is stuck with what held when it came");
        (number(AHEAD), number(FETCH))
    }

    #[test]
    fn what_is_fetched_follows_what_there_is_room_for_up_and_down() {
        let mut consumer = consumer(&[]);
        assert_eq!(fetched(&mut consumer, usize::MAX, usize::MAX), (20_000, 8 << 20));
        assert_eq!(fetched(&mut consumer, 10, 64 << 10), (10, 64 << 10));
        assert_eq!(fetched(&mut consumer, 11, 65 << 10), (10, 64 << 10), "hardly anything has changed");
        assert_eq!(fetched(&mut consumer, 5000, 1 << 20), (5000, 1 << 20));
        assert_eq!(fetched(&mut consumer, usize::MAX, usize::MAX), (20_000, 8 << 20));
    }

    #[test]
    fn no_more_is_fetched_than_was_configured_however_it_was_written() {
        let mut consumer = consumer(&[("queued.min.messages", " 0x64"), ("fetch.max.bytes", "2000000")]);
        assert_eq!(fetched(&mut consumer, usize::MAX, usize::MAX), (100, 2_000_000));
        assert_eq!(fetched(&mut consumer, 10, 1000), (10, 1000));
    }
}
