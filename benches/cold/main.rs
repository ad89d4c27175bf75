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
mod report;
#[path = "../worker/mod.rs"]
mod worker;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use machine::Machine;
use report::Report;

#[derive(Parser)]
struct Options {
    /// Isolates that are made from nothing, one after the other
    #[arg(long, default_value_t = 1000)]
    isolates: usize,
    /// Isolates that wait side by side while their memory is measured
    #[arg(long, default_value_t = 50)]
    waiting: u32,
    /// Functions with nothing to do, with commas between; 0 for none
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    functions: Vec<usize>,
    /// The Kafka of those functions; without it they are left out
    #[arg(long, env = "EDDYLINE_TEST_BROKERS")]
    brokers: Option<String>,
    /// Where the report goes
    #[arg(long, default_value = "target/bench")]
    into: PathBuf,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let versions = vec![("Eddyline".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let command = worker::command();
    let mut report = Report::new(Machine::look(versions), isolates::measure(&command, options.isolates));
    report.write(&options.into)?;
    report.memory = Some(memory::measure(&command, options.waiting)?);
    report.write(&options.into)?;
    if let Some(brokers) = &options.brokers {
        report.deploy = Some(deploy::measure(brokers)?);
        report.write(&options.into)?;
    }
    for count in options.functions.into_iter().filter(|count| *count > 0) {
        let Some(brokers) = &options.brokers else {
            eprintln!("{count} functions are left out: name a Kafka with --brokers");
            continue;
        };
        report.functions.push(functions::measure(brokers, count)?);
        report.write(&options.into)?;
    }
    println!("{}", report.page()?);
    Ok(())
}
