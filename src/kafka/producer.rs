//! The producer of a node: many threads produce, one thread reports deliveries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka_sys as sys;

use super::log::{plain_log_of, report};
use super::native::{Client, Kind, Queue, Refusal, TopicHandle};
use super::settings::{Properties, pairs};
use super::{Code, Error, Report, Result, Settings};

/// How long dropping waits for records that nobody flushed.
const DROP_FLUSH: Duration = Duration::from_secs(1);
/// How long dropping waits for the reports of what it then gave up.
const DROP_PURGE: Duration = Duration::from_secs(2);
/// The thread is interrupted to stop; this is only how often it looks without that.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);

const EVENTS: i32 = sys::RD_KAFKA_EVENT_DR | sys::RD_KAFKA_EVENT_ERROR;

/// Receives what became of produced records.
pub trait Deliveries: Send + Sync + 'static {
    /// Called on the producer's own thread, once for each batch of reports.
    ///
    /// It must not wait and must not `flush`, since nothing is reported meanwhile.
    /// The receiver must not hold the producer, or neither is ever dropped.
    fn delivered(&self, reports: &[Report<'_>]);
}

/// Whether records share the batches that Kafka accepts or refuses as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    Shared,
    /// Each record is a batch of its own, so that a refusal hits nobody else. Slow.
    Alone,
}

/// One record to be written. Its bytes are copied.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    pub topic: &'a Topic,
    /// `None`: by the key as Java's clients do, anywhere for a null key.
    pub partition: Option<i32>,
    /// Milliseconds since 1970. `None`, and 0, which librdkafka cannot send: now.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Comes back in the report.
    pub opaque: usize,
}

/// A topic as one producer knows it; cheap to clone.
#[derive(Clone)]
pub struct Topic(Arc<TopicHandle>);

impl Topic {
    pub fn name(&self) -> &str {
        self.0.name()
    }
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

/// Cheap to clone. When the last clone is dropped, what is left gets a second to be delivered,
/// is then reported as purged, and the thread ends.
#[derive(Clone)]
pub struct Producer(Arc<Inner>);

struct Inner {
    client: Arc<Client>,
    queue: Arc<Queue>,
    stop: Arc<AtomicBool>,
    /// Whether nobody waits for what is left when it ends.
    abandoned: AtomicBool,
    thread: Option<JoinHandle<()>>,
}

impl Producer {
    /// Connects in the background.
    pub fn new(settings: &Settings, batching: Batching, deliveries: Arc<dyn Deliveries>) -> Result<Self> {
        Self::with(&settings.producer(batching), "producer".to_owned(), deliveries)
    }

    /// One that writes in transactions, under an id that nobody else uses at the same time.
    pub fn transactional(
        settings: &Settings,
        id: &str,
        batching: Batching,
        deliveries: Arc<dyn Deliveries>,
    ) -> Result<Self> {
        Self::with(&settings.transactional(id, batching), format!("producer of {id}"), deliveries)
    }

    fn with(properties: &Properties, name: String, deliveries: Arc<dyn Deliveries>) -> Result<Self> {
        let log = plain_log_of(name);
        let client = Client::new(Kind::Producer, pairs(properties), EVENTS, log)?;
        let queue = Arc::new(Queue::main(&client));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (queue, stop) = (Arc::clone(&queue), Arc::clone(&stop));
            thread::Builder::new()
                .name("kafka-deliveries".to_owned())
                .spawn(move || report_deliveries(&queue, &stop, &*deliveries))
                .map_err(|error| Error::Client(format!("no thread for deliveries: {error}")))?
        };
        Ok(Self(Arc::new(Inner { client, queue, stop, abandoned: AtomicBool::new(false), thread: Some(thread) })))
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Waits for nothing when it is dropped, because a call of it may never return.
    pub fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.client.abandon();
    }

    /// To be kept, because looking up is slow.
    pub fn topic(&self, name: &str) -> Result<Topic> {
        let handle = TopicHandle::new(&self.0.client, name)?;
        Ok(Topic(Arc::new(handle)))
    }

    /// Queues one record and returns at once. After an error there is no report.
    pub fn produce<'h>(
        &self,
        record: Outgoing<'_>,
        headers: impl IntoIterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) -> Result<(), ProduceError> {
        let queued = record.topic.0.produce(
            record.partition,
            record.timestamp,
            record.key,
            record.value,
            headers.into_iter(),
            record.opaque,
        );
        queued.map_err(|refusal| self.explain(refusal))
    }

    fn explain(&self, Refusal { code, reason }: Refusal) -> ProduceError {
        match code {
            Code::QUEUE_FULL => ProduceError::QueueFull,
            Code::TOO_LARGE => ProduceError::TooLarge,
            Code::UNKNOWN_TOPIC | Code::UNKNOWN_TOPIC_OR_PARTITION => ProduceError::UnknownTopic,
            Code::UNKNOWN_PARTITION => ProduceError::UnknownPartition,
            Code::FATAL => {
                let cause = self.fatal().map(|error| error.to_string());
                ProduceError::Fatal(cause.unwrap_or(reason))
            }
            code => ProduceError::Other(Error::Kafka { operation: "producing", code, reason }),
        }
    }

    /// Sends what is queued without lingering and waits until all has been reported.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.0.client.flush(timeout)
    }

    /// About how many records have no report yet.
    pub fn in_flight(&self) -> usize {
        self.0.client.outstanding()
    }

    /// The error after which this producer does nothing more, if it has met one.
    pub fn fatal(&self) -> Option<Error> {
        self.0.client.fatal()
    }
}

fn report_deliveries(queue: &Queue, stop: &AtomicBool, deliveries: &dyn Deliveries) {
    while !stop.load(Ordering::Acquire) {
        let Some(event) = queue.poll(POLL_TIMEOUT) else {
            continue;
        };
        match event.kind() {
            sys::RD_KAFKA_EVENT_DR => event.with_reports(|reports| deliveries.delivered(reports)),
            sys::RD_KAFKA_EVENT_ERROR => {
                if let Err(error) = event.result("producing") {
                    report("producer", &error);
                }
            }
            other => tracing::debug!(target: "kafka", event = other, "unexpected event"),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Dropped by the thread itself, there is nobody to report to and nobody to wait for.
        let own = thread.thread().id() == thread::current().id();
        let waits = !own && !self.abandoned.load(Ordering::Acquire);
        if waits && self.client.flush(DROP_FLUSH).is_err() {
            self.client.purge();
            let deadline = Instant::now() + DROP_PURGE;
            while self.client.outstanding() > 0 && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(5));
            }
        }
        self.stop.store(true, Ordering::Release);
        self.queue.interrupt();
        if !own && thread.join().is_err() {
            tracing::error!(target: "kafka", "the receiver of deliveries panicked");
        }
    }
}
