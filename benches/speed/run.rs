//! One run: a system works off a load, and is watched while it does.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::contract::Contract;
use crate::loads::Load;
use crate::orders;
use crate::process::Programs;
use crate::reading::{Reading, Verdict};
use crate::systems::{Places, Start, last_words};

const INTERVAL: Duration = Duration::from_millis(50);
/// How long a system may produce nothing, at its start or later.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long nothing more may come out before all has come out.
const SETTLING: Duration = Duration::from_secs(2);
const STOPPING: Duration = Duration::from_secs(40);
/// Of the results. What is left at the end is more than anybody reads ahead: where it were less, the records between would
/// have been fetched before the first of them was counted, and nothing in their place.
pub const WARM: Range<f64> = 0.5..0.85;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub load: &'static str,
    pub system: &'static str,
    pub round: usize,
    pub records: u64,
    /// Between two shares of the results: without start, warming up and the last partition's remainder.
    pub warm: Pace,
    /// From the program's start to its last result.
    pub whole: Pace,
    /// From the program's start.
    pub first_result_seconds: f64,
    pub peak_mb: f64,
    pub verdict: Verdict,
}

/// Of records taken, not of results.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Pace {
    pub records_per_second: f64,
    pub cpu_seconds_per_million: f64,
}

#[derive(Clone, Copy)]
struct Sample {
    at: f64,
    appended: u64,
    cpu_seconds: f64,
}

pub struct Task<'a> {
    pub places: &'a Places,
    pub broker: &'a Broker,
    pub load: &'a Load,
    pub system: &'static str,
    pub round: usize,
    /// Records of which the load takes its part.
    pub asked: u64,
    pub inputs: &'a [String],
}

impl Task<'_> {
    pub fn run(&self) -> Result<Figures> {
        self.places.clear()?;
        let contract = self.contract();
        self.broker.create(std::slice::from_ref(&contract.output), contract.partitions)?;
        let reading = Reading::new(&self.broker.address, &contract.output, contract.partitions)?;
        let Self { places, system, load, inputs, .. } = self;
        let commands = Start { places, system, load, contract: &contract, inputs }.commands()?;
        let mut programs = Programs::start(commands)?;
        let watched = self.watch(&mut programs, &reading);
        programs.stop(STOPPING);
        let (samples, peak_mb) = watched.with_context(|| last_words(&places.scratch))?;
        let verdict = reading.judge(load, self.records())?;
        self.broker.delete(std::slice::from_ref(&contract.output))?;
        Ok(self.figures(&samples, peak_mb, verdict))
    }

    pub fn contract(&self) -> Contract {
        let Load { name, work, partitions, threads, exactly_once, .. } = *self.load;
        // Of its own for each run, so that nothing is left from another.
        let id = format!("{name}-{}-{}-{}", self.system, self.round, std::process::id());
        Contract {
            brokers: self.broker.address.clone(),
            input: self.inputs[0].clone(),
            output: format!("results-{id}"),
            group: format!("bench-{id}"),
            work,
            partitions,
            threads,
            exactly_once,
        }
    }

    fn records(&self) -> u64 {
        self.load.records(self.asked)
    }

    fn expected(&self) -> u64 {
        (0..self.records()).map(|id| orders::results(self.load.work, id)).sum()
    }

    fn watch(&self, programs: &mut Programs, reading: &Reading) -> Result<(Vec<Sample>, f64)> {
        let (begun, expected) = (Instant::now(), self.expected());
        let mut samples: Vec<Sample> = Vec::new();
        let (mut peak_mb, mut grown) = (0.0_f64, begun);
        loop {
            let usage = programs.usage();
            let appended = reading.appended()?;
            peak_mb = peak_mb.max(usage.resident_mb);
            if samples.last().is_none_or(|last| last.appended < appended) {
                grown = Instant::now();
                samples.push(Sample { at: begun.elapsed().as_secs_f64(), appended, cpu_seconds: usage.cpu_seconds });
            }
            let still = grown.elapsed();
            if appended >= expected && still > SETTLING {
                return Ok((samples, peak_mb));
            }
            if still > PATIENCE {
                bail!("{appended} of {expected} results have come, and no more for {PATIENCE:?}");
            }
            programs.check()?;
            thread::sleep(INTERVAL);
        }
    }

    fn figures(&self, samples: &[Sample], peak_mb: f64, verdict: Verdict) -> Figures {
        let first = samples.iter().find(|sample| sample.appended > 0).unwrap_or(&samples[0]);
        let start = Sample { at: 0.0, appended: 0, cpu_seconds: 0.0 };
        let reached = |share: f64| {
            let wanted = (self.expected() as f64 * share) as u64;
            *samples.iter().find(|sample| sample.appended >= wanted).unwrap_or(&samples[samples.len() - 1])
        };
        let whole = self.pace(start, reached(1.0));
        let (from, to) = (reached(WARM.start), reached(WARM.end));
        Figures {
            load: self.load.name,
            system: self.system,
            round: self.round,
            records: self.records(),
            // A run that was too short for it has nothing warm.
            warm: if to.appended > from.appended { self.pace(from, to) } else { whole },
            whole,
            first_result_seconds: first.at,
            peak_mb,
            verdict,
        }
    }

    fn pace(&self, from: Sample, to: Sample) -> Pace {
        let share = self.records() as f64 / self.expected() as f64;
        let records = (to.appended - from.appended) as f64 * share;
        Pace {
            records_per_second: records / (to.at - from.at),
            cpu_seconds_per_million: (to.cpu_seconds - from.cpu_seconds) / records * 1e6,
        }
    }
}
