//! What was measured, for machines (`cold.json`) and for people (`cold.md`).

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::functions::Functions;
use crate::isolates::{Isolates, Times};
use crate::machine::Machine;
use crate::memory::Waiting;

#[derive(Serialize, Deserialize)]
pub struct Report {
    machine: Machine,
    pub isolates: Option<Isolates>,
    pub memory: Option<Waiting>,
    /// From a function's files to its first result.
    pub deploy: Option<Times>,
    functions: Vec<Functions>,
}

impl Report {
    pub fn new(machine: Machine) -> Report {
        Report { machine, isolates: None, memory: None, deploy: None, functions: Vec::new() }
    }

    /// What an earlier measurement has written to this folder, to go on with.
    pub fn continued(folder: &Path, machine: Machine) -> Result<Report> {
        let path = folder.join("cold.json");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}; leave out --add", path.display()))?;
        let report: Report = serde_json::from_str(&text)
            .with_context(|| format!("{} is no measurement of this version; leave out --add", path.display()))?;
        ensure!(
            report.machine == machine,
            "{} was measured on another machine or in other versions; leave out --add\n  there: {}\n  here: {}",
            path.display(),
            conditions(&report.machine),
            conditions(&machine)
        );
        Ok(report)
    }

    /// In the place of what was measured with as many functions before.
    pub fn add(&mut self, functions: Functions) {
        self.functions.retain(|before| before.count != functions.count);
        self.functions.push(functions);
        self.functions.sort_by_key(|one| one.count);
    }

    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("cold.json"), serde_json::to_string_pretty(self)? + "\n")?;
        Ok(fs::write(folder.join("cold.md"), self.page()?)?)
    }

    pub fn page(&self) -> Result<String> {
        let mut page = String::from("# Cold start and memory\n\n<!-- Written by `make cold`; do not edit. -->\n\n");
        writeln!(
            page,
            "{}.\n\nWhat holds the targets that are missed: [profile](profile.md).\n",
            conditions(&self.machine)
        )?;
        self.times(&mut page)?;
        self.memory(&mut page)?;
        self.deploy(&mut page)?;
        self.functions(&mut page)?;
        Ok(page)
    }

    fn times(&self, page: &mut String) -> Result<()> {
        let Some(all) = &self.isolates else { return Ok(()) };
        writeln!(
            page,
            "## From a record to its result\n\nWithin a worker that runs (samples of each row: {}): the order to make an isolate \
             from the snapshot, the function's modules, one record of 1 KB that is parsed, changed and written. A worker keeps \
             one spare isolate for the next function, and makes another when it has time; more at once begin from nothing.\n",
            all.from_nothing.samples
        )?;
        writeln!(page, "| milliseconds | p50 | p99 | most | target |\n| --- | ---: | ---: | ---: | --- |")?;
        let mut row = |name: &str, Times { p50, p99, most, .. }: &Times, target: &str| {
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
        let Some(Times { samples, p50, most, .. }) = &self.deploy else { return Ok(()) };
        Ok(writeln!(
            page,
            "## From a deploy to the first result\n\nFrom a copied folder on a node that runs to the result of the record that waits \
             on its topic, `group.initial.rebalance.delay.ms` of the broker included: {p50:.0} ms at the median, {most:.0} \
             at most (samples: {samples}).\n"
        )?)
    }

    fn functions(&self, page: &mut String) -> Result<()> {
        let Some(Functions { start, wake, .. }) = self.functions.first() else { return Ok(()) };
        writeln!(
            page,
            "## Functions with nothing to do\n\nEach has a topic of its own. A node is started with them for the first time \
             (once), then again (samples: {}), until all wait for records. Megabytes and CPU are of all processes of the \
             node: the host, its workers and the children that try functions out. Megabytes are the sum of what is \
             resident in each, which counts more than once what they share. Waking is from a record to its result \
             (samples: {}), with the broker's `group.initial.rebalance.delay.ms`, three seconds unless brokers are told \
             otherwise; the [protocol of Kafka 4](guarantees.md#the-protocol-of-kafka-4) has no such delay and cannot be \
             used yet.\n",
            start.samples, wake.samples
        )?;
        writeln!(
            page,
            "| functions | first start s | start s p50 | most | all tried out after s | node MB | once tried out | host's part \
             | host's threads | idle, of a core | wake ms p50 | most | target |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
        )?;
        for one in &self.functions {
            let Functions { count, first_start, start, tried_out, host_resident, host_threads, wake, .. } = one;
            let ([waiting, later], idle) = (one.resident, one.idle_cpu * 100.0);
            let target = if *count == 10_000 { "≤ 1 GiB, start ≤ 10 s" } else { "" };
            writeln!(
                page,
                "| {count} | {first_start:.1} | {:.1} | {:.1} | {tried_out:.1} | {waiting:.0} | {later:.0} \
                 | {host_resident:.0} | {host_threads} | {idle:.1} % | {:.0} | {:.0} | {target} |",
                start.p50, start.most, wake.p50, wake.most
            )?;
        }
        Ok(writeln!(page)?)
    }
}

/// What was measured, and on what.
fn conditions(Machine { processor, cores, memory_gb, kernel, versions }: &Machine) -> String {
    let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!("{}; {processor}, {cores} cores, {memory_gb} GB, Linux {kernel}", versions.join(" · "))
}
