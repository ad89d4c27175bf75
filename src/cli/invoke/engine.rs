//! One isolate in a worker process of its own, asked one invocation at a time.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{
    invoked::{Cost, Invoked},
    record::Given,
};
use crate::{
    cli::{exit, failure::Failure},
    fetch::Fetch,
    function::Program,
    outcome::{Outcome, RetryClass},
    pool::{HELLO, Isolate, IsolateEvent, Link, WorkerCommand},
    protocol::{
        control::{Handler, LogLevel, Problem},
        run::{Invocation, RecordView, RunBuilder},
        settled::{FailureView, How, SettledReader},
    },
};

/// Beyond the function's own limits, for everything around it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an isolate that a limit may have ended is waited for; one that only waited for too long goes on.
const FAREWELL: Duration = Duration::from_millis(500);

pub(in crate::cli) struct Engine {
    command: WorkerCommand,
    /// Serves what the handler fetches.
    fetch: Fetch,
    program: Arc<Program>,
    /// Made when it is needed: a limit ends an isolate, and a crash its worker.
    running: Option<Running>,
    invocations: u64,
}

struct Running {
    isolate: Isolate,
    events: Receiver<IsolateEvent>,
    /// What the modules logged while they were loaded, until the first answer takes it.
    logs: Vec<(LogLevel, String)>,
}

/// What becomes of the isolate with an invocation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lives,
    Gone,
    /// It was gone before the invocation reached it.
    GoneBefore,
}

/// What came back for one invocation, before it is divided among its records.
struct Answer {
    invoked: Vec<Invoked>,
    logs: Vec<(LogLevel, String)>,
}

impl Engine {
    pub(in crate::cli) fn new(command: WorkerCommand, program: Arc<Program>, fetch: Fetch) -> Self {
        Engine { command, fetch, program, running: None, invocations: 0 }
    }

    /// The records of each invocation: one, or as many of one partition as a batch may hold.
    pub(in crate::cli) fn groups<'r>(&self, records: &'r [Given]) -> Vec<&'r [Given]> {
        let most = match self.program.handler() {
            Handler::Record => 1,
            Handler::Batch => self.program.manifest.batch.max_records.max(1) as usize,
        };
        let same_place = |one: &Given, other: &Given| one.topic == other.topic && one.partition == other.partition;
        records.chunk_by(same_place).flat_map(|partition| partition.chunks(most)).collect()
    }

    /// Runs one invocation to its end, whatever that is.
    pub(in crate::cli) fn run(&mut self, records: &[Given]) -> anyhow::Result<Vec<Invoked>> {
        let mut answer = Answer { invoked: Vec::new(), logs: Vec::new() };
        while answer.invoked.is_empty() {
            let (mut running, fresh) = match self.running.take() {
                Some(running) => (running, false),
                None => (self.start()?, true),
            };
            answer.logs.append(&mut running.logs);
            self.invocations += 1;
            let id = self.invocations;
            running.isolate.send(message(running.isolate.channel(), id, records));
            match self.listen(&running, id, records, &mut answer)? {
                Fate::Lives => self.running = Some(running),
                Fate::Gone => {}
                // What ended an isolate that has run nothing yet would end the next one as well.
                Fate::GoneBefore if fresh => bail!("the isolate ended before it ran the record"),
                Fate::GoneBefore => {}
            }
        }
        // What was logged cannot be told apart by the records of a batch.
        if let Some(first) = answer.invoked.first_mut() {
            first.logs = answer.logs;
        }
        Ok(answer.invoked)
    }

    fn start(&self) -> anyhow::Result<Running> {
        let link = Link::start(&self.command, |_| {})?;
        link.wait_ready(HELLO)?;
        let (sender, events) = channel();
        let route = move |event| {
            // Nobody listens any more once the command is done.
            let _ = sender.send(event);
        };
        let isolate = link.open(&self.program, Arc::new(route), &self.fetch)?;
        let patience = PATIENCE + self.program.manifest.limits.load;
        let deadline = Instant::now() + patience;
        let mut logs = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match events.recv_timeout(left).context("the worker did not load the function")? {
                IsolateEvent::Loaded(loaded) => match loaded.result {
                    Ok(_) => return Ok(Running { isolate, events, logs }),
                    Err(problem) => return Err(broken(&problem).into()),
                },
                IsolateEvent::Died(death) => bail!("the worker {} while it loaded the function", death.how),
                IsolateEvent::Log(log) => logs.push((log.level, log.text)),
                other => bail!("the worker answered {other:?} instead of loading the function"),
            }
        }
    }

    /// Collects what is said of the invocation; says what became of the isolate.
    fn listen(&self, running: &Running, id: u64, records: &[Given], answer: &mut Answer) -> anyhow::Result<Fate> {
        let deadline = Instant::now() + PATIENCE + self.program.manifest.limits.wall;
        while answer.invoked.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            match running.events.recv_timeout(left) {
                Ok(IsolateEvent::Settled(body)) => self.settle(&body, id, records, &mut answer.invoked)?,
                Ok(IsolateEvent::Log(log)) => answer.logs.push((log.level, log.text)),
                Ok(IsolateEvent::Unloaded(_)) => return Ok(Fate::GoneBefore),
                Ok(IsolateEvent::Died(death)) => {
                    let message = format!("the worker {}", death.how);
                    let failure = FailureView { outcome: Outcome::Crashed, message: &message, stack: "" };
                    answer.invoked =
                        records.iter().map(|record| Invoked::failed(record, &failure, Cost::default())).collect();
                    return Ok(Fate::Gone);
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!("the worker did not answer"),
                Err(RecvTimeoutError::Disconnected) => bail!("the worker went away"),
            }
        }
        // A limit ends the isolate just after its invocation, but waiting in vain for too long leaves it as it is.
        let hurt = answer.invoked.iter().any(|invoked| invoked.outcome.retry_class() == RetryClass::Twice);
        let deadline = Instant::now() + if hurt { FAREWELL } else { Duration::ZERO };
        while let Ok(event) = running.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            match event {
                IsolateEvent::Log(log) => answer.logs.push((log.level, log.text)),
                IsolateEvent::Unloaded(_) | IsolateEvent::Died(_) => return Ok(Fate::Gone),
                _ => {}
            }
        }
        Ok(Fate::Lives)
    }

    fn settle(&self, body: &[u8], id: u64, records: &[Given], invoked: &mut Vec<Invoked>) -> anyhow::Result<()> {
        let mut settled = SettledReader::new(body)?;
        let (cpu, heap, external) = (Duration::from_nanos(settled.cpu_ns), settled.heap, settled.external);
        while let Some(entry) = settled.entry()? {
            if entry.id != id {
                continue;
            }
            let cost = |wall_ns| Cost { wall: Duration::from_nanos(wall_ns), cpu, heap, external };
            match entry.how {
                // The isolate ended before, and `Unloaded` is about to say so.
                How::NotRun => {}
                How::Whole { wall_ns, failure } => {
                    invoked.extend(records.iter().map(|record| Invoked::failed(record, &failure, cost(wall_ns))));
                }
                How::Each { wall_ns, verdicts } => {
                    anyhow::ensure!(verdicts.len() == records.len(), "the worker settled another number of records");
                    let outputs = self.program.outputs();
                    let each = records.iter().zip(verdicts);
                    invoked.extend(each.map(|(record, verdict)| Invoked::new(record, verdict, outputs, cost(wall_ns))));
                }
            }
        }
        Ok(())
    }
}

fn message(channel: u32, id: u64, records: &[Given]) -> Vec<u8> {
    let topic = records.first().map_or("", |record| record.topic.as_str());
    let mut run = RunBuilder::new(channel, std::iter::once(topic));
    // An epoch for each invocation: a failure stops its lane up to its own epoch only.
    let epoch = u32::try_from(id).unwrap_or(u32::MAX);
    run.invocation(&Invocation { id, lane: 1, epoch, attempt: 1, records: records.len() as u32 });
    for record in records {
        let view = RecordView {
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
        };
        run.record(&view, record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())));
    }
    run.finish()
}

fn broken(problem: &Problem) -> Failure {
    let failure = Failure::new(exit::BAD_FUNCTIONS, format!("{}: {}", problem.code, problem.message));
    match &problem.hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
