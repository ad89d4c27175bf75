//! Figures, printed and not judged: run with `--nocapture`, and with `EDDYLINE_SPEED_ROUNDS` for steadier ones.

use std::time::Instant;

use eddyline::protocol::Kind;
use eddyline::protocol::settled::SettledReader;

use crate::support::worker::{Record, Worker, async_handler, function, handler};

const RECORDS: u64 = 2000;

/// CPU nanoseconds of the isolate's thread, and nanoseconds that pass, for each record.
fn measure(worker: &mut Worker, value: &str) -> (u64, u64) {
    let rounds: u64 = std::env::var("EDDYLINE_SPEED_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let records: Vec<Record> = (0..RECORDS as i64).map(|offset| Record { offset, ..Record::new(value) }).collect();
    let (mut cpu, mut elapsed) = (0, 0);
    for round in 0..rounds + 10 {
        let begun = Instant::now();
        worker.run(&records);
        let (mut settled, mut spent) = (0, 0);
        while settled < RECORDS {
            let message = worker.receive(Kind::Settled);
            let mut reader = SettledReader::new(&message.body).unwrap();
            spent += reader.cpu_ns;
            while reader.entry().unwrap().is_some() {
                settled += 1;
            }
        }
        // The first rounds belong to V8's compilers.
        if round >= 10 {
            cpu += spent;
            elapsed += begun.elapsed().as_nanos() as u64;
        }
    }
    (cpu / (rounds * RECORDS), elapsed / (rounds * RECORDS))
}

#[test]
fn the_cost_of_a_record_is_printed() {
    let json = format!(r#"{{"id":12345,"status":"paid","total":99.5,"note":"{}"}}"#, "x".repeat(960));
    let cases = [
        ("nothing returned", handler("")),
        ("passthrough", handler("return record;")),
        ("async passthrough", async_handler("return record;")),
        ("text of 1 KB there and back", handler("return record.text();")),
        (
            "JSON of 1 KB, one field added",
            handler("const order = record.json(); order.tax = order.total * 0.2; return order;"),
        ),
        (
            "JSON of 1 KB in, small object out",
            handler("const order = record.json(); return { id: order.id, total: order.total };"),
        ),
    ];
    for (name, load) in cases {
        let mut worker = Worker::start();
        let loaded = worker.load(1, &load);
        let (cpu, elapsed) = measure(&mut worker, &json);
        println!("{name:35} {cpu:6} ns CPU, {elapsed:6} ns elapsed for each record; loaded in {} us", loaded.took_us);
    }
}

#[test]
fn the_cost_of_an_isolate_is_printed() {
    let mut worker = Worker::start();
    let mut before = resident(&worker);
    for channel in 1..=5 {
        let loaded = worker.load(channel, &handler("return record;"));
        let after = resident(&worker);
        println!("isolate {channel}: loaded in {} us, {} KiB more resident", loaded.took_us, after - before);
        before = after;
    }
}

#[test]
fn the_cost_of_a_large_module_is_printed() {
    let functions = |n| {
        format!(
            "export function f{n}(order, rates) {{ if (order.total > {n}) return rates.get('x{n}') * order.total; return {{ ...order, n: {n} }}; }}\n"
        )
    };
    let code = (0..2700).map(functions).collect::<String>() + "export default () => 1;";
    let mut worker = Worker::start();
    let first = worker.load(1, &function(&code)).took_us;
    let mut others: Vec<u64> = (2..=20).map(|channel| worker.load(channel, &function(&code)).took_us).collect();
    others.sort_unstable();
    println!("a module of {} KiB: loaded in {first} us, then in {} us", code.len() >> 10, others[others.len() / 2]);
}

fn resident(worker: &Worker) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.hello.pid)).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
