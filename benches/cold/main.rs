//! What it takes from nothing to a result, and what waits for records meanwhile takes: cold isolates, warm ones, their
//! memory, and functions by the thousand that have nothing to do.
//!
//! `make cold` runs this on a Kafka of its own; `cargo bench --bench cold -- --help` lists what can be chosen.

#[path = "../speed/broker.rs"]
mod broker;
mod deploy;
mod functions;
mod isolates;
#[expect(dead_code, reason = "nothing is pinned here")]
#[path = "../speed/machine.rs"]
mod machine;
mod memory;
mod node;
#[path = "../speed/process.rs"]
mod process;
mod report;
#[path = "../speed/versions.rs"]
mod versions;
#[path = "../worker/mod.rs"]
mod worker;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, ValueEnum};

use machine::Machine;
use report::Report;

/// Of what `versions` lists, what takes part here.
const INVOLVED: [&str; 5] = ["Eddyline", "librdkafka", "V8", "Kafka", "Java"];

#[derive(Parser)]
struct Options {
    /// What is measured, with commas between
    #[arg(long, value_enum, value_delimiter = ',', default_value = "isolates,memory,deploy,functions")]
    parts: Vec<Part>,
    /// Isolates that are made from nothing, one after the other
    #[arg(long, default_value = "1000")]
    isolates: NonZeroUsize,
    /// Isolates that wait side by side while their memory is measured
    #[arg(long, default_value = "50")]
    waiting: NonZeroU32,
    /// Functions with nothing to do, with commas between
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    functions: Vec<NonZeroUsize>,
    /// The Kafka of deploy and functions; without it they are left out
    #[arg(long, env = "EDDYLINE_TEST_BROKERS")]
    brokers: Option<String>,
    /// Goes on with the report that is there already: what is measured now replaces its figures there
    #[arg(long)]
    add: bool,
    /// Where the report goes
    #[arg(long, default_value = "target/bench")]
    into: PathBuf,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From a record to its result, with an isolate and without
    Isolates,
    /// Of isolates that wait
    Memory,
    /// From a function's files to its first result
    Deploy,
    /// Nodes with functions that have nothing to do
    Functions,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let machine = Machine::look(versions());
    let mut report = match options.add {
        true => Report::continued(&options.into, machine)?,
        false => Report::new(machine),
    };
    let wanted = |part| options.parts.contains(&part);
    if wanted(Part::Isolates) {
        report.isolates = Some(isolates::measure(&worker::command(), options.isolates.get()));
        report.write(&options.into)?;
    }
    if wanted(Part::Memory) {
        report.memory = Some(memory::measure(&worker::command(), options.waiting.get())?);
        report.write(&options.into)?;
    }
    match &options.brokers {
        Some(brokers) => measure_nodes(&options, brokers, &mut report)?,
        None if wanted(Part::Deploy) || wanted(Part::Functions) => {
            eprintln!("deploy and functions are left out: name a Kafka with --brokers");
        }
        None => {}
    }
    println!("{}", report.page()?);
    Ok(())
}

fn measure_nodes(options: &Options, brokers: &str, report: &mut Report) -> Result<()> {
    if options.parts.contains(&Part::Deploy) {
        report.deploy = Some(deploy::measure(brokers)?);
        report.write(&options.into)?;
    }
    if options.parts.contains(&Part::Functions) {
        for count in &options.functions {
            report.add(functions::measure(brokers, count.get())?);
            report.write(&options.into)?;
        }
    }
    Ok(())
}

fn versions() -> Vec<(String, String)> {
    let mut versions = versions::all(Path::new(env!("CARGO_MANIFEST_DIR")));
    versions.retain(|(name, _)| INVOLVED.contains(&name.as_str()));
    if cfg!(debug_assertions) {
        versions.push(("built with little optimisation".to_owned(), "(dev)".to_owned()));
    }
    versions
}
