//! One function's subscription: a thread that owns the function's position on its topics and moves records along.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::board::Reporter;
use super::budget::{Budget, Room};
use super::conduct::{Conduct, Rules};
use super::deferred::Deferred;
use super::homes::Homes;
use super::inbox::{Event, Inbox, Order, Outlet};
use super::intake::TURN;
use super::isolates::{Isolates, Version};
use super::lane::MAX_LANE;
use super::partition::{Bounds, Failed, Partition};
use super::rebalance::Rebalance;
use super::runs::Runs;
use super::settling::Settling;
use super::sink::{Delivered, Sink};
use super::sinks::Sinks;
use super::stretch::{Pace, Stretch};
use super::transacting::Transactions;
use super::unsettled::Questions;
use crate::ids::IdMap;
use crate::kafka::{Consumer, Message, Next, Position, Settings, Slot, TopicPartition};
use crate::pool::Pool;
use crate::protocol::control::Problem;
use crate::status::Board;
use crate::telemetry::FunctionMetrics;

/// Everything that a subscription is made of.
pub struct Setup {
    pub version: Arc<Version>,
    pub topics: Vec<String>,
    pub settings: Settings,
    pub sinks: Arc<Sinks>,
    pub pool: Pool,
    pub metrics: Arc<FunctionMetrics>,
    pub board: Arc<Board>,
    pub bounds: Bounds,
    /// That it shares with others.
    pub budget: Arc<Budget>,
    pub rules: Rules,
    /// What its transactions go by among all nodes, if its guarantee is exactly-once.
    pub transactional_id: Option<String>,
    /// Only this is taken.
    pub stretch: Option<Stretch>,
    /// It starts in a worker of its own, because it was paused for what it did to workers before.
    pub quarantined: bool,
}

/// Why a subscription has ended although nobody asked it to: it is to be paused, or is a job that cannot go on.
#[derive(Debug, Clone)]
pub struct Paused {
    pub reason: String,
    /// The version that ran.
    pub version: u64,
}

/// How many times as many records may be underway where they are finished in transactions: between two of them nothing
/// is acknowledged for a while, and isolates would have nothing to do before long.
const AHEAD: usize = 4;
/// How often numbers are shown and idle things looked at.
const TICK: Duration = Duration::from_millis(500);
/// An isolate that ran nothing for this long is given back.
const IDLE: Duration = Duration::from_secs(60);
/// How often a worker is looked at that has too much to read as it is.
const FULL: Duration = Duration::from_millis(5);
/// How long a failed consumer waits before it is made anew.
const NEW_CONSUMER: Duration = Duration::from_secs(2);
/// How long a synchronous commit may take.
pub(super) const COMMIT: Duration = Duration::from_secs(10);
/// Most events that are handled before the next turn.
const EVENTS: usize = 256;

pub(super) struct Subscription {
    pub(super) setup: Setup,
    pub(super) inbox: Inbox,
    pub(super) consumer: Option<Consumer>,
    pub(super) partitions: IdMap<u32, Partition>,
    pub(super) next_lane: u32,
    pub(super) homes: Homes,
    pub(super) isolates: Isolates,
    pub(super) sink: Sink,
    pub(super) rebalance: Rebalance,
    pub(super) questions: Questions,
    pub(super) transactions: Option<Transactions>,
    pub(super) deferred: Deferred,
    pub(super) draining: Option<Instant>,
    /// The version that is known to run.
    pub(super) announced: u64,
    pub(super) reporter: Reporter,
    pub(super) conduct: Conduct,
    pub(super) paused: Option<Paused>,
    pace: Pace,
    buffer: Vec<Message>,
    delivered: Vec<Delivered>,
    pub(super) room: Room,
    pub(super) runs: Runs,
    pub(super) told: Vec<(TopicPartition, Failed)>,
    ready: Vec<Slot>,
    /// The source may have more, and was left only to look after everything else.
    hurry: bool,
    consumer_after: Instant,
    pub(super) last_busy: Instant,
    next_tick: Instant,
    turned_at: Instant,
}

impl Subscription {
    pub(super) fn new(setup: Setup, inbox: Inbox) -> Subscription {
        let now = Instant::now();
        let interval = setup.version.program.manifest.delivery.commit_interval;
        let id = setup.transactional_id.clone();
        let transactions = id.map(|id| Transactions::new(id, interval, now));
        let open = if transactions.is_some() { Sink::exclusive } else { Sink::open };
        let sink = open(&setup.sinks, inbox.wake());
        Subscription {
            consumer: None,
            partitions: IdMap::default(),
            next_lane: 1,
            homes: Homes::default(),
            isolates: Isolates::new(setup.pool.clone(), inbox.clone(), Arc::clone(&setup.version), setup.quarantined),
            sink,
            rebalance: Rebalance::default(),
            questions: Questions::default(),
            transactions,
            deferred: Deferred::default(),
            draining: None,
            announced: setup.version.program.version,
            reporter: Reporter::new(&setup),
            conduct: Conduct::new(setup.rules, setup.quarantined, now),
            paused: None,
            pace: Pace::new(setup.stretch.as_ref()),
            buffer: Vec::new(),
            delivered: Vec::new(),
            room: Room::new(Arc::clone(&setup.budget), setup.bounds),
            runs: Runs::default(),
            told: Vec::new(),
            ready: Vec::new(),
            hurry: false,
            consumer_after: now,
            last_busy: now,
            next_tick: now,
            turned_at: now,
            inbox,
            setup,
        }
    }

    /// Runs until it is told to end, or has to be paused.
    pub(super) fn run(mut self, outlet: &Outlet) -> Option<Paused> {
        while !self.drained() {
            self.turn();
            let mut event = outlet.next(self.patience());
            for _ in 0..EVENTS {
                let Some(now) = event else { break };
                self.handle(now);
                event = outlet.next(Duration::ZERO);
            }
            if let Some(last) = event {
                self.handle(last);
            }
        }
        let paused = self.paused.take();
        self.finish();
        paused
    }

    /// Moves everything as far as it goes: the stages of a record, from the last to the first, so that the room that
    /// one stage makes is used by the one before it at once. What isolates have settled was handled just before.
    fn turn(&mut self) {
        let now = Instant::now();
        self.turned_at = now;
        self.keep_consumer(now);
        self.hear_consumer(now);
        self.hear_positions(now);
        self.acknowledge(now);
        self.commit(now);
        self.take_up(now);
        self.answer_rebalances(now);
        self.source(now);
        self.dispatch(now);
        if now >= self.next_tick {
            self.tick(now);
        }
    }

    /// Topic → ledger and lane.
    fn source(&mut self, now: Instant) {
        let Some(consumer) = &mut self.consumer else { return };
        self.ready.clear();
        consumer.ready(&mut self.ready);
        self.hurry = false;
        let mut stirred = false;
        let bounds = self.room.bounds(if self.transactions.is_some() { AHEAD } else { 1 });
        for partition in self.partitions.values_mut() {
            partition.has_more |= self.ready.contains(&partition.slot);
            let releases = partition.may_release();
            self.hurry |= releases;
            let allowed = self.pace.allowed(now);
            let may_take = partition.has_more && allowed != Some(0) && partition.unsettled.is_none();
            if self.sink.is_blocked() || !(may_take || releases) {
                continue;
            }
            let paced = allowed.map_or(bounds.records, |allowed| bounds.records.min(partition.underway() + allowed));
            let within = Bounds { records: paced, ..bounds };
            let version = self.isolates.serving(self.isolates.place_of(partition.at.partition));
            let mut ran =
                Settling { sink: &mut self.sink, version, metrics: &self.setup.metrics, now, told: &mut self.told };
            let unwritable = self.transactions.as_ref().map(Transactions::unwritable);
            let was_calm = partition.is_calm();
            match partition.take(consumer, within, &mut self.room, &mut self.buffer, &mut ran, unwritable) {
                Ok(taken) => {
                    stirred |= was_calm && taken > 0;
                    self.pace.spend(taken);
                    self.hurry |= taken >= TURN;
                    // What filters keep out needs no isolate.
                    if partition.lanes.waiting() > 0 {
                        self.last_busy = now;
                    }
                }
                Err(error) => {
                    tracing::warn!(partition = %partition.at, %error, "cannot read from a partition, trying again");
                    if let Some(offset) = partition.resume_at()
                        && let Err(error) = consumer.restart(partition.slot, Position::Offset(offset))
                    {
                        tracing::warn!(partition = %partition.at, offset, %error, "cannot go back to the last position");
                    }
                }
            }
            partition.fills(bounds);
        }
        self.make_room(stirred);
    }

    /// Sink → ledger: Kafka has results, or will not have them.
    fn acknowledge(&mut self, now: Instant) {
        self.delivered.clear();
        self.sink.collect(now, &mut self.delivered);
        let version = Arc::clone(self.isolates.version());
        let metrics = &self.setup.metrics;
        let (mut results, mut letters) = (0, 0);
        for delivered in self.delivered.drain(..) {
            match delivered {
                Delivered::Acknowledged(ticket) => {
                    *(if ticket.dead_letter { &mut letters } else { &mut results }) += 1;
                    if let Some(partition) = self.partitions.get_mut(&ticket.lane) {
                        partition.acknowledged(ticket.seq);
                    }
                }
                Delivered::Refused { ticket, outcome, reason } => {
                    let Some(partition) = self.partitions.get_mut(&ticket.lane) else { continue };
                    let mut ran =
                        Settling { sink: &mut self.sink, version: &version, metrics, now, told: &mut self.told };
                    partition.refused(ticket, outcome, &reason, &mut ran);
                }
            }
        }
        metrics.records_out.add(results);
        metrics.records_dead_lettered.add(letters);
        self.reporter.tell(&mut self.told, self.sink.take_trouble());
    }

    /// Ledger → stored offset, which Kafka's client commits within a second, or a transaction.
    fn commit(&mut self, now: Instant) {
        if self.transactions.is_some() {
            return self.transact(now);
        }
        let Some(consumer) = &mut self.consumer else { return };
        let metrics = &self.setup.metrics;
        let moved: Vec<Next> =
            self.partitions.values_mut().filter_map(|partition| partition.advance(now, metrics)).collect();
        if !moved.is_empty()
            && let Err(error) = consumer.store(moved)
        {
            tracing::warn!(%error, "cannot store offsets, they are stored with the next ones");
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            // The turn that follows looks at everything that Kafka may have.
            Event::Kafka => {}
            Event::Isolate { tag, event } => self.isolate_event(tag, event),
            Event::Order(Order::Install(version)) => {
                let number = version.program.version;
                self.isolates.install(version);
                // Where isolates of the old version run, it goes on until one of the new version is ready.
                if self.isolates.held().next().is_none() {
                    self.announce();
                }
                self.partitions.values_mut().for_each(|partition| partition.go_on(number));
            }
            Event::Order(Order::Subscribe(topics)) => {
                self.setup.topics = topics;
                if let Some(consumer) = &mut self.consumer
                    && let Err(error) = consumer.subscribe(&self.setup.topics)
                {
                    tracing::error!(%error, "cannot change the subscription");
                }
            }
            Event::Order(Order::Drain(within)) => {
                let until = Instant::now() + within;
                self.draining = Some(self.draining.map_or(until, |earlier| earlier.min(until)));
                self.reporter.draining();
                self.leave(None);
            }
        }
    }

    fn keep_consumer(&mut self, now: Instant) {
        if self.consumer.is_some() || self.draining.is_some() || now < self.consumer_after {
            return;
        }
        let group = &self.setup.version.program.manifest.source.group;
        let made = Consumer::new(&self.setup.settings, group, self.inbox.wake());
        match made.and_then(|mut consumer| consumer.subscribe(&self.setup.topics).map(|()| consumer)) {
            Ok(consumer) => {
                self.consumer = Some(consumer);
                self.make_room(true);
                self.reporter.running();
            }
            Err(error) => {
                tracing::error!(%error, "cannot start the consumer, trying again");
                self.reporter.consumer_failed(&error.to_string());
                self.consumer_after = now + NEW_CONSUMER;
            }
        }
    }

    /// A consumer that failed for good is made anew; whatever was underway will be read again.
    pub(super) fn drop_consumer(&mut self, now: Instant) {
        self.partitions.clear();
        self.homes = Homes::default();
        if let Some(transactions) = &mut self.transactions {
            transactions.spoil("the consumer is made anew");
        }
        self.rebalance = Rebalance::default();
        self.forget_questions();
        self.consumer_after = now + NEW_CONSUMER;
        self.consumer = None;
    }

    /// Numbers for the lanes of a partition, one after the other. Returns the first.
    pub(super) fn new_lanes(next: &mut u32, count: u32) -> u32 {
        // A lane's number is part of its invocations' ids. Sixteen million lanes are not to be expected.
        let first = if *next > MAX_LANE - count { 1 } else { *next };
        *next = first + count;
        first
    }

    fn tick(&mut self, now: Instant) {
        self.next_tick = now + TICK;
        if let Some(consumer) = &mut self.consumer {
            let partitions = self.partitions.values_mut();
            let moved: Vec<Next> =
                partitions.filter_map(|one| one.idle_position(consumer.position(one.slot))).collect();
            // What moves in a transaction is committed with it.
            if self.transactions.is_none() {
                if !moved.is_empty() {
                    let _ = consumer.store(moved);
                }
                let noted: Vec<Next> = self.partitions.values_mut().filter_map(Partition::renew_note).collect();
                if !noted.is_empty()
                    && let Err(error) = consumer.commit_later(noted)
                {
                    tracing::debug!(%error, "cannot write down what is finished beyond the committed offsets");
                }
            }
        }
        let busy = self.partitions.values().any(|partition| partition.underway() > 0);
        if !busy && now.saturating_duration_since(self.last_busy) > IDLE {
            self.isolates.release();
            self.runs.forget();
        }
        self.runs.trim();
        for partition in self.partitions.values_mut() {
            let bound = partition.bound;
            partition.recall_stalled(bound.and_then(|tag| self.isolates.held().find(|held| held.tag == tag)));
        }
        self.partitions.values_mut().for_each(Partition::calms);
        self.make_room(true);
        self.show_unsettled(now);
        self.retire();
        self.end_stuck_workers(now);
        self.release_if_calm(now);
        self.reporter.tick(self.consumer.as_ref(), &self.partitions, &self.isolates);
    }

    /// How long nothing needs to be done unless something happens.
    fn patience(&self) -> Duration {
        if self.hurry {
            return Duration::ZERO;
        }
        let now = Instant::now();
        // What was due at the last turn could not be done then, and will be woken by whatever it waits for.
        let later = |time: &Instant| *time > self.turned_at;
        let lanes = self.partitions.values().filter_map(Partition::due);
        let transactions = self.transactions.as_ref().and_then(Transactions::due);
        let rebalance = self.rebalance.due();
        let others =
            [Some(self.next_tick), self.sink.due(), self.isolates.due(), rebalance, transactions, self.draining]
                .into_iter()
                .chain([self.pace.due()]);
        let next = lanes.chain(others.flatten()).filter(later).min();
        let full = self.isolates.held().any(|held| held.isolate.link().is_full());
        next.map_or(TICK, |next| next.saturating_duration_since(now)).min(if full { FULL } else { TICK })
    }
}

/// For the reporter: what a problem says in one line.
pub(super) fn problem_line(problem: &Problem) -> String {
    match (&problem.file, problem.line) {
        (Some(file), Some(line)) => format!("{}: {} ({file}:{line})", problem.code, problem.message),
        _ => format!("{}: {}", problem.code, problem.message),
    }
}
