//! How fast Eddyline is: beside the floors of `benches/floor` and the peers of `benches/peers`, on the same broker, topics
//! and records, in turn, in several rounds.
//!
//! `make bench` builds the peers and runs this; `cargo bench --bench speed -- --help` lists what can be chosen.

mod broker;
mod contract;
mod fill;
#[path = "../floor/mod.rs"]
mod floor;
mod latency;
mod loads;
mod machine;
mod orders;
mod page;
mod plot;
mod process;
mod reading;
mod report;
mod run;
mod systems;
mod targets;
mod versions;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;

use broker::Broker;
use contract::Contract;
use loads::{COPY, LOADS, Load, V8};
use machine::Machine;
use report::Report;
use run::Task;
use systems::Places;

#[derive(Parser)]
struct Options {
    /// How often everything is run
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Records of each load
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Loads, with commas between; all without it
    #[arg(long, value_delimiter = ',')]
    loads: Vec<String>,
    /// Systems, with commas between; all of a load without it
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
    /// Loads whose latency is measured too, at a share of each system's speed in the same measurement
    #[arg(long, value_delimiter = ',', default_value = "enrich-1k")]
    latency: Vec<String>,
    /// Which share. A quarter is about half load, for producer and consumer need the same cores
    #[arg(long, default_value_t = 0.25)]
    latency_share: f64,
    /// The Kafka to measure on, which nobody else uses meanwhile
    #[arg(long, env = "EDDYLINE_TEST_BROKERS")]
    brokers: String,
    /// No run begins when so many minutes have passed, and the report has what there is by then
    #[arg(long)]
    minutes: Option<u64>,
    /// Goes on with the report that is there already, in its last round, instead of beginning a new one
    #[arg(long)]
    add: bool,
    /// Where the report goes
    #[arg(long, default_value = "target/bench")]
    into: PathBuf,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some(COPY) => floor::copy(&Contract::from_environment()),
        Some(V8) => floor::v8(&Contract::from_environment()),
        _ => measure(&Options::parse())?,
    }
    Ok(())
}

fn measure(options: &Options) -> Result<()> {
    let loads = chosen(options)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::Builder::new().prefix("eddyline-bench.").tempdir()?;
    let places = Places { root: root.to_owned(), peers: root.join("target/peers"), scratch: folder.path().to_owned() };
    let broker = Broker::at(&options.brokers)?;
    let machine = Machine::look(versions::all(root));
    let mut report = match options.add {
        true => Report::continued(&options.into, machine, options.records)?,
        false => Report::new(machine, options.records),
    };
    let loads: Vec<(Load, Vec<String>)> = loads.into_iter().map(|load| (load.clone(), inputs(&load))).collect();
    let filled = fill(&loads, options, &broker)?;
    say_what_is_missing(&places);
    let end = options.minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let late = || end.is_some_and(|end| Instant::now() > end);
    // The last round may have been left in the middle.
    let first = report.rounds().max(1);
    // Nothing is counted of what a broker does that has just been started.
    let mut is_cold = true;
    for round in first..first + options.rounds {
        let every = || {
            let systems =
                |(load, inputs)| turns(&places, options, load, round).into_iter().map(move |s| (load, inputs, s));
            loads.iter().map(|(load, inputs)| (load, inputs)).flat_map(systems).take_while(|_| !late())
        };
        let task = |load, inputs, system| Task {
            places: &places,
            broker: &broker,
            load,
            system,
            round,
            asked: options.records,
            inputs,
        };
        if let (true, Some((load, inputs, system))) = (std::mem::take(&mut is_cold), every().next()) {
            eprintln!("warming the broker");
            Task { round: 0, ..task(load, inputs, system) }.run()?;
        }
        for (load, inputs, system) in every() {
            if report.has_run(load.name, system, round) {
                continue;
            }
            match task(load, inputs, system).run() {
                Ok(figures) => report.add(figures),
                Err(error) => eprintln!("round {round}, {}, {system}: {error:#}", load.name),
            }
            report.write(&options.into)?;
        }
        for (load, inputs, system) in every().filter(|(load, ..)| options.latency.iter().any(|name| name == load.name))
        {
            if report.has_latency(load.name, system, round) {
                continue;
            }
            // As fast as it has been until now.
            let Some(speed) = report.median(load.name, system, |run| run.warm.records_per_second) else { continue };
            match latency::measure(&task(load, inputs, system), speed, options.latency_share) {
                Ok(latency) => report.add_latency(latency),
                Err(error) => eprintln!("round {round}, latency of {system}: {error:#}"),
            }
            report.write(&options.into)?;
        }
    }
    filled.into_iter().try_for_each(|topics| broker.delete(topics))
}

fn say_what_is_missing(places: &Places) {
    for system in loads::ALL {
        if let Some(path) = systems::missing(places, system) {
            eprintln!("{system} is left out: {} is missing; make it with benches/peers/build", path.display());
        }
    }
}

/// Loads of the same records share their topics.
fn fill<'a>(loads: &'a [(Load, Vec<String>)], options: &Options, broker: &Broker) -> Result<Vec<&'a Vec<String>>> {
    let mut filled: Vec<&Vec<String>> = Vec::new();
    for (load, inputs) in loads {
        if !filled.contains(&inputs) {
            let records = load.records(options.records);
            eprintln!("filling {} with {records} records of {} bytes", inputs[0], load.bytes);
            broker.fill(load, records, inputs)?;
            filled.push(inputs);
        }
    }
    Ok(filled)
}

fn chosen(options: &Options) -> Result<Vec<Load>> {
    for name in &options.loads {
        ensure!(LOADS.iter().any(|load| load.name == name), "there is no load {name}");
    }
    let wanted = |load: &&Load| options.loads.is_empty() || options.loads.iter().any(|name| name == load.name);
    Ok(LOADS.iter().filter(wanted).cloned().collect())
}

/// Those that can run a load, beginning in each round with another.
fn turns(places: &Places, options: &Options, load: &Load, round: usize) -> Vec<&'static str> {
    let wanted =
        |system: &&&'static str| options.systems.is_empty() || options.systems.iter().any(|name| name == **system);
    let ready = |system: &&&'static str| systems::missing(places, system).is_none();
    let mut systems: Vec<&str> = load.systems.iter().filter(wanted).filter(ready).copied().collect();
    let first = round % systems.len().max(1);
    systems.rotate_left(first);
    systems
}

/// The same for loads of the same records.
fn inputs(load: &Load) -> Vec<String> {
    let Load { bytes, partitions, functions, .. } = load;
    (0..*functions)
        .map(|index| format!("orders-{bytes}-{partitions}-{functions}-{index}-{}", std::process::id()))
        .collect()
}
