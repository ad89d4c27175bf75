//! What was measured, for machines (`cold.json`) and for people (`cold.md`).

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::functions::Functions;
use crate::isolates::{Isolates, Times};
use crate::machine::Machine;
use crate::memory::Waiting;

#[derive(Serialize)]
pub struct Report {
    machine: Machine,
    isolates: Isolates,
    pub memory: Option<Waiting>,
    /// From a function's files to its first result.
    pub deploy: Option<Times>,
    pub functions: Vec<Functions>,
}

impl Report {
    pub fn new(machine: Machine, isolates: Isolates) -> Report {
        Report { machine, isolates, memory: None, deploy: None, functions: Vec::new() }
    }

    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("cold.json"), serde_json::to_string_pretty(self)? + "\n")?;
        Ok(fs::write(folder.join("cold.md"), self.page()?)?)
    }

    pub fn page(&self) -> Result<String> {
        let mut page = String::from("# Cold start and memory\n\n<!-- Written by `make cold`; do not edit. -->\n\n");
        let Machine { processor, cores, memory_gb, kernel, versions } = &self.machine;
        let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let versions = versions.join(" · ");
        let built = if cfg!(debug_assertions) { ", built with little optimisation (dev)" } else { "" };
        writeln!(page, "{versions}{built}; {processor}, {cores} cores, {memory_gb} GB, Linux {kernel}.\n")?;
        self.times(&mut page)?;
        self.memory(&mut page)?;
        self.deploy(&mut page)?;
        self.functions(&mut page)?;
        Ok(page)
    }

    fn times(&self, page: &mut String) -> Result<()> {
        let all = &self.isolates;
        writeln!(
            page,
            "## From a record to its result\n\nWithin a worker that runs, {} times each: the order to make an isolate from the \
             snapshot, the function's modules, one record of 1 KB that is parsed, changed and written. A worker keeps one spare \
             isolate for the next function, and makes another when it has time; more at once begin from nothing.\n",
            all.samples
        )?;
        writeln!(page, "| milliseconds | p50 | p99 | most | target |\n| --- | ---: | ---: | ---: | --- |")?;
        let mut row = |name: &str, Times { p50, p99, most }: &Times, target: &str| {
            writeln!(page, "| {name} | {p50:.3} | {p99:.3} | {most:.3} | {target} |")
        };
        row("from nothing", &all.from_nothing, "p99 ≤ 5")?;
        row("– of that, thread and isolate", &all.making, "")?;
        row("– of that, the function's modules", &all.loading, "")?;
        row("– of that, the first record", &all.first_record, "")?;
        row("from the spare isolate", &all.from_spare, "p99 ≤ 5")?;
        row("from a warm isolate, idle for 5 ms", &all.warm, "≤ 0.1")?;
        row("from a warm isolate, busy until now", &all.warm_at_once, "≤ 0.1")?;
        Ok(writeln!(page)?)
    }

    fn memory(&self, page: &mut String) -> Result<()> {
        let Some(Waiting { isolates, worker, after }) = &self.memory else { return Ok(()) };
        writeln!(
            page,
            "## One more isolate that waits\n\nMean of {isolates} beside each other, with their threads; a worker without any \
             has {:.1} MB, of which {:.1} MB are its share of what it has in common with others.\n",
            worker.resident, worker.proportional
        )?;
        writeln!(page, "| | resident MB | proportional MB | target |\n| --- | ---: | ---: | --- |")?;
        for (records, memory) in after {
            let (resident, proportional) = (memory.resident, memory.proportional);
            writeln!(page, "| after {records} records | {resident:.2} | {proportional:.2} | ≤ 2.5 |")?;
        }
        Ok(writeln!(page)?)
    }

    fn deploy(&self, page: &mut String) -> Result<()> {
        let Some(Times { p50, most, .. }) = &self.deploy else { return Ok(()) };
        Ok(writeln!(
            page,
            "## From a deploy to the first result\n\nFrom a copied folder on a node that runs to the result of the record that waits \
             on its topic, `group.initial.rebalance.delay.ms` of the broker included: {p50:.0} ms at the median, {most:.0} \
             at most.\n"
        )?)
    }

    fn functions(&self, page: &mut String) -> Result<()> {
        if self.functions.is_empty() {
            return Ok(());
        }
        writeln!(
            page,
            "## Functions with nothing to do\n\nEach has a topic of its own. A node is started with them for the first time, \
             then again. Waking is from a record to its result, with the broker's `group.initial.rebalance.delay.ms`.\n"
        )?;
        writeln!(
            page,
            "| functions | first start s | start s | all tried out after s | node MB | once tried out | threads | idle, of a core \
             | wake ms p50 | most | target |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
        )?;
        for Functions { count, first_start, start, tried_out, resident, threads, idle_cpu, wake } in &self.functions {
            let [waiting, later] = resident;
            let target = if *count == 10_000 { "≤ 1 GiB, start ≤ 10 s" } else { "" };
            writeln!(
                page,
                "| {count} | {first_start:.1} | {start:.1} | {tried_out:.1} | {waiting:.0} | {later:.0} | {threads} | {:.1} % \
                 | {:.0} | {:.0} | {target} |",
                idle_cpu * 100.0,
                wake.p50,
                wake.most
            )?;
        }
        Ok(writeln!(page)?)
    }
}
