//! What a run was and what came of it: plain lines at its end, and a line of JSON when asked.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::checker::Findings;
use super::injector::Tally;
use super::owners::Pauses;
use super::settings::{self, Settings};

/// What Kafka holds of one function at the end.
#[derive(Debug)]
pub struct Outcome {
    pub function: String,
    pub records: usize,
    pub results: usize,
    pub dead_letters: usize,
    /// Results and dead letters of transactions that were aborted, which nobody sees who reads committed ones.
    pub undone: usize,
    pub findings: Findings,
}

/// One run.
pub struct Report<'a> {
    pub test: &'a str,
    pub settings: Settings,
    /// All of it, until everything was judged.
    pub took: Duration,
    /// From the last fault until all records were done.
    pub catching_up: Duration,
    pub faults: Tally,
    pub pauses: Option<Pauses>,
    pub outcomes: Vec<Outcome>,
    /// Nodes that ended by themselves, and the like.
    pub surprises: &'a [String],
}

impl Report<'_> {
    pub fn is_clean(&self) -> bool {
        self.surprises.is_empty() && self.outcomes.iter().all(|outcome| outcome.findings.is_clean())
    }

    /// Prints it, and adds it to the file that was asked for.
    pub fn publish(&self) {
        println!("{self}");
        if let Some(path) = settings::json() {
            let mut file =
                File::options().create(true).append(true).open(&path).expect("EDDYLINE_CHAOS_JSON is a file");
            writeln!(file, "{}", self.json()).expect("the file takes a line");
        }
    }

    fn json(&self) -> Value {
        let outcomes = self.outcomes.iter().map(Outcome::json);
        json!({
            "test": self.test,
            "seed": self.settings.seed,
            "guarantee": self.settings.guarantee.name(),
            "order": self.settings.order.name(),
            "seconds": self.took.as_secs_f64(),
            "catching-up-seconds": self.catching_up.as_secs_f64(),
            "faults": self.faults.count(),
            "faults-by-kind": self.faults.struck,
            "faults-missed": self.faults.missed,
            "pauses": self.pauses.as_ref().map(Pauses::json),
            "functions": outcomes.collect::<Vec<_>>(),
            "surprises": self.surprises,
            "passed": self.is_clean(),
        })
    }
}

impl Outcome {
    fn json(&self) -> Value {
        let found = &self.findings;
        json!({
            "function": self.function,
            "records": self.records,
            "results": self.results,
            "dead-letters": self.dead_letters,
            "undone": self.undone,
            "repeats": found.repeats,
            "lost": found.lost,
            "not-written-once": found.miswritten,
            "invented": found.invented,
            "doubled": found.doubled,
            "disordered": found.disordered,
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { function, records, results, dead_letters, undone, findings } = self;
        write!(out, "{function}: {records} records, {results} results, {dead_letters} dead letters, ")?;
        write!(out, "{} repeats, {undone} undone: ", findings.repeats)?;
        if findings.is_clean() { write!(out, "as promised") } else { write!(out, "{findings}") }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { seed, guarantee, order, .. } = self.settings;
        let (guarantee, order, took) = (guarantee.name(), order.name(), self.took.as_secs());
        writeln!(out, "{}: seed {seed}, {guarantee}, order by {order}, {took} s", self.test)?;
        if self.faults.count() > 0 {
            let kinds: Vec<String> = self.faults.struck.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            writeln!(out, "  {} faults: {}", self.faults.count(), kinds.join(", "))?;
            if self.faults.missed > 0 {
                writeln!(out, "  {} more found nothing to strike", self.faults.missed)?;
            }
        }
        writeln!(out, "  all records done {:.1} s after the last of it", self.catching_up.as_secs_f64())?;
        self.pauses.iter().try_for_each(|pauses| writeln!(out, "  {pauses}"))?;
        self.outcomes.iter().try_for_each(|outcome| writeln!(out, "  {outcome}"))?;
        self.surprises.iter().try_for_each(|surprise| writeln!(out, "  {surprise}"))?;
        write!(out, "  {}", if self.is_clean() { "passed" } else { "FAILED" })
    }
}
