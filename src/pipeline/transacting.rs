//! Exactly-once: a function's results, its dead letters and its offsets in one transaction. The sink writes into it, and
//! here it is committed, given up, and begun again; what to do when is for [`Transaction`] to say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conductor::{Conductor, Done, Job};
use super::exclusive::{Refused, Trouble};
use super::lanes::{self, Lanes};
use super::partition::Partition;
use super::sinks::Router;
use super::subscription::Subscription;
use super::transaction::{Call, Pace, Step, Transaction};
use super::unwritable::{Doom, Unwritable};
use crate::kafka::{Batching, Failure, TRANSACTION_TIMEOUT, TopicPartition, TransactionError};

/// Bytes of results at which a transaction is committed before its interval is over.
const BYTES: usize = 64 << 20;
/// How long ending may wait for a transaction to be given up.
const GIVE_UP: Duration = Duration::from_secs(2);

/// What a subscription has beside the others when its function's guarantee is exactly-once.
pub(super) struct Transactions {
    /// The transactional id.
    id: String,
    machine: Transaction,
    conductor: Option<Conductor>,
    /// Where the reports of its producer come to.
    router: Arc<Router>,
    batching: Batching,
    /// What is to be committed, by lane, and when that was settled.
    offered: Vec<(u32, i64)>,
    sealed_at: Instant,
    /// The transaction that is to begin has begun already.
    begun: bool,
    unwritable: Unwritable,
    /// The id was taken over again, and nobody was told.
    fenced_again: bool,
    /// Everybody was told that the id is not ours alone.
    shared: bool,
    /// Since when no transaction takes results, and what the last call that failed said.
    closed: Option<Instant>,
    trouble: Option<String>,
    /// Everybody was told that this takes long.
    held_up: bool,
}

impl Transactions {
    pub(super) fn new(id: String, interval: Duration, now: Instant) -> Transactions {
        let pace = Pace { interval, bytes: BYTES, patience: TRANSACTION_TIMEOUT * 2 };
        Transactions {
            id,
            machine: Transaction::new(pace, now),
            conductor: None,
            router: Arc::default(),
            batching: Batching::Shared,
            offered: Vec::new(),
            sealed_at: now,
            begun: false,
            unwritable: Unwritable::default(),
            fenced_again: false,
            shared: false,
            closed: None,
            trouble: None,
            held_up: false,
        }
    }

    pub(super) fn unwritable(&self) -> &Unwritable {
        &self.unwritable
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.machine.due()
    }

    pub(super) fn is_pending(&self) -> bool {
        self.machine.is_pending()
    }

    /// What is in the transaction must not be committed.
    pub(super) fn spoil(&mut self, reason: impl Into<String>) {
        self.machine.spoil(reason);
    }

    fn make(&self, job: Job) {
        if let Some(conductor) = &self.conductor {
            conductor.make(job);
        }
    }

    /// The producer failed for good while it wrote.
    fn fail(&mut self, now: Instant) {
        if self.conductor.as_ref().is_some_and(|conductor| conductor.producer().is_fenced()) {
            self.machine.fenced(now);
            self.fenced_again = self.machine.is_fenced_again();
        } else {
            self.machine.broke(now);
        }
    }

    fn explain(&self, error: &TransactionError) {
        match error.failure {
            Failure::Retriable => tracing::debug!(%error, "a transaction's call is made again"),
            Failure::Abortable => tracing::warn!(%error, "a transaction cannot be committed; its records run again"),
            Failure::Fatal => tracing::warn!(%error, "the transactional producer is made anew"),
            Failure::Fenced => tracing::warn!(
                %error, id = %self.id,
                "the transactional id was taken over, or a transaction was open for too long; the producer is made anew"
            ),
        }
    }
}

impl Subscription {
    /// Ledger → transaction, as far as it goes now.
    pub(super) fn transact(&mut self, now: Instant) {
        let Some(mut own) = self.transactions.take() else { return };
        while let Some(Done { answer, begun }) = own.conductor.as_ref().and_then(Conductor::answer) {
            own.begun = begun;
            own.machine.answered(now, answer.as_ref().copied().map_err(|error| error.failure));
            if let Err(error) = &answer {
                own.explain(error);
                own.trouble = Some(error.to_string());
                own.fenced_again |= error.failure == Failure::Fenced && own.machine.is_fenced_again();
            }
        }
        self.fill(&mut own, now);
        let pending = own.is_pending();
        while let Some(step) = own.machine.next(now, self.sink.unacknowledged()) {
            match step {
                Step::Build => self.build(&mut own, now),
                Step::Seal => self.seal(&mut own, now),
                Step::Call(call) => self.call(&mut own, call, now),
                Step::Committed => self.committed(&mut own, now),
                Step::Rewind => {
                    if pending {
                        self.setup.metrics.transactions_aborted.increment();
                    }
                    self.rewind(&mut own, now);
                }
            }
        }
        self.show_fence(&mut own);
        self.show_delay(&mut own, now);
        if self.sink.open_if(own.machine.is_open()) {
            // Those that have waited go out with the next turn.
            self.inbox.wake()();
        }
        self.transactions = Some(own);
    }

    /// Says so while somebody else takes the transactional id over again and again.
    fn show_fence(&mut self, own: &mut Transactions) {
        if std::mem::take(&mut own.fenced_again) {
            own.shared = true;
            self.reporter.fenced(&own.id);
        } else if own.machine.is_open() && std::mem::take(&mut own.shared) {
            self.reporter.over();
        }
    }

    /// Says so while no transaction takes results for longer than one may be open.
    fn show_delay(&mut self, own: &mut Transactions, now: Instant) {
        if own.machine.is_open() {
            (own.closed, own.trouble) = (None, None);
            if std::mem::take(&mut own.held_up) {
                self.reporter.over();
            }
            return;
        }
        let since = *own.closed.get_or_insert(now);
        let overdue = now.saturating_duration_since(since) >= TRANSACTION_TIMEOUT;
        if overdue && !own.shared && !std::mem::replace(&mut own.held_up, true) {
            let trouble = own.trouble.as_deref().unwrap_or("no answer");
            self.reporter.held_up(&format!("a transaction waits for Kafka: it is {} ({trouble})", own.machine.doing()));
        }
    }

    /// Tells the machine what has happened to the sink and the ledgers since it was asked last.
    fn fill(&mut self, own: &mut Transactions, now: Instant) {
        let (written, refused, trouble) = self.sink.take_written();
        let metrics = &self.setup.metrics;
        self.partitions.values_mut().for_each(|partition| _ = partition.advance(now, metrics));
        let moved = own.machine.is_open() && self.partitions.values().any(|one| one.uncommitted().is_some());
        if written > 0 || moved {
            own.machine.fill(now, written);
        }
        own.machine.set_incomplete(self.sink.has_kept());
        refused.into_iter().for_each(|refused| self.unwritable(own, refused, now));
        if let Some(Trouble { reason, fatal }) = trouble {
            // What is given up with a transaction is reported, too, and says nothing new.
            if own.machine.spoilt().is_none() {
                self.reporter.tell(&mut self.told, Some(reason.clone()));
            }
            own.machine.spoil(reason);
            if fatal {
                own.fail(now);
            }
        }
        if self.draining.is_some() || self.rebalance.due().is_some() {
            own.machine.hurry();
        }
    }

    fn build(&mut self, own: &mut Transactions, now: Instant) {
        if let Some(old) = own.conductor.take() {
            old.abandon();
        }
        own.begun = false;
        own.batching = own.unwritable.batching();
        let made = self.setup.sinks.transactional(&own.id, own.batching);
        let made = made.map_err(|error| error.to_string()).and_then(|(producer, router)| {
            let conductor = Conductor::start(producer, self.inbox.wake()).map_err(|error| error.to_string())?;
            Ok((conductor, router))
        });
        match made {
            Ok((conductor, router)) => {
                // What the old one still reports reaches nobody.
                self.sink.renew(conductor.producer(), &router, self.inbox.wake());
                (own.conductor, own.router) = (Some(conductor), router);
                own.machine.built(now, true);
            }
            Err(error) => {
                tracing::error!(%error, "cannot make the transactional producer, trying again");
                own.machine.built(now, false);
            }
        }
    }

    fn call(&mut self, own: &mut Transactions, call: Call, now: Instant) {
        let job = match call {
            Call::Begin if std::mem::take(&mut own.begun) => return own.machine.answered(now, Ok(())),
            Call::Init => Job::Init,
            Call::Begin => Job::Begin,
            Call::Commit => Job::Commit,
            Call::Abort => Job::Abort,
            Call::Offsets => match self.offsets(own) {
                Some(job) => job,
                None => return own.machine.answered(now, Err(Failure::Abortable)),
            },
        };
        own.make(job);
    }

    /// Every result of what has settled is in the transaction, and nothing comes into it any more: this is what it
    /// contains, and its offsets are settled here, however often they have to be sent.
    fn seal(&self, own: &mut Transactions, now: Instant) {
        own.sealed_at = now;
        own.offered.clear();
        let settled = self.partitions.iter().filter_map(|(lane, partition)| Some((*lane, partition.settled_to()?)));
        own.offered.extend(settled);
    }

    fn offsets(&self, own: &Transactions) -> Option<Job> {
        let at = |lane: &u32| self.partitions.get(lane).map(|partition| partition.at.clone());
        let next = own.offered.iter().filter_map(|(lane, offset)| Some((at(lane)?, *offset))).collect();
        // Taken by the thread that hears of rebalances, so that it is never of a generation that has taken from us
        // what we still hold.
        let group = self.consumer.as_ref()?.group_metadata();
        if group.is_none() {
            tracing::debug!("not a member of the group at present, so nothing can be committed");
        }
        Some(Job::Offsets { next, group: group? })
    }

    fn committed(&mut self, own: &mut Transactions, now: Instant) {
        for (lane, offset) in own.offered.drain(..) {
            if let Some(partition) = self.partitions.get_mut(&lane) {
                partition.committed_to(offset);
                own.unwritable.committed(&partition.at, offset);
            }
        }
        self.setup.metrics.commit.observe(now.saturating_duration_since(own.sealed_at));
        self.setup.metrics.transactions_committed.increment();
        if own.batching != own.unwritable.batching() {
            own.machine.broke(now);
        }
    }

    /// Nothing since the last commit has happened: every partition begins again where the group stands.
    fn rewind(&mut self, own: &mut Transactions, now: Instant) {
        own.unwritable.keep(self.partitions.values());
        if let Some(conductor) = &own.conductor {
            self.sink.renew(conductor.producer(), &own.router, self.inbox.wake());
        }
        if let Err(error) = self.go_back(now) {
            tracing::error!(%error, "cannot go back to the last commit; the consumer is made anew");
            self.drop_consumer(now);
        }
    }

    fn go_back(&mut self, now: Instant) -> crate::kafka::Result<()> {
        let old: Vec<Partition> = self.partitions.drain().map(|(_, partition)| partition).collect();
        if old.is_empty() {
            return Ok(());
        }
        let at: Vec<TopicPartition> = old.iter().map(|partition| partition.at.clone()).collect();
        let delivery = self.isolates.version().program.manifest.delivery.clone();
        tracing::info!(partitions = at.len(), "the records since the last commit run again");
        for mut partition in old {
            let bound = partition.bound;
            partition.recall(bound.and_then(|tag| self.isolates.held().find(|held| held.tag == tag)));
            // Whatever is still said of the old lane is not heard any more.
            let lane = Self::new_lanes(&mut self.next_lane, lanes::count(&delivery));
            self.partitions.insert(lane, partition.anew(Lanes::new(lane, &delivery)));
        }
        self.ask(&at, true, now)
    }

    /// A result will never be taken: its transaction is given up, and when its record comes again, it is a dead letter.
    fn unwritable(&self, own: &mut Transactions, refused: Refused, now: Instant) {
        let Refused { ticket, outcome, reason, alone } = refused;
        let Some(partition) = self.partitions.get(&ticket.lane) else { return };
        let Some(offset) = partition.ledger.get(ticket.seq).map(|entry| entry.offset) else { return };
        if alone {
            own.machine.spoil_known(reason.clone());
            let doom = Doom { outcome, reason, letter: ticket.dead_letter };
            own.unwritable.condemn(&partition.at, offset, doom);
        } else {
            own.machine.spoil(reason);
            own.unwritable.suspect(&partition.at, offset);
            own.machine.broke(now);
        }
    }

    /// Whether something of this function would be lost to its next owner if it ended now.
    pub(super) fn is_uncommitted(&self) -> bool {
        self.transactions.as_ref().is_some_and(Transactions::is_pending)
    }

    /// On the way out: what is not committed by now must not hold up those who read behind it.
    pub(super) fn give_up_transaction(&mut self) {
        let Some(own) = self.transactions.take().filter(Transactions::is_pending) else { return };
        if let Some(conductor) = &own.conductor {
            conductor.make(Job::Abort);
            if !matches!(conductor.wait(GIVE_UP), Some(Ok(()))) {
                tracing::warn!(id = %own.id, "a transaction is left to Kafka to end");
            }
        }
    }
}
