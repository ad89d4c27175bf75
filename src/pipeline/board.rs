//! What a subscription shows of itself: its state on the board, its numbers in the metrics, its handlers' console in
//! the log.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::isolates::{Isolates, Version};
use super::partition::{Failed, Partition};
use super::subscription::{Setup, problem_line};
use crate::ids::IdMap;
use crate::kafka::{Consumer, TopicPartition};
use crate::protocol::control::{Log, LogLevel, Problem};
use crate::status::{Assignment, Board, FunctionState, FunctionStatus, LastError};
use crate::telemetry::{FunctionMetrics, Gauge};

/// The same failure is logged at most this often; the metrics count every one.
const QUIET: Duration = Duration::from_secs(10);

pub struct Reporter {
    board: Arc<Board>,
    metrics: Arc<FunctionMetrics>,
    function: String,
    lag: HashMap<Arc<str>, Arc<Gauge>>,
    logged: Option<(Instant, String)>,
    suppressed: u64,
    /// Why the function is in quarantine.
    quarantine: Option<String>,
}

impl Reporter {
    pub fn new(setup: &Setup) -> Reporter {
        let function = setup.version.program.name().to_owned();
        let quarantine = setup
            .quarantined
            .then(|| "it was in quarantine or paused when it last ended, and has to be calm first".to_owned());
        setup.metrics.quarantined.set(i64::from(setup.quarantined));
        Reporter {
            board: Arc::clone(&setup.board),
            metrics: Arc::clone(&setup.metrics),
            function,
            lag: HashMap::new(),
            logged: None,
            suppressed: 0,
            quarantine,
        }
    }

    /// The state of a function that runs.
    fn enter_running(&self, status: &mut FunctionStatus) {
        match &self.quarantine {
            None => status.enter(FunctionState::Running, None),
            Some(reason) => status.enter(FunctionState::Quarantined, Some(reason.clone())),
        }
    }

    pub fn running(&self) {
        self.board.update(&self.function, |status| self.enter_running(status));
    }

    /// The function has a worker of its own for this reason, or shares workers again.
    pub fn quarantined(&mut self, reason: Option<String>) {
        self.metrics.quarantined.set(i64::from(reason.is_some()));
        self.quarantine = reason;
        self.board.update(&self.function, |status| {
            if matches!(status.state, FunctionState::Running | FunctionState::Quarantined) {
                self.enter_running(status);
            }
        });
    }

    pub fn draining(&self) {
        self.board.update(&self.function, |status| status.enter(FunctionState::Draining, None));
    }

    pub fn installed(&self, version: &Version) {
        tracing::info!(version = version.program.version, "a new version takes over");
        let version = Arc::clone(&version.program);
        self.board.update(&self.function, |status| {
            status.version = version.version;
            status.digest.clone_from(&version.digest);
            status.handler = Some(version.handler());
            status.broken_update = None;
            self.enter_running(status);
        });
    }

    pub fn consumer_failed(&self, error: &str) {
        let reason = format!("cannot start the consumer: {error}; trying again");
        self.board.update(&self.function, |status| status.enter(FunctionState::Waiting, Some(reason)));
    }

    /// Somebody else takes the transactional id over again and again.
    pub fn fenced(&self, id: &str) {
        let reason = format!(
            "another node seems to have the same id: the transactional id {id:?} is taken over again and again (E3002); \
             set `id` under `[node]` to one of its own for each node"
        );
        self.waits("E3002", reason);
    }

    /// Kafka holds up what transactions need for longer than it ought to.
    pub fn held_up(&self, what: &str) {
        self.waits(
            "E3004",
            format!(
                "{what} (E3004); it goes on by itself when Kafka does, and `kafka-transactions.sh find-hanging` tells whether \
                 a transaction hangs there"
            ),
        );
    }

    fn waits(&self, code: &str, reason: String) {
        tracing::error!(code, "{reason}");
        self.last_error(code, &reason, None);
        self.board.update(&self.function, |status| {
            if matches!(status.state, FunctionState::Running | FunctionState::Quarantined) {
                status.enter(FunctionState::Waiting, Some(reason));
            }
        });
    }

    /// What it waited for is over.
    pub fn over(&self) {
        self.board.update(&self.function, |status| {
            if status.state == FunctionState::Waiting {
                self.enter_running(status);
            }
        });
    }

    pub fn cannot_load(&self, problem: &Problem, update: bool) {
        let line = problem_line(problem);
        if update {
            tracing::error!(error = %line, "the new version cannot be loaded, the old one goes on");
        } else {
            tracing::error!(error = %line, "the function cannot be loaded, trying again");
        }
        self.last_error(&problem.code, &line, None);
    }

    fn last_error(&self, code: &str, message: &str, place: Option<(&TopicPartition, i64)>) {
        let error = LastError {
            at: Timestamp::now(),
            code: code.to_owned(),
            message: message.to_owned(),
            topic: place.map(|(at, _)| at.topic.to_string()),
            partition: place.map(|(at, _)| at.partition),
            offset: place.map(|(_, offset)| offset),
        };
        self.board.update(&self.function, |status| status.last_error = Some(error));
    }

    /// Shows records that failed, and trouble with writing. Many alike are logged once in a while.
    pub fn tell(&mut self, told: &mut Vec<(TopicPartition, Failed)>, trouble: Option<String>) {
        if let Some(trouble) = trouble {
            if self.may_log(&trouble) {
                tracing::warn!(reason = %trouble, "results wait until they can be written");
            }
            self.last_error("E3001", &trouble, None);
        }
        let Some((at, failed)) = told.iter().rev().max_by_key(|(_, failed)| failed.stopped) else { return };
        let code = failed.outcome.code().unwrap_or_default();
        self.last_error(code, &failed.message, Some((at, failed.offset)));
        if failed.stopped {
            let reason = format!(
                "{at} stands still at offset {}, which failed ({code}: {}), since no dead letter can be written; \
                 it goes on when the function changes",
                failed.offset, failed.message
            );
            tracing::error!(partition = %at, offset = failed.offset, code, error = %failed.message, "a partition stands still");
            self.board.update(&self.function, |status| status.enter(FunctionState::Stopped, Some(reason)));
        } else if self.may_log(&failed.message) {
            let (offset, more) = (failed.offset, std::mem::take(&mut self.suppressed));
            tracing::warn!(partition = %at, offset, code, error = %failed.message, more, "a record failed");
        } else {
            self.suppressed += told.len() as u64;
        }
        told.clear();
    }

    fn may_log(&mut self, text: &str) -> bool {
        let now = Instant::now();
        let due = self.logged.as_ref().is_none_or(|(at, last)| {
            let patience = if last == text { QUIET } else { QUIET / 10 };
            now.saturating_duration_since(*at) > patience
        });
        if due {
            self.logged = Some((now, text.to_owned()));
        }
        due
    }

    /// One line of a handler's console.
    pub fn log(&self, log: &Log) {
        let (function, text, dropped) = (self.function.as_str(), log.text.as_str(), log.dropped);
        match log.level {
            LogLevel::Debug => tracing::debug!(target: "handler", function, dropped, "{text}"),
            LogLevel::Info => tracing::info!(target: "handler", function, dropped, "{text}"),
            LogLevel::Warn => tracing::warn!(target: "handler", function, dropped, "{text}"),
            LogLevel::Error => tracing::error!(target: "handler", function, dropped, "{text}"),
        }
    }

    pub fn tick(&mut self, consumer: Option<&Consumer>, partitions: &IdMap<u32, Partition>, isolates: &Isolates) {
        let mut assignment: Vec<Assignment> =
            partitions.values().map(|partition| assigned(consumer, partition)).collect();
        assignment.sort_by(|one, other| (&one.topic, one.partition).cmp(&(&other.topic, other.partition)));
        self.show_lag(&assignment);
        let (heap, external) = held(isolates.held().map(|held| held.memory));
        let mut workers: Vec<u32> = isolates.held().map(|held| held.isolate.worker_pid()).collect();
        workers.sort_unstable();
        workers.dedup();
        self.metrics.isolates.set(isolates.held().count() as i64);
        self.metrics.heap_bytes.set(heap as i64);
        self.metrics.external_bytes.set(external as i64);
        self.metrics.in_flight.set(assignment.iter().map(|one| one.in_flight as i64).sum());
        let lag = assignment.iter().map(|one| one.lag).sum::<Option<u64>>();
        self.board.update(&self.function, |status| {
            status.lag = lag;
            status.assignment = assignment;
            status.workers = workers;
        });
    }

    /// Nothing of the numbers that go up and down is left behind.
    pub fn ended(&mut self) {
        self.show_lag(&[]);
        for gauge in
            [&self.metrics.isolates, &self.metrics.heap_bytes, &self.metrics.external_bytes, &self.metrics.in_flight]
        {
            gauge.set(0);
        }
        self.metrics.quarantined.set(0);
        self.board.update(&self.function, |status| {
            status.assignment.clear();
            status.workers.clear();
        });
    }

    fn show_lag(&mut self, assignment: &[Assignment]) {
        let mut by_topic: BTreeMap<&str, i64> = BTreeMap::new();
        for one in assignment {
            *by_topic.entry(&one.topic).or_default() += one.lag.unwrap_or(0) as i64;
        }
        self.lag.retain(|topic, _| {
            let assigned = by_topic.contains_key(&**topic);
            if !assigned {
                self.metrics.remove_lag(topic);
            }
            assigned
        });
        for (topic, lag) in by_topic {
            if !self.lag.contains_key(topic) {
                self.lag.insert(Arc::from(topic), self.metrics.lag(topic));
            }
            if let Some(gauge) = self.lag.get(topic) {
                gauge.set(lag);
            }
        }
    }
}

/// Heap and external memory of isolates together. What each has is its worker's word, which may be any number.
fn held(memory: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    memory.fold((0, 0), |(heap, external): (u64, u64), more| {
        (heap.saturating_add(more.0), external.saturating_add(more.1))
    })
}

fn assigned(consumer: Option<&Consumer>, partition: &Partition) -> Assignment {
    let end =
        consumer.and_then(|consumer| consumer.watermarks(partition.slot)).map(|(_, end)| end).filter(|end| *end >= 0);
    let position = consumer.and_then(|consumer| consumer.position(partition.slot)).filter(|position| *position >= 0);
    let committed = partition.committed();
    let behind = committed.or(position.filter(|_| partition.underway() == 0));
    Assignment {
        topic: partition.at.topic.to_string(),
        partition: partition.at.partition,
        position,
        committed,
        end,
        lag: end.zip(behind).map(|(end, at)| end.saturating_sub(at).max(0) as u64),
        in_flight: partition.underway() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::held;

    #[test]
    fn memory_that_no_machine_has_adds_up_to_the_most_there_can_be() {
        assert_eq!(held([(1, 2), (3, 4)].into_iter()), (4, 6));
        assert_eq!(held([(u64::MAX, 2), (3, u64::MAX)].into_iter()), (u64::MAX, u64::MAX));
    }
}
