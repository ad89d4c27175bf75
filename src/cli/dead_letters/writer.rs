//! Writing what comes of letters, so that of each it is known whether Kafka has it: one by one, or in transactions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::marks;
use crate::{
    cli::{exit, failure::Failure, invoke::Header},
    kafka::{self, Batching, Deliveries, Outgoing, ProduceError, Producer, Report, Settings, Topic, TransactionError},
};

/// How long Kafka may take for what was written together.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long to leave a full queue alone.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// One record to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) topic: &'a str,
    /// By the key, where there is none.
    pub(super) partition: Option<i32>,
    /// Now, where there is none.
    pub(super) timestamp: Option<i64>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: &'a [Header],
}

impl<'a> Record<'a> {
    pub(super) fn mark(key: &'a [u8], value: Option<&'a [u8]>) -> Record<'a> {
        Record { topic: marks::TOPIC, partition: None, timestamp: None, key: Some(key), value, headers: &[] }
    }
}

pub(super) struct Writer {
    producer: Producer,
    topics: BTreeMap<String, Topic>,
    reports: Arc<Reports>,
    /// Records that have a report, or will have one.
    queued: usize,
    transactional: bool,
}

/// What became of the records, by the number of what each was written for.
#[derive(Default)]
struct Reports {
    heard: Mutex<Heard>,
    more: Condvar,
}

/// What Kafka did not take.
struct Refused {
    number: usize,
    reason: String,
    /// It was this record itself that was refused, and not one behind or beside it in its transaction.
    itself: bool,
}

#[derive(Default)]
struct Heard {
    reports: usize,
    /// In the order in which it was heard.
    refused: Vec<Refused>,
}

impl Deliveries for Reports {
    fn delivered(&self, reports: &[Report<'_>]) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.reports += reports.len();
        for report in reports {
            let Err(code) = report.result() else { continue };
            let reason = format!("{}: {}", report.topic(), report.reason());
            heard.refused.push(Refused { number: report.opaque(), reason, itself: code.is_from_broker() });
        }
        self.more.notify_all();
    }
}

impl Writer {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Writer> {
        let reports = Arc::<Reports>::default();
        // Each record in a batch of its own, so that one that Kafka refuses takes no others with it.
        let producer = Producer::new(settings, Batching::Alone, Arc::clone(&reports) as Arc<dyn Deliveries>)?;
        Ok(Writer { producer, topics: BTreeMap::new(), reports, queued: 0, transactional: false })
    }

    /// Writes in transactions. Whoever wrote under this id before can do so no more, and what they had left open is gone.
    pub(super) fn transactional(settings: &Settings, id: &str) -> anyhow::Result<Writer> {
        let reports = Arc::<Reports>::default();
        let deliveries = Arc::clone(&reports) as Arc<dyn Deliveries>;
        let producer = Producer::transactional(settings, id, Batching::Alone, deliveries)?;
        patiently(|timeout| producer.init_transactions(timeout))?;
        Ok(Writer { producer, topics: BTreeMap::new(), reports, queued: 0, transactional: true })
    }

    pub(super) fn is_transactional(&self) -> bool {
        self.transactional
    }

    /// Queues a record that belongs to what has this number.
    pub(super) fn write(&mut self, number: usize, record: &Record<'_>) -> anyhow::Result<()> {
        if !self.topics.contains_key(record.topic) {
            self.topics.insert(record.topic.to_owned(), self.producer.topic(record.topic)?);
        }
        let outgoing = Outgoing {
            topic: &self.topics[record.topic],
            partition: record.partition,
            timestamp: record.timestamp,
            key: record.key,
            value: record.value,
            opaque: number,
        };
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let headers = record.headers.iter().map(|(name, value)| (&name[..], value.as_deref()));
            match self.producer.produce(outgoing, headers) {
                Ok(()) => {
                    self.queued += 1;
                    return Ok(());
                }
                Err(ProduceError::QueueFull) if Instant::now() < deadline => thread::sleep(FULL_QUEUE_PAUSE),
                Err(error @ (ProduceError::TooLarge | ProduceError::UnknownPartition | ProduceError::UnknownTopic)) => {
                    let mut heard = self.reports.heard.lock().unwrap_or_else(PoisonError::into_inner);
                    let reason = format!("{}: {error}", record.topic);
                    heard.refused.push(Refused { number, reason, itself: true });
                    return Ok(());
                }
                Err(error) => return Err(error).with_context(|| format!("cannot write to {}", record.topic)),
            }
        }
    }

    /// Waits until Kafka has everything; gives the numbers of what it did not take, and why. In a transaction it is one
    /// alone: with it all others are given up, for no reason of their own, some of them before it is heard of.
    pub(super) fn flush(&mut self) -> anyhow::Result<BTreeMap<usize, String>> {
        self.producer.flush(TIMEOUT).context("Kafka did not take what was written")?;
        let mut refused = self.all_reported()?;
        if self.transactional {
            let first = refused.iter().position(|refused| refused.itself).unwrap_or(0);
            refused = refused.into_iter().skip(first).take(1).collect();
        }
        // Of several reasons the first is kept.
        Ok(refused.into_iter().rev().map(|refused| (refused.number, refused.reason)).collect())
    }

    /// The last reports may still be on their way when nothing is outstanding any more.
    fn all_reported(&self) -> anyhow::Result<Vec<Refused>> {
        let heard = self.reports.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let some_missing = |heard: &mut Heard| heard.reports < self.queued;
        let (mut heard, waited) =
            self.reports.more.wait_timeout_while(heard, TIMEOUT, some_missing).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            bail!("Kafka's client did not say what became of all records");
        }
        Ok(std::mem::take(&mut heard.refused))
    }

    pub(super) fn begin(&self) -> anyhow::Result<()> {
        if self.transactional {
            self.producer.begin_transaction().map_err(lost)?;
        }
        Ok(())
    }

    pub(super) fn commit(&self) -> anyhow::Result<()> {
        patiently(|timeout| self.producer.commit_transaction(timeout))
    }

    /// Makes undone what was written since it began.
    pub(super) fn abort(&self) -> anyhow::Result<()> {
        patiently(|timeout| self.producer.abort_transaction(timeout))?;
        // What was given up is reported as refused, and says nothing about the records.
        self.all_reported().map(drop)
    }

    /// Removes marks for which there are no letters any more.
    pub(super) fn forget(&mut self, keys: Vec<String>) -> anyhow::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.begin()?;
        for key in &keys {
            self.write(0, &Record::mark(key.as_bytes(), None))?;
        }
        self.flush()?;
        if self.transactional { self.commit() } else { Ok(()) }
    }
}

/// Makes the same call again for as long as that is what there is to do.
fn patiently(call: impl Fn(Duration) -> Result<(), TransactionError>) -> anyhow::Result<()> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match call(deadline.saturating_duration_since(Instant::now())) {
            Err(error) if error.failure == kafka::Failure::Retriable && Instant::now() < deadline => {}
            answer => return answer.map_err(|error| lost(error).into()),
        }
    }
}

fn lost(error: TransactionError) -> Failure {
    let hint = match error.failure {
        kafka::Failure::Fenced => "another replay of this function has begun; let it end, then replay what is left",
        _ => "replay again: what was replayed is marked, and is left out",
    };
    Failure::new(exit::FAILURE, error.to_string()).with_hint(hint)
}
