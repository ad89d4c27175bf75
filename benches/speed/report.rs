//! What was measured, for machines (`performance.json`) and for people (`performance.md` and its plots).

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::latency::Latency;
use crate::loads::{COPY, EDDYLINE, LOADS, Load};
use crate::machine::Machine;
use crate::plot::{Bar, bars, number};
use crate::run::Figures;
use crate::systems::{keeps_order, title};
use crate::targets::TARGETS;

const INTRODUCTION: &str = "\
Records per second and core for a JavaScript function between two Kafka topics, beside the limit and beside others.

- **CPU** is CPU seconds of all processes of the system under test for each million records taken, as the kernel counts \
them. On a machine that is shared with the broker and the harness it is the fairest figure.
- **Warm** figures are of the time between 50 % and 95 % of the results; **whole** ones count from the start of the \
program.
- Each figure is the median over the rounds. Ratios are medians of ratios within one round, and above 1 where Eddyline \
is better.
- Every output was read back whole and each record compared with what it must be; a run with a missing or wrong record \
does not count.
- The floors of `benches/floor` are what librdkafka and V8 take without any pipeline: no groups, no limits, no sandbox, \
no retries. They read as far ahead as Eddyline: what is fetched before the warm part of a run would not count.
";

#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Report {
    machine: Machine,
    records: u64,
    rounds: usize,
    runs: Vec<Figures>,
    latencies: Vec<Latency>,
}

impl Report {
    pub fn new(machine: Machine, records: u64) -> Report {
        Report { machine, records, rounds: 0, runs: Vec::new(), latencies: Vec::new() }
    }

    /// What an earlier measurement has written to this folder, to go on with.
    pub fn continued(folder: &Path, machine: Machine, records: u64) -> Result<Report> {
        let path = folder.join("performance.json");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        // Names of loads and systems live as long as the program.
        let report: Report =
            serde_json::from_str(text.leak()).with_context(|| format!("{} is no measurement", path.display()))?;
        ensure!(
            report.machine == machine && report.records == records,
            "{} was measured on another machine, in other versions or with other records; leave out --add",
            path.display()
        );
        Ok(report)
    }

    pub fn has_run(&self, load: &str, system: &str, round: usize) -> bool {
        self.runs.iter().any(|run| run.load == load && run.system == system && run.round == round)
    }

    pub fn has_latency(&self, load: &str, system: &str, round: usize) -> bool {
        self.latencies.iter().any(|one| one.load == load && one.system == system && one.round == round)
    }

    /// Rounds so far, the last of which may lack something.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    pub fn add(&mut self, figures: Figures) {
        let Figures { load, system, round, warm, whole, peak_mb, verdict, .. } = &figures;
        eprintln!(
            "round {round} {load:16} {system:18} {:6.1} CPU s/million {:8.0}/s {peak_mb:5.0} MB \
             (whole run {:.1}, {:.0}/s) doubled {}{}",
            warm.cpu_seconds_per_million,
            warm.records_per_second,
            whole.cpu_seconds_per_million,
            whole.records_per_second,
            verdict.doubled,
            if is_right(&figures) { String::new() } else { format!(" NOT RIGHT: {verdict:?}") },
        );
        self.rounds = self.rounds.max(*round);
        self.runs.push(figures);
    }

    pub fn add_latency(&mut self, latency: Latency) {
        eprintln!("{latency:?}");
        self.latencies.push(latency);
    }

    /// Of the runs of one system, those that count.
    fn runs<'a>(&'a self, load: &'a str, system: &'a str) -> impl Iterator<Item = &'a Figures> {
        self.runs.iter().filter(move |run| run.load == load && run.system == system && is_right(run))
    }

    pub fn median(&self, load: &str, system: &str, of: fn(&Figures) -> f64) -> Option<f64> {
        median(self.runs(load, system).map(of).collect())
    }

    /// How many times better the first is than the second, within rounds: by CPU, and by records per second.
    fn ratios(&self, first: (&str, &str), second: (&str, &str)) -> Option<(f64, f64)> {
        let pairs: Vec<(&Figures, &Figures)> = self
            .runs(first.0, first.1)
            .filter_map(|run| Some((run, self.runs(second.0, second.1).find(|other| other.round == run.round)?)))
            .collect();
        let cpu =
            |(run, other): &(&Figures, &Figures)| other.warm.cpu_seconds_per_million / run.warm.cpu_seconds_per_million;
        let rate = |(run, other): &(&Figures, &Figures)| run.warm.records_per_second / other.warm.records_per_second;
        Some((median(pairs.iter().map(cpu).collect())?, median(pairs.iter().map(rate).collect())?))
    }

    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder.join("performance"))?;
        fs::write(folder.join("performance.json"), serde_json::to_string_pretty(self)? + "\n")?;
        fs::write(folder.join("performance.md"), self.page()?)?;
        for load in LOADS {
            let plot = |unit: &str, of: fn(&Figures) -> f64| self.plot(load, unit, of);
            let plots = [
                (
                    "cpu",
                    plot("CPU seconds for a million records: less is better", |run| run.warm.cpu_seconds_per_million),
                ),
                ("rate", plot("records per second: more is better", |run| run.warm.records_per_second)),
            ];
            for (kind, plot) in plots {
                if let Some(plot) = plot {
                    fs::write(folder.join(format!("performance/{}-{kind}.svg", load.name)), plot)?;
                }
            }
        }
        Ok(())
    }

    fn plot(&self, load: &Load, unit: &str, of: fn(&Figures) -> f64) -> Option<String> {
        let bar = |system: &&str| {
            let value = self.median(load.name, system, of)?;
            Some(Bar { label: title(system).replace('`', ""), value, ours: *system == EDDYLINE })
        };
        let rows: Vec<Bar> = load.systems.iter().filter_map(bar).collect();
        (rows.len() > 1).then(|| bars(load.title, unit, &rows))
    }

    fn page(&self) -> Result<String> {
        let mut page = String::from("# Performance\n\n<!-- Written by `make bench`; do not edit. -->\n\n");
        let Machine { processor, cores, memory_gb, kernel, versions } = &self.machine;
        writeln!(page, "{INTRODUCTION}")?;
        writeln!(
            page,
            "Measured on {processor}, {cores} cores, {memory_gb} GB, Linux {kernel}, of which systems under test have the \
             first two if nothing else is said, and the broker and the harness all.\n"
        )?;
        let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        writeln!(page, "{}.\n", versions.join(" · "))?;
        self.targets(&mut page)?;
        for load in LOADS {
            self.table(load, &mut page)?;
        }
        self.latency_table(&mut page)?;
        Ok(page)
    }

    fn targets(&self, page: &mut String) -> Result<()> {
        writeln!(page, "## Targets\n\n| load | against | target | CPU | records/s |\n| --- | --- | --- | --- | --- |")?;
        for target in TARGETS {
            let Some((cpu, rate)) = self.ratios((target.load, EDDYLINE), target.against) else { continue };
            let load = LOADS.iter().find(|load| load.name == target.load).map_or(target.load, |load| load.title);
            let against = if target.against.1 == EDDYLINE { target.against.0 } else { title(target.against.1) };
            writeln!(page, "| {load} | {against} | {} | {cpu:.2} | {rate:.2} |", target.wanted)?;
        }
        self.latency_target(page)?;
        writeln!(page)?;
        Ok(())
    }

    /// What we add to the way straight from producer to consumer.
    fn latency_target(&self, page: &mut String) -> Result<()> {
        let ours = self.latencies.iter().filter(|one| one.system == EDDYLINE);
        let Some(added) = median(ours.map(|one| one.through.p99_ms - one.straight.p99_ms).collect()) else {
            return Ok(());
        };
        Ok(writeln!(page, "| p99 latency, below | straight | + 3 ms at most | {added:+.1} ms | |")?)
    }

    fn table(&self, load: &Load, page: &mut String) -> Result<()> {
        if load.systems.iter().all(|system| self.runs(load.name, system).next().is_none()) {
            return Ok(());
        }
        let rounds = load.systems.iter().map(|system| self.runs(load.name, system).count()).max().unwrap_or(0);
        let records = number(load.records(self.records) as f64);
        writeln!(page, "## {}\n\n{records} records, {rounds} rounds.\n", load.title)?;
        if load.systems.len() > 1 {
            writeln!(page, "![CPU for each record](performance/{}-cpu.svg)\n", load.name)?;
            writeln!(page, "![records per second](performance/{}-rate.svg)\n", load.name)?;
        }
        writeln!(
            page,
            "| | CPU s per million | records/s | MB | whole run: CPU s per million | records/s | Eddyline's ratio: CPU | records/s |"
        )?;
        writeln!(page, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for system in load.systems {
            let value = |of: fn(&Figures) -> f64| self.median(load.name, system, of).map(number).unwrap_or_default();
            if self.runs(load.name, system).next().is_none() {
                continue;
            }
            let ratios = self.ratios((load.name, EDDYLINE), (load.name, system)).filter(|_| *system != EDDYLINE);
            let (cpu, rate) = ratios.map(|(cpu, rate)| (format!("{cpu:.2}"), format!("{rate:.2}"))).unwrap_or_default();
            writeln!(
                page,
                "| {} | {} | {} | {} | {} | {} | {cpu} | {rate} |",
                title(system),
                value(|run| run.warm.cpu_seconds_per_million),
                value(|run| run.warm.records_per_second),
                value(|run| run.peak_mb),
                value(|run| run.whole.cpu_seconds_per_million),
                value(|run| run.whole.records_per_second),
            )?;
        }
        writeln!(page)?;
        Ok(())
    }

    fn latency_table(&self, page: &mut String) -> Result<()> {
        if self.latencies.is_empty() {
            return Ok(());
        }
        writeln!(
            page,
            "## Latency\n\nFrom a producer to a consumer, with the load between them, at a steady pace: a quarter of what the \
             system works off where all records are there already, which is about half load, since producer and consumer \
             have their part of the cores. Beside it the same pace from the same producer straight to the same consumer.\n"
        )?;
        writeln!(page, "| | records/s | p50 ms | p99 ms | p99.9 ms | straight: p50 ms | p99 ms | p99.9 ms |")?;
        writeln!(page, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        let mut systems: Vec<(&str, &str)> = self.latencies.iter().map(|one| (one.load, one.system)).collect();
        systems.dedup();
        for (index, (load, system)) in systems.iter().enumerate() {
            if systems[..index].contains(&(load, system)) || *system == COPY {
                continue;
            }
            let value = |of: fn(&Latency) -> f64| {
                let all = self.latencies.iter().filter(|one| one.load == *load && one.system == *system);
                median(all.map(of).collect()).map(number).unwrap_or_default()
            };
            writeln!(
                page,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                title(system),
                value(|one| one.records_per_second),
                value(|one| one.through.p50_ms),
                value(|one| one.through.p99_ms),
                value(|one| one.through.p999_ms),
                value(|one| one.straight.p50_ms),
                value(|one| one.straight.p99_ms),
                value(|one| one.straight.p999_ms),
            )?;
        }
        Ok(())
    }
}

fn is_right(run: &Figures) -> bool {
    let exactly_once = LOADS.iter().any(|load| load.name == run.load && load.exactly_once);
    run.verdict.is_right(exactly_once, keeps_order(run.system))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (middle, count) = (values.len() / 2, values.len());
    match count {
        0 => None,
        _ if count.is_multiple_of(2) => Some((values[middle - 1] + values[middle]) / 2.0),
        _ => Some(values[middle]),
    }
}
