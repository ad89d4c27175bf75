//! What exactly-once costs beside at-least-once, printed and not judged:
//! `scripts/kafka run -- cargo test --test it -- --ignored --nocapture exactly_once_speed`.
//!
//! Both read the same records of 1 KB on one node, one after the other in rounds that alternate, each time as a new
//! function, so that whatever else the machine does disturbs both alike. What counts is the time in which the middle of a
//! round is written, and the CPU time of the node and its workers meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::folder::Function;
use crate::support::process;
use crate::support::{Node, Record, Scene, eventually};

const RECORDS: u32 = 200_000;
const PARTITIONS: i32 = 2;
/// What `EDDYLINE_BENCH_ROUNDS` replaces.
const ROUNDS: usize = 7;

const HANDLER: &str = "export default (record) => {
    const order = record.json();
    order.tax = order.total * 0.2;
    return order;
};";

/// Nanoseconds for each record.
#[derive(Clone, Copy)]
struct Figures {
    elapsed: f64,
    cpu: f64,
}

#[test]
#[ignore = "takes minutes and prints figures"]
fn the_cost_of_exactly_once_is_printed() {
    let Some(scene) = Scene::new("exactly-speed") else { return };
    let rounds = std::env::var("EDDYLINE_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let (input, output) = (scene.topic("in", PARTITIONS), scene.topic("out", PARTITIONS));
    let note = "x".repeat(930);
    for from in (0..RECORDS).step_by(10_000) {
        let orders = (from..from + 10_000).map(|n| {
            let order = format!(r#"{{"id":{n},"status":"paid","total":99.5,"note":"{note}"}}"#);
            Record::new(n.to_string(), order).on(n as i32 % PARTITIONS)
        });
        scene.write(&input, orders);
    }
    let node = scene.start();
    let mut commits = (0.0, 0.0);
    let mut run = |guarantee: &str, round: usize| {
        let function = scene
            .function(&format!("{guarantee}-{round}"))
            .reads(&input)
            .writes(&output)
            .with(&format!("[delivery]\nguarantee = {guarantee:?}\ncommit-interval = \"100ms\""))
            .handler(HANDLER);
        let figures = measure(&node, &function);
        let labels = [("function", function.name.as_str())];
        let metric = |name: &str| node.metric(name, &labels).unwrap_or_default();
        if guarantee == "exactly-once" {
            commits.0 += metric("eddyline_function_commit_seconds_sum");
            commits.1 += metric("eddyline_function_commit_seconds_count");
        }
        scene.caught_up(&function);
        fs::remove_dir_all(&function.path).expect("the folder is removed");
        eventually("it has ended", || node.status(&function).is_none().then_some(()));
        figures
    };
    // One round for each is not counted: the first ones find everything cold.
    let mut all: Vec<[Figures; 2]> =
        (0..=rounds).map(|round| [run("at-least-once", round), run("exactly-once", round)]).collect();
    all.remove(0);
    for [least, exactly] in &all {
        println!("{:8.0} ns and {:8.0} ns for each record", least.elapsed, exactly.elapsed);
    }
    let median = |which: usize, of: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = all.iter().map(|round| of(&round[which])).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let elapsed = [0, 1].map(|which| median(which, |one| one.elapsed));
    let cpu = [0, 1].map(|which| median(which, |one| one.cpu));
    println!("JSON of 1 KB, parsed, one field added, written; {rounds} rounds of {RECORDS} records, medians");
    println!("                 records/s   elapsed/record   CPU/record");
    for (which, name) in ["at-least-once", "exactly-once"].into_iter().enumerate() {
        println!("{name:15} {:10.0} {:13.0} ns {:9.0} ns", 1e9 / elapsed[which], elapsed[which], cpu[which]);
    }
    println!("a commit took {:.1} ms on average", 1e3 * commits.0 / commits.1);
    println!("throughput, exactly-once to at-least-once: {:.3}", elapsed[0] / elapsed[1]);
    let total = |which: usize| all.iter().map(|round| round[which].elapsed).sum::<f64>();
    println!("the same of all rounds together:           {:.3}", total(0) / total(1));
    println!("CPU time, exactly-once to at-least-once:   {:.3}", cpu[1] / cpu[0]);
}

fn measure(node: &Node, function: &Function) -> Figures {
    let labels = [("function", function.name.as_str())];
    let reaches = |part: f64| {
        eventually("it gets on", || {
            std::thread::sleep(Duration::from_millis(5));
            let written = node.metric("eddyline_function_out_records_total", &labels)?;
            (written >= f64::from(RECORDS) * part).then(|| (Instant::now(), cpu(node), written))
        })
    };
    let (begun, ended) = (reaches(0.1), reaches(0.9));
    let records = ended.2 - begun.2;
    Figures {
        elapsed: (ended.0 - begun.0).as_nanos() as f64 / records,
        cpu: (ended.1 - begun.1).as_nanos() as f64 / records,
    }
}

/// CPU time of the node and its workers so far.
fn cpu(node: &Node) -> Duration {
    process::cpu(node.pid()) + node.workers().into_iter().map(process::cpu).sum::<Duration>()
}
