//! Writing results to Kafka and hearing what became of them.
//!
//! Each subscription has a [`Sink`] of its own, which knows which result belongs to which record, over the node's
//! [`Sinks`]. Nothing here waits: what Kafka's client does not take now, or could not deliver, is kept in order and
//! offered again, and while anything is kept the subscription takes no more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exclusive::{Exclusive, Refused, Trouble};
use super::outbox::{Kept, Outbox};
use super::output::Output;
use super::silence::Silence;
use super::sinks::{Mailbox, Router, Shared, Sinks, Undelivered, join, lock};
use super::tickets::{Ticket, Tickets};
use crate::kafka::{Code, Outgoing, ProduceError, Producer};
use crate::outcome::Outcome;

/// How long a result that Kafka could not take waits before it is offered again.
const AGAIN: Duration = Duration::from_millis(500);

/// Bytes that are kept at most, with what follows from the records that isolates have already, for the next transaction.
pub(super) const STAGED: usize = 16 << 20;

/// Errors of the broker that concern a record, or the batch that it was in, rather than the topic.
pub(super) const MESSAGE_TOO_LARGE: Code = Code(10);
pub(super) const BATCH_TOO_LARGE: Code = Code(18);
pub(super) const INVALID_TIMESTAMP: Code = Code(32);
pub(super) const INVALID_RECORD: Code = Code(87);

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
    /// The node's producer as of the last look, so that not every record needs one.
    shared: Shared,
    router: Arc<Router>,
    number: u32,
    mailbox: Arc<Mailbox>,
    /// What was last in the mailbox; a buffer.
    reports: Vec<(u32, Option<Box<Undelivered>>)>,
    tickets: Tickets,
    outbox: Outbox,
    trouble: Option<String>,
    silence: Silence,
    /// Instead of the node's producers, for a function that writes in transactions.
    exclusive: Option<Exclusive>,
}

impl Sink {
    /// `wake` is called when there are reports to collect.
    pub fn open(node: &Arc<Sinks>, wake: Arc<dyn Fn() + Send + Sync>) -> Sink {
        Sink::at(Arc::clone(node), node.router(), wake, None)
    }

    /// One for a function that writes in transactions. It writes nothing before it has a producer.
    pub fn exclusive(node: &Arc<Sinks>, wake: Arc<dyn Fn() + Send + Sync>) -> Sink {
        Sink::at(Arc::clone(node), Arc::default(), wake, Some(Exclusive::new(None)))
    }

    fn at(
        node: Arc<Sinks>,
        router: Arc<Router>,
        wake: Arc<dyn Fn() + Send + Sync>,
        exclusive: Option<Exclusive>,
    ) -> Sink {
        let (number, mailbox) = router.enrol(wake);
        Sink {
            shared: node.shared(),
            node,
            router,
            number,
            mailbox,
            reports: Vec::new(),
            tickets: Tickets::default(),
            outbox: Outbox::default(),
            trouble: None,
            silence: Silence::default(),
            exclusive,
        }
    }

    /// Begins anew with this producer and nobody else's: all that was underway is forgotten, and so is what will still be
    /// reported of it.
    pub fn renew(&mut self, producer: Producer, router: &Arc<Router>, wake: Arc<dyn Fn() + Send + Sync>) {
        let exclusive = Some(Exclusive::new(Some(producer)));
        *self = Sink::at(Arc::clone(&self.node), Arc::clone(router), wake, exclusive);
    }

    /// Whether results may go out now, or wait for a transaction.
    pub fn is_open(&self) -> bool {
        self.exclusive.as_ref().is_none_or(|exclusive| exclusive.open)
    }

    /// Opens or closes the way for results. Says whether some have waited for it.
    pub fn open_if(&mut self, open: bool) -> bool {
        let Some(exclusive) = &mut self.exclusive else { return false };
        let was_open = std::mem::replace(&mut exclusive.open, open);
        open && !was_open && !self.outbox.is_empty()
    }

    /// Results that Kafka's client has and has not reported.
    pub fn unacknowledged(&self) -> usize {
        self.tickets.len() - self.outbox.len()
    }

    /// What has happened to the transaction since the last call: bytes that came into it, results that Kafka will never
    /// take, and why it cannot be committed.
    pub fn take_written(&mut self) -> (usize, Vec<Refused>, Option<Trouble>) {
        let Some(exclusive) = &mut self.exclusive else { return (0, Vec::new(), None) };
        let written = std::mem::take(&mut exclusive.written);
        (written, std::mem::take(&mut exclusive.refused), exclusive.trouble.take())
    }

    /// Writes one result of a record; there will be exactly one [`Delivered`] for its ticket.
    pub fn write<'h>(
        &mut self,
        ticket: Ticket,
        record: Writing<'_>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)> + Clone,
    ) {
        let number = self.tickets.issue(ticket);
        if self.outbox.is_empty() && self.is_open() {
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
        self.write_kept(ticket, Kept { alone: true, ..Kept::new(record, headers) });
    }

    /// Writes what was kept elsewhere, in its order among all others.
    pub fn write_kept(&mut self, ticket: Ticket, kept: Kept) {
        let number = self.tickets.issue(ticket);
        let order = self.tickets.order(number).unwrap_or_default();
        if self.exclusive.is_some() {
            self.outbox.keep(order, number, Kept { alone: false, ..kept });
        } else if kept.alone {
            self.outbox.take_back(order, number, kept, None);
        } else {
            self.outbox.keep(order, number, kept);
        }
    }

    fn produce<'h>(
        &mut self,
        number: u32,
        record: &Writing<'_>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) -> Result<(), ProduceError> {
        if let Some(exclusive) = &mut self.exclusive {
            let topic = exclusive.topic(record.output.topic.name())?;
            let outgoing = Outgoing {
                topic: &topic,
                partition: record.partition,
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
                opaque: join(self.number, number),
            };
            return exclusive.produce(outgoing, headers);
        }
        let Shared { producer, generation } = &self.shared;
        // A topic belongs to the producer that it was looked up with, and that one may have been replaced.
        let anew = if record.output.generation == *generation {
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
        if let Some(exclusive) = &mut self.exclusive {
            return exclusive.note(error);
        }
        match error {
            ProduceError::QueueFull => {}
            ProduceError::Fatal(reason) => {
                tracing::warn!(%reason, "the producer failed for good and is replaced");
                self.node.renew();
                self.shared = self.node.shared();
            }
            other => self.trouble = Some(format!("cannot write to topic {topic:?}: {other}")),
        }
    }

    /// Whether something is kept back.
    pub fn has_kept(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether so much is kept back that nothing more should be taken on. While a transaction is committed, isolates run
    /// on, since that is over soon.
    pub fn is_blocked(&self) -> bool {
        if self.is_open() { self.has_kept() } else { self.outbox.bytes() >= STAGED }
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
        self.shared = self.node.shared();
        let mut reports = std::mem::take(&mut self.reports);
        std::mem::swap(&mut reports, &mut *lock(&self.mailbox.reports));
        if let Some(trouble) = self.silence.watch(!reports.is_empty(), self.unacknowledged(), now) {
            self.trouble = Some(trouble);
        }
        for (number, failed) in reports.drain(..) {
            match failed {
                None => {
                    if let Some(ticket) = self.tickets.redeem(number) {
                        delivered.push(Delivered::Acknowledged(ticket));
                    }
                }
                Some(undelivered) => match &mut self.exclusive {
                    None => self.undelivered(now, number, *undelivered, delivered),
                    Some(exclusive) => {
                        if let Some(ticket) = self.tickets.redeem(number) {
                            exclusive.undelivered(ticket, *undelivered);
                        }
                    }
                },
            }
        }
        self.reports = reports;
        if self.is_open() {
            self.offer_again(now, delivered);
        }
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
                        self.refuse(ticket, Outcome::TooLarge, reason, delivered);
                    }
                }
                Err(ProduceError::UnknownPartition) => {
                    if let Some(ticket) = self.tickets.redeem(number) {
                        let partition = kept.partition.unwrap_or(-1);
                        let reason = format!("topic {:?} has no partition {partition}", kept.topic);
                        self.refuse(ticket, Outcome::Failed, reason, delivered);
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

    fn refuse(&mut self, ticket: Ticket, outcome: Outcome, reason: String, delivered: &mut Vec<Delivered>) {
        match &mut self.exclusive {
            None => delivered.push(Delivered::Refused { ticket, outcome, reason }),
            Some(exclusive) => exclusive.refused.push(Refused { ticket, outcome, reason, alone: true }),
        }
    }

    fn offer(&mut self, number: u32, kept: &Kept) -> Result<(), ProduceError> {
        let headers = kept.headers.iter().map(|(name, value)| (&name[..], value.as_deref()));
        if let Some(exclusive) = &mut self.exclusive {
            let topic = exclusive.topic(&kept.topic)?;
            return exclusive.produce(kept.outgoing(&topic, join(self.number, number)), headers);
        }
        let alone = kept.alone.then(|| self.node.alone().map_err(ProduceError::Other)).transpose()?;
        let producer = alone.unwrap_or_else(|| self.shared.producer.clone());
        let topic = producer.topic(&kept.topic).map_err(ProduceError::Other)?;
        producer.produce(kept.outgoing(&topic, join(self.number, number)), headers)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Reports that still come for this number must not reach its next owner. A transaction that was aborted has
        // reported all that was in it, and what is in the outbox was never handed over.
        for (number, _) in lock(&self.mailbox.reports).drain(..) {
            self.tickets.redeem(number);
        }
        self.router.resign(self.number, self.unacknowledged() == 0);
    }
}
