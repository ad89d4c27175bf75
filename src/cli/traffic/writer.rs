//! Writes records to topics and knows how many of them Kafka has.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};

use super::Line;
use crate::kafka::{Batching, Deliveries, Outgoing, ProduceError, Producer, Report, Settings, Topic};

/// How long to leave a full queue alone.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

pub(in crate::cli) struct Writer {
    producer: Producer,
    topics: BTreeMap<String, Topic>,
    delivered: Arc<Delivered>,
}

#[derive(Default)]
struct Delivered {
    acknowledged: AtomicU64,
    first_failure: Mutex<Option<String>>,
}

impl Deliveries for Delivered {
    fn delivered(&self, reports: &[Report<'_>]) {
        for report in reports {
            match report.result() {
                Ok(_) => {
                    self.acknowledged.fetch_add(1, Relaxed);
                }
                Err(_) => {
                    let mut failure = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
                    failure.get_or_insert_with(|| format!("{}: {}", report.topic(), report.reason()));
                }
            }
        }
    }
}

impl Writer {
    pub(in crate::cli) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let delivered = Arc::<Delivered>::default();
        let producer = Producer::new(settings, Batching::Shared, Arc::clone(&delivered) as Arc<dyn Deliveries>)?;
        Ok(Writer { producer, topics: BTreeMap::new(), delivered })
    }

    /// Queues a record, and waits while the queue is full. Without a timestamp (milliseconds since 1970) it is now.
    pub(in crate::cli) fn write(&mut self, topic: &str, line: &Line, timestamp: Option<i64>) -> anyhow::Result<()> {
        if !self.topics.contains_key(topic) {
            self.topics.insert(topic.to_owned(), self.producer.topic(topic)?);
        }
        let record = Outgoing {
            topic: &self.topics[topic],
            partition: None,
            timestamp,
            key: line.key.as_deref().map(str::as_bytes),
            value: Some(&line.value),
            opaque: 0,
        };
        loop {
            match self.producer.produce(record, []) {
                Ok(()) => return self.check(),
                Err(ProduceError::QueueFull) => thread::sleep(FULL_QUEUE_PAUSE),
                Err(error) => return Err(error).with_context(|| format!("cannot write to {topic}")),
            }
        }
    }

    /// Records that Kafka has acknowledged.
    pub(in crate::cli) fn acknowledged(&self) -> u64 {
        self.delivered.acknowledged.load(Relaxed)
    }

    /// Waits until Kafka has everything.
    pub(in crate::cli) fn finish(&self, timeout: Duration) -> anyhow::Result<u64> {
        self.producer.flush(timeout).context("not all records could be written")?;
        self.check()?;
        Ok(self.acknowledged())
    }

    fn check(&self) -> anyhow::Result<()> {
        match &*self.delivered.first_failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => bail!("Kafka did not take a record: {failure}"),
            None => Ok(()),
        }
    }
}
