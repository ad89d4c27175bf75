//! Micro-benchmarks of what is ours: the protocol, the order of records, crossing into V8.
//!
//! `cargo bench --bench micro` has criterion measure them and compare with the last time on this machine; a part of a name
//! behind `--` chooses. `make bench-quick` measures the same for a few seconds and compares with `ratios.json`.

mod case;
mod crossing;
mod order;
mod protocol;
mod quick;
mod ratios;
mod reference;
#[path = "../worker/mod.rs"]
mod worker;

use std::process::ExitCode;

use criterion::{Criterion, Throughput};

use case::Case;

fn main() -> ExitCode {
    let has = |option: &str| std::env::args().any(|argument| argument == option);
    if has("--check") || has("--write") {
        return quick::run(has("--write"));
    }
    let mut criterion = Criterion::default().configure_from_args();
    for mut case in [reference::case()].into_iter().chain(cases()) {
        // A group for each, because what a pass deals with belongs to the group.
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Elements(case.records));
        group.bench_function("pass", |bencher| bencher.iter_custom(|passes| (case.pass)(passes)));
        group.finish();
    }
    criterion.final_summary();
    ExitCode::SUCCESS
}

fn cases() -> Vec<Case> {
    [protocol::cases(), order::cases(), crossing::cases()].into_iter().flatten().collect()
}
