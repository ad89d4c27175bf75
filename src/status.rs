//! The state of the node and of its functions, as the admin API and the command line show it.
//!
//! Whoever runs something writes its state to the [`Board`]; whoever shows it reads copies.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use serde::Serialize;

use crate::{diagnostic::Diagnostics, protocol::control::Handler, telemetry::Metrics};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionState {
    #[default]
    Starting,
    /// Something outside is missing, a topic for example; it goes on by itself.
    Waiting,
    Running,
    /// It has read all that its sources hold, and holds nothing until more comes.
    Idle,
    /// It runs, in a worker of its own, because it kept bringing down those that it shared.
    Quarantined,
    /// A record failed, and dead letters are off; it goes on when the function changes.
    Stopped,
    /// It has left its group, because it kept bringing down its own worker or because somebody asked for it.
    Paused,
    Draining,
    /// No version of it could ever be loaded.
    Broken,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FunctionStatus {
    pub name: String,
    /// Grows with each load.
    pub version: u64,
    pub digest: String,
    pub tenant: Option<String>,
    pub state: FunctionState,
    /// What is the matter, and what to do about it.
    pub state_reason: Option<String>,
    /// Since when it is idle, if it is.
    #[serde(serialize_with = "as_optional_text", skip_serializing_if = "Option::is_none")]
    pub idle_since: Option<Timestamp>,
    /// Not known before the function was loaded once.
    pub handler: Option<Handler>,
    /// The source topics, by name or as matched by the pattern.
    pub topics: Vec<String>,
    pub sink_topics: Vec<String>,
    pub dead_letter: Option<String>,
    /// The consumer group.
    pub group: String,
    pub assignment: Vec<Assignment>,
    /// The sum over the assignment; absent while any part of it is not known.
    pub lag: Option<u64>,
    /// Filled in from the metrics when the status is read.
    pub counters: Counters,
    /// Records taken and not yet settled; filled in as the counters are.
    pub in_flight: u64,
    /// Filled in as the counters are.
    pub isolates: u64,
    /// Process ids of the workers that hold them.
    pub workers: Vec<u32>,
    pub last_error: Option<LastError>,
    /// Why the function is broken.
    pub diagnostics: Option<Diagnostics>,
    /// Why a newer version was not taken, while the old one runs.
    pub broken_update: Option<Diagnostics>,
}

/// One partition that this node reads for a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Assignment {
    pub topic: String,
    pub partition: i32,
    /// The next offset to be taken.
    pub position: Option<i64>,
    pub committed: Option<i64>,
    /// The offset behind the last record.
    pub end: Option<i64>,
    pub lag: Option<u64>,
    pub in_flight: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    #[serde(rename = "in")]
    pub records_in: u64,
    /// Results; a record may have none or many.
    #[serde(rename = "out")]
    pub records_out: u64,
    pub done: u64,
    pub filtered: u64,
    pub failed: u64,
    pub retried: u64,
    pub dead_lettered: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastError {
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// `E` and four digits; `docs/errors/` has a page for each.
    pub code: String,
    pub message: String,
    pub topic: Option<String>,
    pub partition: Option<i32>,
    pub offset: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Starting,
    Running,
    Draining,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    pub id: String,
    pub product_version: &'static str,
    pub process_id: u32,
    #[serde(serialize_with = "as_text")]
    pub started_at: Timestamp,
    pub phase: Phase,
    pub brokers: BrokerStatus,
    pub workers: WorkerStatus,
    pub wishes: WishesStatus,
    pub functions_path: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BrokerStatus {
    pub addresses: String,
    /// The broker inside of this process.
    pub embedded: bool,
    /// Not known before the first answer or failure.
    pub reachable: Option<bool>,
    /// What the last attempt to reach them said.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkerStatus {
    /// How many a group may have; the shared group always has them.
    pub count: u32,
    /// Of the shared group.
    pub alive: u32,
    /// Of all tenants' groups.
    pub tenants: u32,
    /// Of functions in quarantine.
    pub quarantine: u32,
    /// In which suspect records run alone.
    pub trial: u32,
    pub restarts: u64,
}

/// How the node knows what people want of functions, for all nodes of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WishesStatus {
    pub state: WishesState,
    /// Why the node is alone with what it is asked for.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WishesState {
    /// Nothing starts before all of them are read, unless that takes too long.
    #[default]
    Reading,
    Following,
    /// Their topic cannot be made or read; functions run.
    Unavailable,
}

/// Whether the node can do its work, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    pub ready: bool,
    pub reasons: Vec<String>,
}

/// The node's own status with its readiness and a count of functions by state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeReport {
    #[serde(flatten)]
    pub node: NodeStatus,
    #[serde(flatten)]
    pub readiness: Readiness,
    pub functions: BTreeMap<FunctionState, usize>,
}

#[derive(Debug)]
pub struct Board {
    metrics: Arc<Metrics>,
    node: RwLock<NodeStatus>,
    functions: RwLock<BTreeMap<String, FunctionStatus>>,
}

impl Board {
    pub fn new(id: &str, metrics: Arc<Metrics>) -> Arc<Board> {
        let node = NodeStatus {
            id: id.to_owned(),
            product_version: env!("CARGO_PKG_VERSION"),
            process_id: std::process::id(),
            started_at: Timestamp::now(),
            phase: Phase::default(),
            brokers: BrokerStatus::default(),
            workers: WorkerStatus::default(),
            wishes: WishesStatus::default(),
            functions_path: String::new(),
        };
        Arc::new(Board { metrics, node: RwLock::new(node), functions: RwLock::default() })
    }

    /// Changes the status of a function, which is made if it is new.
    pub fn update(&self, name: &str, change: impl FnOnce(&mut FunctionStatus)) {
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        let status = functions
            .entry(name.to_owned())
            .or_insert_with(|| FunctionStatus { name: name.to_owned(), ..FunctionStatus::default() });
        change(status);
        status.lag = status.assignment.iter().map(|partition| partition.lag).sum();
    }

    pub fn remove(&self, name: &str) {
        self.functions.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    pub fn update_node(&self, change: impl FnOnce(&mut NodeStatus)) {
        change(&mut self.node.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn function(&self, name: &str) -> Option<FunctionStatus> {
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        functions.get(name).map(|status| self.with_numbers(status))
    }

    /// All functions, by name.
    pub fn functions(&self) -> Vec<FunctionStatus> {
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        functions.values().map(|status| self.with_numbers(status)).collect()
    }

    pub fn node(&self) -> NodeStatus {
        self.node.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn readiness(&self) -> Readiness {
        let reasons = self.node().reasons();
        Readiness { ready: reasons.is_empty(), reasons }
    }

    pub fn report(&self) -> NodeReport {
        let mut functions = BTreeMap::new();
        for status in self.functions.read().unwrap_or_else(PoisonError::into_inner).values() {
            *functions.entry(status.state).or_default() += 1;
        }
        NodeReport { node: self.node(), readiness: self.readiness(), functions }
    }

    fn with_numbers(&self, status: &FunctionStatus) -> FunctionStatus {
        let mut status = status.clone();
        if let Some(metrics) = self.metrics.get(&status.name) {
            status.counters = metrics.counters();
            status.in_flight = u64::try_from(metrics.in_flight.get()).unwrap_or(0);
            status.isolates = u64::try_from(metrics.isolates.get()).unwrap_or(0);
        }
        status
    }
}

impl FunctionStatus {
    /// Sets the state with the reason for it; the reason of the state before is gone.
    pub fn enter(&mut self, state: FunctionState, reason: Option<String>) {
        self.state = state;
        self.state_reason = reason;
        self.idle_since = None;
    }
}

impl NodeStatus {
    /// Why the node cannot do its work. A function that is broken or waits does not make the node unready:
    /// the others run, and sending traffic elsewhere would not help it.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        match self.phase {
            Phase::Starting => reasons.push("the node is starting".to_owned()),
            Phase::Draining => reasons.push("the node is shutting down".to_owned()),
            Phase::Running => {}
        }
        if self.brokers.reachable == Some(false) {
            let error = self.brokers.error.as_deref().unwrap_or("no answer");
            reasons.push(format!("no broker of {} is reachable: {error}", self.brokers.addresses));
        }
        if self.phase == Phase::Running && self.workers.alive == 0 {
            reasons.push("no worker process is alive".to_owned());
        }
        reasons
    }
}

fn as_text<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn as_optional_text<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    fn board() -> (Arc<Board>, Arc<Metrics>) {
        let metrics = Metrics::new();
        (Board::new("node-1", Arc::clone(&metrics)), metrics)
    }

    #[test]
    fn a_function_shows_its_state_its_lag_and_its_numbers() {
        let (board, metrics) = board();
        board.update("enrich", |status| {
            status.version = 3;
            status.digest = "abc".to_owned();
            status.handler = Some(Handler::Record);
            status.topics = vec!["orders".to_owned()];
            status.sink_topics = vec!["orders.enriched".to_owned()];
            status.dead_letter = Some("enrich.dead-letter".to_owned());
            status.group = "eddyline.enrich".to_owned();
            status.enter(FunctionState::Running, None);
            status.assignment = (0..2)
                .map(|partition| Assignment {
                    topic: "orders".to_owned(),
                    partition,
                    position: Some(10),
                    committed: Some(8),
                    end: Some(12),
                    lag: Some(4),
                    in_flight: 2,
                })
                .collect();
            status.last_error = Some(LastError {
                at: "2026-01-31T10:00:00Z".parse().unwrap(),
                code: "E2001".to_owned(),
                message: "boom".to_owned(),
                topic: Some("orders".to_owned()),
                partition: Some(1),
                offset: Some(7),
            });
        });
        let numbers = metrics.function("enrich");
        numbers.records_in.add(20);
        numbers.in_flight.set(4);
        numbers.settled(Outcome::Done, 15);
        numbers.settled(Outcome::Failed, 1);
        let json = serde_json::to_string_pretty(&board.function("enrich").unwrap()).unwrap();
        insta::assert_snapshot!(json);
    }

    #[test]
    fn lag_is_unknown_while_a_partition_is() {
        let (board, _) = board();
        let known = Assignment { lag: Some(1), ..Assignment::default() };
        board.update("f", |status| status.assignment = vec![known.clone(), Assignment::default()]);
        assert_eq!(board.function("f").unwrap().lag, None);
        board.update("f", |status| status.assignment = vec![known.clone(), known]);
        assert_eq!(board.function("f").unwrap().lag, Some(2));
    }

    #[test]
    fn readiness_names_everything_that_is_missing() {
        let (board, _) = board();
        assert_eq!(board.readiness().reasons, ["the node is starting"]);
        board.update_node(|node| {
            node.phase = Phase::Running;
            node.brokers.addresses = "kafka:9092".to_owned();
            node.brokers.reachable = Some(false);
        });
        let reasons = board.readiness().reasons;
        assert_eq!(reasons, ["no broker of kafka:9092 is reachable: no answer", "no worker process is alive"]);
        board.update_node(|node| {
            node.workers.alive = 1;
            node.brokers.reachable = Some(true);
        });
        assert!(board.readiness().ready);
    }

    #[test]
    fn a_broken_function_does_not_make_the_node_unready() {
        let (board, _) = board();
        board.update_node(|node| {
            node.phase = Phase::Running;
            node.workers.alive = 1;
        });
        board.update("bad", |status| status.enter(FunctionState::Broken, Some("no handler".to_owned())));
        let report = board.report();
        assert!(report.readiness.ready);
        assert_eq!(report.functions[&FunctionState::Broken], 1);
    }
}
