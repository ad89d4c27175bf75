//! Writing results to Kafka and hearing what became of them.
//!
//! A node has one [`Sinks`], with the producer that all functions share; each subscription has a [`Sink`] of its own,
//! which knows which result belongs to which record. Nothing here waits: what Kafka's client does not take now, or
//! could not deliver, is kept in order and offered again, and while anything is kept the subscription takes no more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::outbox::{Kept, Outbox};
use super::tickets::{Ticket, Tickets};
use crate::kafka::{Batching, Code, Deliveries, Outgoing, ProduceError, Producer, Report, Settings, Topic, Topics};
use crate::outcome::Outcome;

/// How long we ask Kafka for a topic's size limit.
const LIMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a result that Kafka could not take waits before it is offered again.
const AGAIN: Duration = Duration::from_millis(500);
/// Bytes that Kafka's record format may add to key, value and headers, generously.
const RECORD_OVERHEAD: usize = 128;

/// Errors of the broker that concern a record, or the batch that it was in, rather than the topic.
const MESSAGE_TOO_LARGE: Code = Code(10);
const BATCH_TOO_LARGE: Code = Code(18);
const INVALID_TIMESTAMP: Code = Code(32);
const INVALID_RECORD: Code = Code(87);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The node's producers.
pub struct Sinks {
    settings: Settings,
    router: Arc<Router>,
    shared: RwLock<Shared>,
    /// Sends each record in a batch of its own, for those that a broker refused together with others.
    alone: OnceLock<Producer>,
    topics: Arc<Topics>,
    limits: Mutex<HashMap<String, Option<u64>>>,
}

/// The producer that all functions share, and how many there were before it.
#[derive(Clone)]
struct Shared {
    producer: Producer,
    generation: u64,
}

/// Hands delivery reports to the subscriptions.
#[derive(Default)]
struct Router {
    mailboxes: RwLock<Vec<Option<Arc<Mailbox>>>>,
}

struct Mailbox {
    reports: Mutex<Vec<(u32, Option<Box<Undelivered>>)>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

struct Undelivered {
    code: Code,
    reason: String,
    kept: Kept,
}

/// One producer's side of the router.
struct Reporter {
    router: Arc<Router>,
    /// Whether its producer sends each record in a batch of its own.
    alone: bool,
}

impl Deliveries for Reporter {
    fn delivered(&self, reports: &[Report<'_>]) {
        let mailboxes = self.router.mailboxes.read().unwrap_or_else(PoisonError::into_inner);
        // One lock and one wake for each run of reports of the same subscription, which is nearly always all of them.
        for run in reports.chunk_by(|one, next| split(one.opaque()).0 == split(next.opaque()).0) {
            let number = split(run[0].opaque()).0;
            let Some(Some(mailbox)) = mailboxes.get(number as usize) else { continue };
            let mut inbox = lock(&mailbox.reports);
            inbox.extend(run.iter().map(|report| {
                let ticket = split(report.opaque()).1;
                let failed = report.result().err().map(|code| {
                    Box::new(Undelivered { code, reason: report.reason(), kept: Kept::from_report(report, self.alone) })
                });
                (ticket, failed)
            }));
            drop(inbox);
            (mailbox.wake)();
        }
    }
}

fn join(subscription: u32, ticket: u32) -> usize {
    (subscription as usize) << 32 | ticket as usize
}

fn split(opaque: usize) -> (u32, u32) {
    ((opaque >> 32) as u32, opaque as u32)
}

fn producer(settings: &Settings, router: &Arc<Router>, batching: Batching) -> crate::kafka::Result<Producer> {
    let reporter = Reporter { router: Arc::clone(router), alone: batching == Batching::Alone };
    Producer::new(settings, batching, Arc::new(reporter))
}

impl Sinks {
    pub fn new(settings: Settings, topics: Arc<Topics>) -> crate::kafka::Result<Arc<Sinks>> {
        let router = Arc::new(Router::default());
        let shared = producer(&settings, &router, Batching::Shared)?;
        Ok(Arc::new(Sinks {
            settings,
            router,
            shared: RwLock::new(Shared { producer: shared, generation: 0 }),
            alone: OnceLock::new(),
            topics,
            limits: Mutex::default(),
        }))
    }

    /// A subscription's own sink; `wake` is called when there are reports to collect.
    pub fn open(self: &Arc<Sinks>, wake: Arc<dyn Fn() + Send + Sync>) -> Sink {
        let mailbox = Arc::new(Mailbox { reports: Mutex::default(), wake });
        let mut mailboxes = self.router.mailboxes.write().unwrap_or_else(PoisonError::into_inner);
        let number = mailboxes.iter().position(Option::is_none).unwrap_or_else(|| {
            mailboxes.push(None);
            mailboxes.len() - 1
        });
        mailboxes[number] = Some(Arc::clone(&mailbox));
        Sink {
            node: Arc::clone(self),
            number: number as u32,
            mailbox,
            tickets: Tickets::default(),
            outbox: Outbox::default(),
            trouble: None,
        }
    }

    fn shared(&self) -> Shared {
        self.shared.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn alone(&self) -> crate::kafka::Result<Producer> {
        if let Some(producer) = self.alone.get() {
            return Ok(producer.clone());
        }
        let made = producer(&self.settings, &self.router, Batching::Alone)?;
        Ok(self.alone.get_or_init(|| made).clone())
    }

    /// An idempotent producer that met a fatal error is of no more use; its records come back as undelivered.
    fn renew(&self) {
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        if shared.producer.fatal().is_none() {
            return;
        }
        match producer(&self.settings, &self.router, Batching::Shared) {
            Ok(fresh) => *shared = Shared { producer: fresh, generation: shared.generation + 1 },
            Err(error) => tracing::error!(%error, "cannot replace the failed producer, trying again"),
        }
    }

    /// The limit that a topic has refused a record of this size for; asked for anew if the known one is larger.
    fn limit_below(&self, topic: &str, size: usize) -> Option<u64> {
        let known = lock(&self.limits).get(topic).copied().flatten();
        if known.is_some_and(|max| max < size as u64) {
            return known;
        }
        let asked = self.topics.max_message_bytes(topic, LIMIT_TIMEOUT);
        lock(&self.limits).insert(topic.to_owned(), asked);
        asked
    }

    /// A topic that results may go to, with its limit where we may know it.
    pub fn output(&self, name: &str) -> crate::kafka::Result<Output> {
        let Shared { producer, generation } = self.shared();
        let topic = producer.topic(name)?;
        let known = lock(&self.limits).get(name).copied();
        let max_bytes = known.unwrap_or_else(|| {
            let asked = self.topics.max_message_bytes(name, LIMIT_TIMEOUT);
            lock(&self.limits).insert(name.to_owned(), asked);
            asked
        });
        Ok(Output { topic, max_bytes, generation })
    }
}

/// A topic that results may go to.
#[derive(Clone)]
pub struct Output {
    pub topic: Topic,
    /// The topic's `max.message.bytes`.
    pub max_bytes: Option<u64>,
    /// Of the producer that knows the topic.
    generation: u64,
}

impl Output {
    /// Why a record of this size cannot go there, if it cannot.
    pub fn refuses(&self, size: usize) -> Option<String> {
        let max = self.max_bytes?;
        let size = size + RECORD_OVERHEAD;
        (size as u64 > max).then(|| {
            format!(
                "the result takes about {size} bytes, and topic {:?} takes at most {max} (its max.message.bytes)",
                self.topic.name()
            )
        })
    }
}

/// One result, still in somebody else's buffers.
#[derive(Clone, Copy)]
pub struct Writing<'a> {
    pub output: &'a Output,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

/// What became of a result.
#[derive(Debug)]
pub enum Delivered {
    Acknowledged(Ticket),
    /// The broker will never take it, even alone.
    Refused {
        ticket: Ticket,
        outcome: Outcome,
        reason: String,
    },
}

/// One subscription's way to Kafka.
pub struct Sink {
    node: Arc<Sinks>,
    number: u32,
    mailbox: Arc<Mailbox>,
    tickets: Tickets,
    outbox: Outbox,
    trouble: Option<String>,
}

impl Sink {
    /// Writes one result of a record; there will be exactly one [`Delivered`] for its ticket.
    pub fn write<'h>(
        &mut self,
        ticket: Ticket,
        record: Writing<'_>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)> + Clone,
    ) {
        let number = self.tickets.issue(ticket);
        if self.outbox.is_empty() {
            match self.produce(number, &record, headers.clone()) {
                Ok(()) => return,
                Err(error) => self.note(record.output.topic.name(), &error),
            }
        }
        let order = self.tickets.order(number).unwrap_or_default();
        self.outbox.keep(order, number, Kept::new(&record, headers));
    }

    /// Writes a result that may be refused in a batch of its own, in its order among all others.
    pub fn write_alone<'h>(
        &mut self,
        ticket: Ticket,
        record: &Writing<'_>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) {
        let number = self.tickets.issue(ticket);
        let order = self.tickets.order(number).unwrap_or_default();
        let kept = Kept { alone: true, ..Kept::new(record, headers) };
        self.outbox.take_back(order, number, kept, None);
    }

    fn produce<'h>(
        &mut self,
        number: u32,
        record: &Writing<'_>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) -> Result<(), ProduceError> {
        let Shared { producer, generation } = self.node.shared();
        // A topic belongs to the producer that it was looked up with, and that one may have been replaced.
        let anew = if record.output.generation == generation {
            None
        } else {
            Some(producer.topic(record.output.topic.name()).map_err(ProduceError::Other)?)
        };
        let outgoing = Outgoing {
            topic: anew.as_ref().unwrap_or(&record.output.topic),
            partition: record.partition,
            timestamp: record.timestamp,
            key: record.key,
            value: record.value,
            opaque: join(self.number, number),
        };
        producer.produce(outgoing, headers)
    }

    fn note(&mut self, topic: &str, error: &ProduceError) {
        match error {
            ProduceError::QueueFull => {}
            ProduceError::Fatal(reason) => {
                tracing::warn!(%reason, "the producer failed for good and is replaced");
                self.node.renew();
            }
            other => self.trouble = Some(format!("cannot write to topic {topic:?}: {other}")),
        }
    }

    /// Whether something is kept back, so that nothing more should be taken on.
    pub fn is_blocked(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Results without a report.
    pub fn underway(&self) -> usize {
        self.tickets.len()
    }

    /// What is wrong with writing at present, said once.
    pub fn take_trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// When kept results are to be offered again.
    pub fn due(&self) -> Option<Instant> {
        self.outbox.due()
    }

    /// Collects what Kafka has said since the last call.
    pub fn collect(&mut self, now: Instant, delivered: &mut Vec<Delivered>) {
        let reports = std::mem::take(&mut *lock(&self.mailbox.reports));
        for (number, failed) in reports {
            match failed {
                None => {
                    if let Some(ticket) = self.tickets.redeem(number) {
                        delivered.push(Delivered::Acknowledged(ticket));
                    }
                }
                Some(undelivered) => self.undelivered(now, number, *undelivered, delivered),
            }
        }
        self.offer_again(now, delivered);
    }

    fn undelivered(&mut self, now: Instant, number: u32, failed: Undelivered, delivered: &mut Vec<Delivered>) {
        let Undelivered { code, reason, mut kept } = failed;
        let order = self.tickets.order(number).unwrap_or_default();
        let outcome = match code {
            MESSAGE_TOO_LARGE | BATCH_TOO_LARGE => Some(Outcome::TooLarge),
            INVALID_TIMESTAMP | INVALID_RECORD => Some(Outcome::Failed),
            _ => None,
        };
        let Some(outcome) = outcome else {
            tracing::debug!(%reason, topic = %kept.topic, "a result was not delivered and is sent again");
            self.trouble = Some(format!("cannot write to topic {:?}: {reason}", kept.topic));
            self.outbox.take_back(order, number, kept, Some(now + AGAIN));
            return;
        };
        if kept.alone {
            let limit = self.node.limit_below(&kept.topic, kept.size());
            let limit = limit.map_or(String::new(), |max| format!(" (its max.message.bytes is {max})"));
            let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
            let reason = format!("topic {:?} refused a result of {} bytes{limit}{reason}", kept.topic, kept.size());
            if let Some(ticket) = self.tickets.redeem(number) {
                delivered.push(Delivered::Refused { ticket, outcome, reason });
            }
        } else {
            // It may have been refused for another record of its batch.
            kept.alone = true;
            self.outbox.take_back(order, number, kept, None);
        }
    }

    fn offer_again(&mut self, now: Instant, delivered: &mut Vec<Delivered>) {
        while let Some((order, number, kept)) = self.outbox.next(now, self.tickets.len()) {
            match self.offer(number, &kept) {
                Ok(()) => {}
                Err(ProduceError::TooLarge) => {
                    if let Some(ticket) = self.tickets.redeem(number) {
                        let reason = format!("a result of {} bytes is more than can be sent at all", kept.size());
                        delivered.push(Delivered::Refused { ticket, outcome: Outcome::TooLarge, reason });
                    }
                }
                Err(ProduceError::UnknownPartition) => {
                    if let Some(ticket) = self.tickets.redeem(number) {
                        let partition = kept.partition.unwrap_or(-1);
                        let reason = format!("topic {:?} has no partition {partition}", kept.topic);
                        delivered.push(Delivered::Refused { ticket, outcome: Outcome::Failed, reason });
                    }
                }
                Err(error) => {
                    self.note(&kept.topic, &error);
                    let wait = if matches!(error, ProduceError::QueueFull) { AGAIN / 20 } else { AGAIN };
                    self.outbox.keep_first(order, number, kept, now + wait);
                    return;
                }
            }
        }
    }

    fn offer(&self, number: u32, kept: &Kept) -> Result<(), ProduceError> {
        let alone = kept.alone.then(|| self.node.alone().map_err(ProduceError::Other)).transpose()?;
        let producer = alone.unwrap_or_else(|| self.node.shared().producer);
        let topic = producer.topic(&kept.topic).map_err(ProduceError::Other)?;
        let outgoing = Outgoing {
            topic: &topic,
            partition: kept.partition,
            timestamp: kept.timestamp,
            key: kept.key.as_deref(),
            value: kept.value.as_deref(),
            opaque: join(self.number, number),
        };
        producer.produce(outgoing, kept.headers.iter().map(|(name, value)| (&name[..], value.as_deref())))
    }

    pub fn output(&self, topic: &str) -> crate::kafka::Result<Output> {
        self.node.output(topic)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut mailboxes = self.node.router.mailboxes.write().unwrap_or_else(PoisonError::into_inner);
        // Reports that still come for this number must not reach its next owner, so it is given up for good
        // while any are underway.
        if self.tickets.is_empty()
            && let Some(place) = mailboxes.get_mut(self.number as usize)
        {
            *place = None;
        }
    }
}
