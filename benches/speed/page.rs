//! What was measured, for people: `performance.md`.

use std::fmt::Write;

use anyhow::Result;

use crate::latency::Latency;
use crate::loads::{EDDYLINE, LOADS, Load};
use crate::machine::Machine;
use crate::plot::number;
use crate::report::{Report, median};
use crate::run::{Figures, WARM};
use crate::systems::title;
use crate::targets::{ADDED_MS, TARGETS};

const INTRODUCTION: &str = "\
Records per second and core for a JavaScript function between two Kafka topics, beside the limit and beside others.

- **CPU** is CPU seconds of all processes of the system under test for each million records taken, as the kernel counts \
them. On a machine that is shared with the broker and the harness it is the fairest figure.
- **Whole** figures count from the start of the program.
- Each figure is the median over the rounds, in which the systems take turns at being first. Ratios are medians of ratios \
within one round, and above 1 where Eddyline is better.
- Every output was read back whole and each record compared with what it must be; a run with a missing or wrong record \
does not count.
- The floors of `benches/floor` are what librdkafka and V8 take without any pipeline: no groups, no limits, no sandbox, \
no retries. They have Eddyline's settings of librdkafka, and read as far ahead: what is fetched before the warm part of a \
run would not count.
- GraalJS is interpreted: its compiler is not among the dependencies that Java 17 can use as they are.
";

pub fn page(report: &Report) -> Result<String> {
    let mut page = String::from("# Performance\n\n<!-- Written by `make bench`; do not edit. -->\n\n");
    let Machine { processor, cores, memory_gb, kernel, versions } = &report.machine;
    let [from, to] = [WARM.start, WARM.end].map(|share| share * 100.0);
    writeln!(
        page,
        "{INTRODUCTION}- **Warm** figures are of the time between {from:.0} % and {to:.0} % of the results.\n"
    )?;
    writeln!(
        page,
        "Measured on {processor}, {cores} cores, {memory_gb} GB, Linux {kernel}, of which systems under test have the \
         first two if nothing else is said, and the broker and the harness all.\n"
    )?;
    let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    writeln!(page, "{}.\n", versions.join(" · "))?;
    targets(report, &mut page)?;
    for load in LOADS {
        table(report, load, &mut page)?;
    }
    latency_table(report, &mut page)?;
    Ok(page)
}

fn targets(report: &Report, page: &mut String) -> Result<()> {
    writeln!(
        page,
        "## Targets\n\nWhat holds those that are missed, and what was tried: [where the time goes](profile.md).\n"
    )?;
    writeln!(page, "| load | against | target | CPU | records/s | reached |\n| --- | --- | --- | --- | --- | --- |")?;
    for target in TARGETS {
        let Some((cpu, rate)) = report.ratios((target.load, EDDYLINE), target.against) else { continue };
        let against = if target.against.1 == EDDYLINE { load_title(target.against.0) } else { title(target.against.1) };
        // As precise as it is shown.
        let reached = |ratio: f64, wanted: f64| (ratio * 100.0).round() >= wanted * 100.0;
        let reached = match (reached(cpu, target.cpu), reached(rate, target.rate)) {
            (true, true) => "yes",
            (true, false) => "in CPU",
            (false, true) => "in records/s",
            (false, false) => "no",
        };
        let wanted = match target.cpu == target.rate {
            true => format!("{:.2}", target.cpu),
            false => format!("{:.2} in CPU, {:.2} in records/s", target.cpu, target.rate),
        };
        writeln!(page, "| {} | {against} | {wanted} | {cpu:.2} | {rate:.2} | {reached} |", load_title(target.load))?;
    }
    latency_target(report, page)?;
    writeln!(page)?;
    Ok(())
}

/// What we add to the way straight from producer to consumer.
fn latency_target(report: &Report, page: &mut String) -> Result<()> {
    let ours = report.latencies.iter().filter(|one| one.system == EDDYLINE);
    let Some(added) = median(ours.map(|one| one.through.p99_ms - one.straight.p99_ms).collect()) else {
        return Ok(());
    };
    let reached = if added <= ADDED_MS { "yes" } else { "no" };
    writeln!(page, "| p99 latency, below | straight | + {ADDED_MS} ms at most | {added:+.1} ms | | {reached} |")?;
    Ok(())
}

fn load_title(name: &'static str) -> &'static str {
    LOADS.iter().find(|load| load.name == name).map_or(name, |load| load.title)
}

fn table(report: &Report, load: &Load, page: &mut String) -> Result<()> {
    let measured = |system: &&&'static str| report.runs(load.name, system).next().is_some();
    let systems: Vec<&'static str> = load.systems.iter().filter(measured).copied().collect();
    let counts = systems.iter().map(|system| report.runs(load.name, system).count());
    let (Some(least), Some(most)) = (counts.clone().min(), counts.max()) else { return Ok(()) };
    let rounds = match (least, most) {
        (1, 1) => "1 round".to_owned(),
        _ if least == most => format!("{most} rounds"),
        _ => format!("{least} to {most} rounds"),
    };
    let records = number(load.records(report.records) as f64);
    writeln!(page, "## {}\n\n{records} records, {rounds}.\n", load.title)?;
    if report.has_plots(load) {
        writeln!(page, "![CPU for each record](performance/{}-cpu.svg)\n", load.name)?;
        writeln!(page, "![records per second](performance/{}-rate.svg)\n", load.name)?;
    }
    writeln!(
        page,
        "| | CPU s per million | records/s | MB | whole run: CPU s per million | records/s | Eddyline's ratio: CPU | records/s |"
    )?;
    writeln!(page, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
    for system in systems {
        let value = |of: fn(&Figures) -> f64| report.median(load.name, system, of).map(number).unwrap_or_default();
        let ratios = report.ratios((load.name, EDDYLINE), (load.name, system)).filter(|_| system != EDDYLINE);
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

fn latency_table(report: &Report, page: &mut String) -> Result<()> {
    if report.latencies.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "## Latency\n\nFrom a producer to a consumer, with the load between them, at a steady pace: a share of what the \
         system works off where all records are there already. A quarter is about half load, since producer and consumer \
         have their part of the cores. A record's time begins when it is due, also where the producer is late. Beside it the \
         same pace from the same producer straight to the same consumer. Kafka Streams waits up to 100 ms for more to send \
         (`linger.ms`, its default).\n"
    )?;
    writeln!(
        page,
        "| load | | share | records/s | p50 ms | p99 ms | p99.9 ms | straight: p50 ms | p99 ms | p99.9 ms |"
    )?;
    writeln!(page, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
    for (load, system) in measured_latencies(report) {
        let value = |of: fn(&Latency) -> f64| {
            let all = report.latencies.iter().filter(|one| one.load == load && one.system == system);
            median(all.map(of).collect()).map(number).unwrap_or_default()
        };
        writeln!(
            page,
            "| {} | {} | {} % | {} | {} | {} | {} | {} | {} | {} |",
            load_title(load),
            title(system),
            value(|one| one.share * 100.0),
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

/// Loads and systems, each once, in the order in which they were measured.
fn measured_latencies(report: &Report) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for Latency { load, system, .. } in &report.latencies {
        if !found.contains(&(*load, *system)) {
            found.push((*load, *system));
        }
    }
    found
}
