//! What all subscriptions of a node share for writing: the producers, the topics' limits, and the way back of delivery
//! reports.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::outbox::Kept;
use super::output::Output;
use crate::kafka::{Batching, Code, Deliveries, Producer, Report, Settings, Takes, Topics};

/// How long we ask Kafka for what a topic takes.
const LIMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// For how long a new version believes what others have asked.
const FRESH: Duration = Duration::from_secs(60);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The node's producers.
pub struct Sinks {
    settings: Settings,
    router: Arc<Router>,
    shared: RwLock<Shared>,
    /// Sends each record in a batch of its own, for those that a broker refused together with others.
    alone: Mutex<Option<Producer>>,
    topics: Arc<Topics>,
    taken: Mutex<HashMap<String, (Instant, Takes)>>,
}

/// The producer that all functions share, and how many there were before it.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) producer: Producer,
    pub(super) generation: u64,
}

/// Hands delivery reports to the subscriptions.
#[derive(Default)]
pub(super) struct Router {
    mailboxes: RwLock<Vec<Place>>,
}

/// What becomes of reports under one number.
enum Place {
    Free,
    Taken(Arc<Mailbox>),
    /// Reports that still come are of nobody's interest, and must not reach another owner.
    Deaf,
}

pub(super) struct Mailbox {
    pub(super) reports: Mutex<Vec<(u32, Option<Box<Undelivered>>)>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

pub(super) struct Undelivered {
    pub(super) code: Code,
    pub(super) reason: String,
    pub(super) kept: Kept,
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
            let Some(Place::Taken(mailbox)) = mailboxes.get(number as usize) else { continue };
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

pub(super) fn join(subscription: u32, ticket: u32) -> usize {
    (subscription as usize) << 32 | ticket as usize
}

fn split(opaque: usize) -> (u32, u32) {
    ((opaque >> 32) as u32, opaque as u32)
}

fn reporter(router: &Arc<Router>, batching: Batching) -> Arc<Reporter> {
    Arc::new(Reporter { router: Arc::clone(router), alone: batching == Batching::Alone })
}

fn producer(settings: &Settings, router: &Arc<Router>, batching: Batching) -> crate::kafka::Result<Producer> {
    Producer::new(settings, batching, reporter(router, batching))
}

impl Router {
    /// A number under which delivery reports come to a mailbox; `wake` is called when there are some.
    pub(super) fn enrol(&self, wake: Arc<dyn Fn() + Send + Sync>) -> (u32, Arc<Mailbox>) {
        let mailbox = Arc::new(Mailbox { reports: Mutex::default(), wake });
        let mut mailboxes = self.mailboxes.write().unwrap_or_else(PoisonError::into_inner);
        let number = mailboxes.iter().position(|place| matches!(place, Place::Free)).unwrap_or_else(|| {
            mailboxes.push(Place::Free);
            mailboxes.len() - 1
        });
        mailboxes[number] = Place::Taken(Arc::clone(&mailbox));
        (number as u32, mailbox)
    }

    /// Gives a number up, to be used again if no more reports come under it.
    pub(super) fn resign(&self, number: u32, silent: bool) {
        let mut mailboxes = self.mailboxes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = mailboxes.get_mut(number as usize) {
            *place = if silent { Place::Free } else { Place::Deaf };
        }
    }
}

impl Sinks {
    pub fn new(settings: Settings, topics: Arc<Topics>) -> crate::kafka::Result<Arc<Sinks>> {
        let router = Arc::new(Router::default());
        let shared = producer(&settings, &router, Batching::Shared)?;
        Ok(Arc::new(Sinks {
            settings,
            router,
            shared: RwLock::new(Shared { producer: shared, generation: 0 }),
            alone: Mutex::default(),
            topics,
            taken: Mutex::default(),
        }))
    }

    /// A producer for one function's transactions. Its reports have a router of their own, which ends with it, so that
    /// nothing is left of those that never come.
    pub(super) fn transactional(&self, id: &str, batching: Batching) -> crate::kafka::Result<(Producer, Arc<Router>)> {
        let router = Arc::new(Router::default());
        let producer = Producer::transactional(&self.settings, id, batching, reporter(&router, batching))?;
        Ok((producer, router))
    }

    /// Where the reports of the producers come to that all functions share.
    pub(super) fn router(&self) -> Arc<Router> {
        Arc::clone(&self.router)
    }

    pub(super) fn shared(&self) -> Shared {
        self.shared.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The producer for those that go alone, made when it is first needed and anew when it has failed for good.
    pub(super) fn alone(&self) -> crate::kafka::Result<Producer> {
        let mut alone = lock(&self.alone);
        if let Some(producer) = alone.as_ref().filter(|producer| producer.fatal().is_none()) {
            return Ok(producer.clone());
        }
        let made = producer(&self.settings, &self.router, Batching::Alone)?;
        *alone = Some(made.clone());
        Ok(made)
    }

    /// An idempotent producer that met a fatal error is of no more use; its records come back as undelivered.
    pub(super) fn renew(&self) {
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
    pub(super) fn limit_below(&self, topic: &str, size: usize) -> Option<u64> {
        let known = lock(&self.taken).get(topic).and_then(|(_, takes)| takes.max_message_bytes);
        if known.is_some_and(|max| max < size as u64) {
            return known;
        }
        self.ask(topic).max_message_bytes
    }

    /// A topic that results may go to, with what it takes where we may know it.
    pub fn output(&self, name: &str) -> crate::kafka::Result<Output> {
        let Shared { producer, generation } = self.shared();
        let topic = producer.topic(name)?;
        let known = lock(&self.taken).get(name).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, takes)| *takes);
        Ok(Output { topic, takes: known.unwrap_or_else(|| self.ask(name)), generation })
    }

    fn ask(&self, topic: &str) -> Takes {
        let takes = self.topics.takes(topic, LIMIT_TIMEOUT);
        lock(&self.taken).insert(topic.to_owned(), (Instant::now(), takes));
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_only_when_no_more_reports_come_under_it() {
        let router = Router::default();
        let enrol = || router.enrol(Arc::new(|| {})).0;
        let (first, second) = (enrol(), enrol());
        router.resign(first, false);
        router.resign(second, true);
        assert_eq!((enrol(), enrol()), (second, second + 1));
    }
}
