//! One function's letters, run again: each record through the handler, then what comes of it to Kafka, then the mark.

use std::{collections::BTreeMap, sync::Arc};

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    desk::Desk,
    letter::Letter,
    marks::{self, Mark, State},
    readable, version,
    writer::{Record, Writer},
};
use crate::{
    cli::{
        exit,
        failure::Failure,
        invoke::{self, Emitted, Engine, Header, Invoked},
    },
    function::Program,
    manifest::Guarantee,
    node::worker_command,
    pipeline::{LetterFailure, Origin, letter_headers},
};

/// Letters, and bytes of their records, that are run before what came of them is written.
const TOGETHER: usize = 200;
const BYTES_TOGETHER: usize = 8 << 20;
const MESSAGE_WIDTH: usize = 200;

/// What to do with letters beside running them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    /// Whether what fails again becomes a new letter.
    pub(super) renew: bool,
    /// Whether nothing is written at all.
    pub(super) dry: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) replayed: u64,
    /// Still open.
    pub(super) failed: u64,
    pub(super) renewed: u64,
}

pub(super) struct Session<'s> {
    desk: &'s Desk<'s>,
    program: Arc<Program>,
    engine: Engine,
    /// None for a dry run.
    writer: Option<Writer>,
    ways: Ways,
    bar: &'s ProgressBar,
    gathered: Vec<Letter>,
    bytes: usize,
    tally: Tally,
}

/// A letter whose record has run.
struct Ran {
    letter: Letter,
    invoked: Invoked,
}

impl<'s> Session<'s> {
    pub(super) fn open(
        desk: &'s Desk<'s>,
        program: Arc<Program>,
        ways: Ways,
        bar: &'s ProgressBar,
    ) -> anyhow::Result<Session<'s>> {
        let writer = if ways.dry { None } else { Some(writer(desk, &program)?) };
        let engine = invoke::engine(&desk.config, worker_command(&desk.config)?, &program)?;
        let (gathered, tally) = (Vec::new(), Tally::default());
        Ok(Session { desk, program, engine, writer, ways, bar, gathered, bytes: 0, tally })
    }

    /// Takes a letter on; it is run with others, before `finish` at the latest.
    pub(super) fn add(&mut self, letter: Letter) -> anyhow::Result<()> {
        self.bytes += letter.size();
        self.gathered.push(letter);
        if self.gathered.len() >= TOGETHER || self.bytes >= BYTES_TOGETHER { self.work() } else { Ok(()) }
    }

    /// Runs what is left, and forgets marks whose letters are gone.
    pub(super) fn finish(mut self, obsolete: Vec<String>) -> anyhow::Result<Tally> {
        self.work()?;
        if let Some(writer) = &mut self.writer {
            writer.forget(obsolete)?;
        }
        Ok(self.tally)
    }

    fn work(&mut self) -> anyhow::Result<()> {
        self.bytes = 0;
        let mut all = Vec::with_capacity(self.gathered.len());
        for letter in std::mem::take(&mut self.gathered) {
            let invoked = self.run(&letter)?;
            all.push(Ran { letter, invoked });
            self.bar.inc(1);
        }
        let refused = match &mut self.writer {
            Some(writer) => write(writer, &self.program, &all, self.ways.renew)?,
            None => BTreeMap::new(),
        };
        for (number, ran) in all.iter().enumerate() {
            let refused = refused.get(&number).map(String::as_str);
            match state(ran, refused, self.ways) {
                Some(State::Renewed) => self.tally.renewed += 1,
                Some(_) => self.tally.replayed += 1,
                None => self.tally.failed += 1,
            }
            let text = if self.desk.context.is_json() { self.json(ran, refused) } else { self.human(ran, refused) };
            self.bar.suspend(|| self.desk.context.print(&text))?;
        }
        Ok(())
    }

    /// One invocation, in a worker that is confined as those of a node are. A batch handler gets a batch of one.
    fn run(&mut self, letter: &Letter) -> anyhow::Result<Invoked> {
        let record = std::slice::from_ref(&letter.record);
        let sifted = invoke::sift(self.program.manifest.filter.as_ref(), record);
        let filtered = sifted.unwanted.into_iter().map(|(_, invoked)| invoked).next();
        let ran = match filtered {
            Some(filtered) => Some(filtered),
            None => self.engine.run(record)?.into_iter().next(),
        };
        ran.ok_or_else(|| anyhow::anyhow!("the worker said nothing of the record"))
    }

    fn human(&self, ran: &Ran, refused: Option<&str>) -> String {
        let (paint, invoked) = (self.desk.context.paint, &ran.invoked);
        if self.ways.dry {
            return format!("{}\n{}", paint.strong(&ran.letter.head.place), invoke::as_text(paint, invoked));
        }
        let place = &ran.letter.head.place;
        let label = invoked.outcome.label();
        match (state(ran, refused, self.ways), refused) {
            (Some(State::Replayed), _) => {
                let count = invoked.results.len();
                let results = if count == 1 { "1 result".to_owned() } else { format!("{count} results") };
                format!("{} {place}  replayed: {label}, {results}\n", paint.good("✓"))
            }
            (_, Some(reason)) => {
                let reason = readable::line(reason, MESSAGE_WIDTH);
                format!("{} {place}  a result cannot be written: {reason}\n", paint.bad("✗"))
            }
            (state, None) => {
                let code = invoked.outcome.code().unwrap_or(label);
                let message = readable::line(&invoked.message, MESSAGE_WIDTH);
                let then = if state.is_some() { ", and became a new letter" } else { "" };
                format!("{} {place}  failed again{then}: {} {message}\n", paint.bad("✗"), paint.strong(code))
            }
        }
    }

    fn json(&self, ran: &Ran, refused: Option<&str>) -> String {
        let (head, invoked) = (&ran.letter.head, &ran.invoked);
        let error = (!invoked.outcome.is_success())
            .then(|| json!({ "code": invoked.outcome.code(), "message": invoked.message, "stack": invoked.stack }));
        let mut json = json!({
            "function": head.function,
            "letter": head.place.as_json(),
            "digest": self.program.digest,
            "state": state(ran, refused, self.ways).map_or("open", State::name),
            "outcome": invoked.outcome.label(),
            "error": error,
            "refused": refused,
            "results": invoked.results.len(),
        });
        if self.ways.dry {
            let whole: Value = invoke::as_json(invoked);
            json["results"] = whole["results"].clone();
            json["logs"] = whole["logs"].clone();
        }
        format!("{json}\n")
    }
}

/// What the letter is from now on; nothing if it stays open.
fn state(ran: &Ran, refused: Option<&str>, ways: Ways) -> Option<State> {
    match ran.invoked.outcome.is_success() {
        _ if refused.is_some() || ways.dry => None,
        true => Some(State::Replayed),
        false => ways.renew.then_some(State::Renewed),
    }
}

/// The writer for what a function's records come to. Only a function that is exactly-once pays for transactions.
fn writer(desk: &Desk<'_>, program: &Program) -> anyhow::Result<Writer> {
    let outputs: Vec<&str> = program.outputs().iter().map(String::as_str).filter(|topic| !topic.is_empty()).collect();
    let found = desk.describe(&outputs)?;
    if let Some((missing, _)) = outputs.iter().zip(&found).find(|(_, found)| found.is_none()) {
        let message = format!("{} writes to topic {missing:?}, which does not exist", program.name());
        return Err(Failure::new(exit::FAILURE, message).with_hint("make it, or start the function once").into());
    }
    match program.manifest.delivery.guarantee {
        Guarantee::AtLeastOnce => Writer::new(&desk.settings),
        Guarantee::ExactlyOnce => {
            let id = format!("eddyline.{}.dead-letters.replay", program.name());
            Writer::transactional(&desk.settings, &id)
        }
    }
}

/// Writes results, new letters and marks. A mark follows only when Kafka has all that it is about, or is in the same
/// transaction. Gives the numbers of those that came to something Kafka does not take.
fn write(writer: &mut Writer, program: &Program, all: &[Ran], renew: bool) -> anyhow::Result<BTreeMap<usize, String>> {
    let mut refused = BTreeMap::new();
    loop {
        writer.begin()?;
        let transactional = writer.is_transactional();
        for (number, ran) in numbered(all, &refused) {
            write_outcome(writer, program, number, ran, renew)?;
            if transactional {
                write_mark(writer, program, number, ran, renew)?;
            }
        }
        let more = writer.flush()?;
        let complete = more.is_empty();
        refused.extend(more);
        match (transactional, complete) {
            (true, true) => {
                writer.commit()?;
                return Ok(refused);
            }
            // Once more, without those.
            (true, false) => writer.abort()?,
            (false, _) => break,
        }
    }
    for (number, ran) in numbered(all, &refused) {
        write_mark(writer, program, number, ran, renew)?;
    }
    match writer.flush()?.pop_first() {
        None => Ok(refused),
        Some((number, reason)) => {
            let place = &all[number].letter.head.place;
            let message = format!("the results of {place} are written, but it could not be marked: {reason}");
            Err(Failure::new(exit::FAILURE, message).with_hint("replaying it again writes them twice").into())
        }
    }
}

fn numbered<'r>(all: &'r [Ran], without: &BTreeMap<usize, String>) -> Vec<(usize, &'r Ran)> {
    all.iter().enumerate().filter(|(number, _)| !without.contains_key(number)).collect()
}

fn write_outcome(writer: &mut Writer, program: &Program, number: usize, ran: &Ran, renew: bool) -> anyhow::Result<()> {
    if ran.invoked.outcome.is_success() {
        return ran.invoked.results.iter().try_for_each(|result| writer.write(number, &outgoing(result)));
    }
    if !renew {
        return Ok(());
    }
    let (head, record) = (&ran.letter.head, &ran.letter.record);
    let failure = LetterFailure {
        function: program.name(),
        version: program.version,
        outcome: ran.invoked.outcome,
        message: &ran.invoked.message,
        stack: &ran.invoked.stack,
        attempts: head.attempts.saturating_add(1),
    };
    let timestamp = Some(record.timestamp).filter(|time| *time >= 0);
    let origin = Origin { topic: &record.topic, partition: record.partition, offset: record.offset, timestamp };
    let ours = letter_headers(&failure, &origin, &ran.invoked.stack, Timestamp::now());
    let ours = ours.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), Some(value.into_bytes())));
    let headers: Vec<Header> = record.headers.iter().cloned().chain(ours).collect();
    let letter = Record {
        topic: &head.place.at.topic,
        partition: None,
        timestamp: None,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: &headers,
    };
    writer.write(number, &letter)
}

fn outgoing(result: &Emitted) -> Record<'_> {
    Record {
        topic: &result.topic,
        partition: result.partition,
        timestamp: Some(result.timestamp).filter(|time| *time >= 0),
        key: result.key.as_deref(),
        value: result.value.as_deref(),
        headers: &result.headers,
    }
}

fn write_mark(writer: &mut Writer, program: &Program, number: usize, ran: &Ran, renew: bool) -> anyhow::Result<()> {
    let Some(state) = state(ran, None, Ways { renew, dry: false }) else { return Ok(()) };
    let (head, invoked) = (&ran.letter.head, &ran.invoked);
    let mark = Mark {
        digest: Some(version::short(&program.digest).to_owned()),
        outcome: Some(invoked.outcome.label().to_owned()),
        results: Some(invoked.results.len()),
        ..Mark::new(state, head)
    };
    writer.write(number, &Record::mark(marks::key(head).as_bytes(), Some(&mark.value())))
}
