//! What a sink has for itself when its function writes in transactions: a producer, and what went wrong with it. Nothing is
//! offered again here, since a result that was not delivered fails its whole transaction.

use std::collections::HashMap;

use super::sink::{BATCH_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE};
use super::sinks::Undelivered;
use super::tickets::Ticket;
use crate::kafka::{Outgoing, ProduceError, Producer, Topic};
use crate::outcome::Outcome;

/// A result that Kafka will never take.
#[derive(Debug)]
pub struct Refused {
    pub ticket: Ticket,
    pub outcome: Outcome,
    pub reason: String,
    /// Whether it was refused for nobody else's sake.
    pub alone: bool,
}

/// Why a transaction cannot be committed.
#[derive(Debug)]
pub struct Trouble {
    pub reason: String,
    /// Whether the producer is of no more use.
    pub fatal: bool,
}

pub struct Exclusive {
    /// None before the first was made, and then nothing is open.
    producer: Option<Producer>,
    /// Topics belong to the producer that they were looked up with.
    topics: HashMap<String, Topic>,
    /// Whether a transaction takes results.
    pub open: bool,
    /// Bytes that came into it since somebody asked.
    pub written: usize,
    pub trouble: Option<Trouble>,
    pub refused: Vec<Refused>,
}

impl Exclusive {
    pub fn new(producer: Option<Producer>) -> Exclusive {
        Exclusive { producer, topics: HashMap::new(), open: false, written: 0, trouble: None, refused: Vec::new() }
    }

    pub fn topic(&mut self, name: &str) -> Result<Topic, ProduceError> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(topic.clone());
        }
        let producer = self.producer.as_ref().ok_or(ProduceError::QueueFull)?;
        let topic = producer.topic(name).map_err(ProduceError::Other)?;
        self.topics.insert(name.to_owned(), topic.clone());
        Ok(topic)
    }

    pub fn produce<'h>(
        &mut self,
        record: Outgoing<'_>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) -> Result<(), ProduceError> {
        self.producer.as_ref().ok_or(ProduceError::QueueFull)?.produce(record, headers)?;
        // A tombstone without a key is something, too.
        self.written += 1 + record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        Ok(())
    }

    pub fn note(&mut self, error: &ProduceError) {
        match error {
            // It is kept, and offered alone again, or refused when it is.
            ProduceError::QueueFull | ProduceError::TooLarge | ProduceError::UnknownPartition => {}
            ProduceError::Fatal(_) => self.fail(error.to_string(), true),
            other => self.fail(other.to_string(), false),
        }
    }

    fn fail(&mut self, reason: String, fatal: bool) {
        let trouble = self.trouble.get_or_insert(Trouble { reason, fatal });
        trouble.fatal |= fatal;
    }

    /// A result was not delivered.
    pub fn undelivered(&mut self, ticket: Ticket, failed: Undelivered) {
        let Undelivered { code, reason, kept } = failed;
        let outcome = match code {
            MESSAGE_TOO_LARGE | BATCH_TOO_LARGE => Outcome::TooLarge,
            INVALID_TIMESTAMP | INVALID_RECORD => Outcome::Failed,
            _ => return self.fail(format!("cannot write to topic {:?}: {reason}", kept.topic), false),
        };
        let reason = format!("topic {:?} refused a result of {} bytes: {reason}", kept.topic, kept.size());
        self.refused.push(Refused { ticket, outcome, reason, alone: kept.alone });
    }
}
