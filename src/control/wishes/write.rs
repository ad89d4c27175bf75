//! Adding a wish: what is known of the function is changed, written with all acknowledgements, and read back.
//!
//! Each record says, in the header [`READ`], how much of the topic its writer had read. Where another node was first,
//! the record counts for nothing ([`super::book`]), and what that node wrote is changed instead.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::TOPIC;
use super::book::{Standing, Wishes};
use super::format::Wish;
use crate::kafka::{Batching, Deliveries, Outgoing, Producer, Report, Topic};

/// The header of a record that says where its writer goes on reading: the offset behind the last record that it knew.
pub(super) const READ: &str = "read";

/// How long Kafka may take to acknowledge a record.
const DELIVERY: Duration = Duration::from_secs(10);
/// How long a record that Kafka has may take to come back to us.
const ECHO: Duration = Duration::from_secs(10);
/// How long a node that starts may take to know what there is.
const READING: Duration = Duration::from_secs(5);
/// Others may write at the same time, but not for ever.
const ATTEMPTS: usize = 32;

/// Why a wish is not in the topic, or may not be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unwritten {
    #[error("{0}")]
    Unavailable(String),
    #[error("Kafka did not take the record: {0}")]
    Refused(String),
    #[error("a newer version of Eddyline wrote what is wished for the function, in format {0}")]
    Newer(u32),
    #[error("Kafka has the record, but it did not come back")]
    NoEcho,
    #[error("other nodes keep writing at the same time")]
    Contended,
}

/// What writes; made when it is first needed.
pub(super) struct Pen {
    producer: Producer,
    topic: Topic,
    delivered: Receiver<(usize, Result<i64, String>)>,
    next: usize,
}

struct Delivered(Mutex<Sender<(usize, Result<i64, String>)>>);

impl Deliveries for Delivered {
    fn delivered(&self, reports: &[Report<'_>]) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for report in reports {
            let result = report.result().map(|(_, offset)| offset).map_err(|_| report.reason());
            // Nobody waits any more for what came too late.
            let _ = sender.send((report.opaque(), result));
        }
    }
}

impl Pen {
    fn new(wishes: &Wishes) -> crate::kafka::Result<Pen> {
        let mut settings = wishes.0.settings.clone();
        // Whoever asks for it waits for the answer.
        let millis = DELIVERY.as_millis().to_string();
        settings.properties.insert("message.timeout.ms".to_owned(), millis);
        settings.properties.insert("linger.ms".to_owned(), "0".to_owned());
        let (sender, delivered) = channel();
        let producer = Producer::new(&settings, Batching::Shared, Arc::new(Delivered(Mutex::new(sender))))?;
        let topic = producer.topic(TOPIC)?;
        Ok(Pen { producer, topic, delivered, next: 0 })
    }

    /// Writes one record and waits for its offset.
    fn write(&mut self, function: &str, read: i64, value: &[u8]) -> Result<i64, String> {
        self.next += 1;
        let read = read.to_string();
        let record = Outgoing {
            topic: &self.topic,
            partition: Some(0),
            timestamp: None,
            key: Some(function.as_bytes()),
            value: Some(value),
            opaque: self.next,
        };
        self.producer.produce(record, [(READ.as_bytes(), Some(read.as_bytes()))]).map_err(|error| error.to_string())?;
        let deadline = Instant::now() + DELIVERY + Duration::from_secs(1);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.delivered.recv_timeout(left) {
                Ok((number, result)) if number == self.next => return result,
                Ok(_) => {}
                Err(_) => return Err(format!("no answer within {DELIVERY:?}")),
            }
        }
    }
}

impl Wishes {
    /// Changes what is wished for a function, and returns once this node has read it back. Where somebody else has
    /// written in between, `change` is called again on what they wrote.
    pub fn wish(&self, function: &str, change: impl Fn(&mut Wish)) -> Result<(), Unwritten> {
        self.usable()?;
        // One at a time: two commands of the same node would only get into each other's way.
        let mut pen = self.0.pen.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            let (read, wish) = {
                let book = self.book();
                (book.next, book.wish(function).cloned())
            };
            let mut wish = wish.unwrap_or_default();
            if !wish.is_ours() {
                return Err(Unwritten::Newer(wish.format));
            }
            change(&mut wish);
            let offset = self.write(&mut pen, function, read, &wish.to_bytes())?;
            if self.wait(ECHO, |book| book.counts(offset)).ok_or(Unwritten::NoEcho)? {
                return Ok(());
            }
        }
        Err(Unwritten::Contended)
    }

    /// Does so when nobody can wait for it.
    pub fn wish_later(&self, function: &str, change: impl Fn(&mut Wish) + Send + 'static) {
        let (wishes, name) = (self.clone(), function.to_owned());
        let work = move || {
            if let Err(error) = wishes.wish(&name, change) {
                tracing::warn!(function = %name, %error, code = "E3003", "other nodes may not get to know what is wished");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("wish".to_owned()).spawn(work) {
            tracing::warn!(function, %error, "other nodes may not get to know what is wished");
        }
    }

    fn usable(&self) -> Result<(), Unwritten> {
        let settled = |book: &super::book::Book| (book.standing != Standing::Reading).then(|| book.standing.clone());
        match self.wait(READING, settled) {
            Some(Standing::Following) => Ok(()),
            Some(Standing::Unavailable(reason)) => Err(Unwritten::Unavailable(reason)),
            _ => Err(Unwritten::Unavailable(format!("{TOPIC} has not been read yet"))),
        }
    }

    fn write(&self, pen: &mut Option<Pen>, function: &str, read: i64, value: &[u8]) -> Result<i64, Unwritten> {
        if pen.as_ref().is_none_or(|pen| pen.producer.fatal().is_some()) {
            *pen = Some(Pen::new(self).map_err(|error| Unwritten::Refused(error.to_string()))?);
        }
        let pen = pen.as_mut().expect("it was just made");
        pen.write(function, read, value).map_err(Unwritten::Refused)
    }
}
