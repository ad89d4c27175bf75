//! The producer of a node: many threads produce, one thread reports deliveries.

use std::sync::Arc;
use std::time::Duration;

use super::{Code, Error, Headers, Result, Settings};

/// Receives what became of produced records.
pub trait Deliveries: Send + Sync + 'static {
    /// Called on the producer's own thread, once for each batch of reports.
    /// It must not wait, and must not call `flush`; producing from here is allowed.
    fn delivered(&self, reports: &[Report<'_>]);
}

/// Whether records share produce requests' batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    Shared,
    /// Each record is a batch of its own, so that a refusal hits nobody else.
    Alone,
}

/// What became of one record. Its bytes are still there, so that it can be sent again.
pub struct Report<'a>(std::marker::PhantomData<&'a ()>);

impl Report<'_> {
    pub fn opaque(&self) -> usize {
        todo!()
    }
    /// Partition and offset, or why Kafka does not have the record.
    pub fn result(&self) -> Result<(i32, i64), Code> {
        todo!()
    }
    pub fn reason(&self) -> String {
        todo!()
    }
    pub fn topic(&self) -> &str {
        todo!()
    }
    pub fn partition(&self) -> i32 {
        todo!()
    }
    pub fn timestamp(&self) -> Option<i64> {
        todo!()
    }
    pub fn key(&self) -> Option<&[u8]> {
        todo!()
    }
    pub fn value(&self) -> Option<&[u8]> {
        todo!()
    }
    pub fn headers(&self) -> Headers<'_> {
        todo!()
    }
}

/// A topic as the producer knows it; cheap to clone.
#[derive(Clone)]
pub struct Topic {}

impl Topic {
    pub fn name(&self) -> &str {
        todo!()
    }
    /// The partition that Java's clients choose for this key, once metadata is known.
    pub fn partitions(&self) -> Option<i32> {
        todo!()
    }
}

/// One record to be written. Its bytes are copied.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    pub topic: &'a Topic,
    /// `None`: by the key as Java's clients do, at random for a null key.
    pub partition: Option<i32>,
    /// `None`: now.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Comes back in the report.
    pub opaque: usize,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum ProduceError {
    /// Try again after the next delivery.
    #[error("the producer's queue is full")]
    QueueFull,
    #[error("the record is larger than the producer may send")]
    TooLarge,
    #[error("the topic does not exist")]
    UnknownTopic,
    #[error("the topic has no such partition")]
    UnknownPartition,
    /// The producer is of no more use and must be made anew.
    #[error("the producer failed for good: {0}")]
    Fatal(String),
    #[error(transparent)]
    Other(Error),
}

/// Cheap to clone; the last clone that is dropped flushes briefly, purges and stops the thread.
#[derive(Clone)]
pub struct Producer {}

impl Producer {
    pub fn new(_settings: &Settings, _batching: Batching, _deliveries: Arc<dyn Deliveries>) -> Result<Self> {
        todo!()
    }

    pub fn topic(&self, _name: &str) -> Result<Topic> {
        todo!()
    }

    /// Queues one record and returns at once. On an error there will be no report.
    pub fn produce<'h>(
        &self,
        _record: Outgoing<'_>,
        _headers: impl IntoIterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) -> Result<(), ProduceError> {
        todo!()
    }

    /// Sends what is queued without lingering and waits until all has been reported.
    pub fn flush(&self, _timeout: Duration) -> Result<()> {
        todo!()
    }

    /// Records that have no report yet.
    pub fn in_flight(&self) -> usize {
        todo!()
    }

    /// The error after which this producer does nothing more, if it has met one.
    pub fn fatal(&self) -> Option<Error> {
        todo!()
    }
}
