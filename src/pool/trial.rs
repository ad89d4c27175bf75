//! Running a function on given records in a worker of its own, without Kafka: for trying things out.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::isolate::{Isolate, IsolateEvent};
use super::link::{Link, LinkError};
use super::process::WorkerCommand;
use crate::outcome::Outcome;
use crate::protocol::control::{Handler, Load, Log, Problem};
use crate::protocol::run::{Invocation, RecordView, RunBuilder};
use crate::protocol::settled::{FailureView, How, ResultView, SettledReader, Value, Verdict};
use crate::protocol::wire::WireError;

/// How long after a function's own limits we wait for an answer.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Error)]
pub enum TrialError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("{}: {}", .0.code, .0.message)]
    Problem(Box<Problem>),
    #[error("the worker {0}")]
    Died(String),
    #[error("the worker did not answer in time")]
    Silent,
    #[error("the worker broke the protocol: {0}")]
    Wire(#[from] WireError),
}

/// A record to try a handler on, and the form in which results are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrialRecord {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A result as Kafka would get it. `partition` is absent where the key decides.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialResult {
    pub topic: String,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TrialVerdict {
    pub outcome: Outcome,
    /// Empty for a success.
    pub message: String,
    pub stack: String,
    pub results: Vec<TrialResult>,
}

/// What one invocation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialReport {
    /// One for each record.
    pub verdicts: Vec<TrialVerdict>,
    pub logs: Vec<Log>,
    pub wall: Duration,
    pub cpu: Duration,
    pub heap_bytes: u64,
    pub external_bytes: u64,
}

/// A function in an isolate, ready to be tried.
#[derive(Debug)]
pub struct Trial {
    link: Arc<Link>,
    load: Load,
    isolate: Isolate,
    events: Receiver<IsolateEvent>,
    invocations: u64,
    handler: Handler,
}

impl Trial {
    /// Starts a worker and loads the function. Call from a thread that outlives the trial.
    pub fn start(command: &WorkerCommand, load: &Load) -> Result<Trial, TrialError> {
        let link = Link::start(command, |_| {})?;
        link.wait_ready()?;
        let (isolate, events) = open(&link, load)?;
        let mut trial =
            Trial { link, load: load.clone(), isolate, events, invocations: 0, handler: load.bundle.handler };
        trial.wait_loaded()?;
        Ok(trial)
    }

    pub fn handler(&self) -> Handler {
        self.handler
    }

    fn wait_loaded(&mut self) -> Result<(), TrialError> {
        let until = Instant::now() + Duration::from_millis(self.load.limits.load_ms) + GRACE;
        loop {
            match self.next(until)? {
                IsolateEvent::Loaded(loaded) => {
                    self.handler = loaded.result.map_err(|problem| TrialError::Problem(Box::new(problem)))?;
                    return Ok(());
                }
                IsolateEvent::Died(death) => return Err(TrialError::Died(death.how)),
                _ => {}
            }
        }
    }

    fn next(&self, until: Instant) -> Result<IsolateEvent, TrialError> {
        let left = until.saturating_duration_since(Instant::now());
        self.events.recv_timeout(left).map_err(|_| TrialError::Silent)
    }

    /// Runs one invocation: one record, or for a `batch` handler any number. After a limit that ended the isolate, or
    /// a crash, the next call finds a fresh one.
    pub fn run(&mut self, records: &[TrialRecord], attempt: u16) -> Result<TrialReport, TrialError> {
        if self.link.is_dead() {
            self.link = Link::start(&WorkerCommand::this_program().map_err(LinkError::Start)?, |_| {})?;
            self.link.wait_ready()?;
            self.reload()?;
        }
        self.invocations += 1;
        let id = self.invocations;
        self.isolate.send(self.message(id, records, attempt));
        let until = Instant::now() + Duration::from_millis(self.load.limits.wall_ms) + GRACE;
        let mut logs = Vec::new();
        loop {
            match self.next(until)? {
                IsolateEvent::Log(log) => logs.push(log),
                IsolateEvent::Settled(body) => {
                    if let Some(report) = read_report(&self.load, &body, id, records, &mut logs)? {
                        self.look_for_end()?;
                        return Ok(report);
                    }
                }
                IsolateEvent::Died(death) => return Ok(crashed(records.len(), &death.how, logs)),
                _ => {}
            }
        }
    }

    /// A limit ends the isolate right after the verdict; a new one is loaded before the next run.
    fn look_for_end(&mut self) -> Result<(), TrialError> {
        while let Ok(event) = self.events.recv_timeout(Duration::from_millis(1)) {
            if matches!(event, IsolateEvent::Unloaded(_)) {
                return self.reload();
            }
        }
        Ok(())
    }

    fn reload(&mut self) -> Result<(), TrialError> {
        (self.isolate, self.events) = open(&self.link, &self.load)?;
        self.wait_loaded()
    }

    fn message(&self, id: u64, records: &[TrialRecord], attempt: u16) -> Vec<u8> {
        let mut topics: Vec<&str> = records.iter().map(|record| record.topic.as_str()).collect();
        topics.sort_unstable();
        topics.dedup();
        let mut run = RunBuilder::new(self.isolate.channel(), topics.into_iter());
        run.invocation(&Invocation { id, lane: 1, epoch: id as u32, attempt, records: records.len() as u32 });
        for record in records {
            let view = RecordView {
                topic: &record.topic,
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp.unwrap_or(-1),
                key: record.key.as_deref(),
                value: record.value.as_deref(),
            };
            run.record(&view, record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())));
        }
        run.finish()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.link.close();
    }
}

fn open(link: &Arc<Link>, load: &Load) -> Result<(Isolate, Receiver<IsolateEvent>), LinkError> {
    let (sender, events) = channel();
    let isolate = link.open(load, Arc::new(move |event| drop(sender.send(event))))?;
    Ok((isolate, events))
}

fn read_report(
    load: &Load,
    body: &[u8],
    id: u64,
    records: &[TrialRecord],
    logs: &mut Vec<Log>,
) -> Result<Option<TrialReport>, TrialError> {
    let mut reader = SettledReader::new(body)?;
    let (cpu, heap_bytes, external_bytes) = (Duration::from_nanos(reader.cpu_ns), reader.heap, reader.external);
    while let Some(entry) = reader.entry()? {
        if entry.id != id {
            continue;
        }
        let (wall_ns, verdicts) = match entry.how {
            How::NotRun => continue,
            How::Whole { wall_ns, failure } => (wall_ns, vec![failed(&failure); records.len()]),
            How::Each { wall_ns, verdicts } => {
                let each = verdicts.iter().zip(records).map(|(verdict, record)| read_verdict(load, verdict, record));
                (wall_ns, each.collect())
            }
        };
        let (wall, logs) = (Duration::from_nanos(wall_ns), std::mem::take(logs));
        return Ok(Some(TrialReport { verdicts, logs, wall, cpu, heap_bytes, external_bytes }));
    }
    Ok(None)
}

fn read_verdict(load: &Load, verdict: &Verdict<'_>, record: &TrialRecord) -> TrialVerdict {
    match verdict {
        Verdict::Failure(failure) => failed(failure),
        Verdict::Success { outcome, results } => TrialVerdict {
            outcome: *outcome,
            message: String::new(),
            stack: String::new(),
            results: results.iter().map(|result| read_result(load, &result, record)).collect(),
        },
    }
}

fn failed(failure: &FailureView<'_>) -> TrialVerdict {
    TrialVerdict {
        outcome: failure.outcome,
        message: failure.message.to_owned(),
        stack: failure.stack.to_owned(),
        results: Vec::new(),
    }
}

fn read_result(load: &Load, result: &ResultView<'_>, record: &TrialRecord) -> TrialResult {
    let own = record.headers.iter().map(|(name, value)| (&name[..], value.as_deref()));
    let headers = result.headers.apply(own).into_iter();
    TrialResult {
        topic: load.topics.get(usize::from(result.topic)).cloned().unwrap_or_default(),
        partition: result.partition,
        timestamp: result.timestamp.or(record.timestamp),
        key: result.key.map_or_else(|| record.key.clone(), |key| key.map(<[u8]>::to_vec)),
        value: match result.value {
            Value::Null => None,
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            Value::Same => record.value.clone(),
        },
        headers: headers.map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect(),
    }
}

fn crashed(records: usize, how: &str, logs: Vec<Log>) -> TrialReport {
    let message = format!("the worker process {how}");
    let failure = FailureView { outcome: Outcome::Crashed, message: &message, stack: "" };
    TrialReport {
        verdicts: vec![failed(&failure); records],
        logs,
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
        heap_bytes: 0,
        external_bytes: 0,
    }
}
