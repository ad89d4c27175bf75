//! What was measured: kept for machines (`performance.json`), and summed up by medians and ratios.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::latency::Latency;
use crate::loads::{EDDYLINE, LOADS, Load};
use crate::machine::Machine;
use crate::page;
use crate::plot::{Bar, bars};
use crate::run::Figures;
use crate::systems::{keeps_order, title};

#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Report {
    pub machine: Machine,
    pub records: u64,
    rounds: usize,
    runs: Vec<Figures>,
    pub latencies: Vec<Latency>,
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
    pub fn runs<'a>(&'a self, load: &'a str, system: &'a str) -> impl Iterator<Item = &'a Figures> {
        self.runs.iter().filter(move |run| run.load == load && run.system == system && is_right(run))
    }

    pub fn median(&self, load: &str, system: &str, of: fn(&Figures) -> f64) -> Option<f64> {
        median(self.runs(load, system).map(of).collect())
    }

    /// How many times better the first is than the second, within rounds: by CPU, and by records per second.
    pub fn ratios(&self, first: (&str, &str), second: (&str, &str)) -> Option<(f64, f64)> {
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
        fs::write(folder.join("performance.md"), page::page(self)?)?;
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

    /// One bar alone would show nothing.
    pub fn has_plots(&self, load: &Load) -> bool {
        load.systems.iter().filter(|system| self.runs(load.name, system).next().is_some()).count() > 1
    }

    fn plot(&self, load: &Load, unit: &str, of: fn(&Figures) -> f64) -> Option<String> {
        let bar = |system: &&str| {
            let value = self.median(load.name, system, of)?;
            Some(Bar { label: title(system).replace('`', ""), value, ours: *system == EDDYLINE })
        };
        let rows: Vec<Bar> = load.systems.iter().filter_map(bar).collect();
        self.has_plots(load).then(|| bars(load.title, unit, &rows))
    }
}

fn is_right(run: &Figures) -> bool {
    let exactly_once = LOADS.iter().any(|load| load.name == run.load && load.exactly_once);
    run.verdict.is_right(exactly_once, keeps_order(run.system))
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (middle, count) = (values.len() / 2, values.len());
    match count {
        0 => None,
        _ if count.is_multiple_of(2) => Some((values[middle - 1] + values[middle]) / 2.0),
        _ => Some(values[middle]),
    }
}
