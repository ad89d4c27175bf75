//! What filters cost, printed and not judged: run with `--nocapture`.
//!
//! In an unoptimised build the figures say little; `CARGO_PROFILE_DEV_OPT_LEVEL=3` gives those of a release.

use std::hint::black_box;
use std::iter::{Empty, empty};
use std::time::Instant;

use eddyline::filter::{Filter, Pattern, Subject, Verdict};

type NoHeaders<'a> = Empty<(&'a [u8], Option<&'a [u8]>)>;

/// Rounds whose fastest counts, so that what else runs on the machine disturbs less.
const ROUNDS: usize = 20;
const RECORDS: u32 = 2000;

/// An order of about 1 KB, with nested objects and arrays before what the conditions ask for.
fn order(status: &str) -> String {
    let line = |n: u32| {
        format!(
            r#"{{"sku":"SKU-{n:05}","title":"A thing of some kind, number {n}","quantity":{n},"price":{n}.95,"tags":["new","sale"]}}"#
        )
    };
    let lines: Vec<String> = (1..=6).map(line).collect();
    let customer = r#"{"id":4711,"name":"A. Customer","email":"customer@example.com","address":{"street":"12 Long Street","city":"London","country":"GB"}}"#;
    format!(
        r#"{{"id":"7f3c1f0e-0b5e-4a5e-9a44-3f1f4f9f2c11","created":"2026-01-31T12:34:56Z","customer":{customer},"currency":"EUR","lines":[{}],"status":"{status}","total":301.8,"note":"please leave it with the neighbour"}}"#,
        lines.join(",")
    )
}

/// Nanoseconds for each call.
fn measure(mut work: impl FnMut() -> bool) -> f64 {
    let round = |_| {
        let begun = Instant::now();
        (0..RECORDS).for_each(|_| {
            black_box(work());
        });
        begun.elapsed().as_nanos() as f64 / f64::from(RECORDS)
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn judging(pattern: &str, value: &str) -> (Verdict, f64) {
    let filter = Filter::new(vec![Pattern::parse(pattern).expect("a pattern")]).expect("a filter");
    let mut sieve = filter.sieve();
    let record: Subject<'_, NoHeaders<'_>> = Subject {
        topic: "orders",
        partition: 0,
        offset: 0,
        timestamp: None,
        key: Some(b"k"),
        value: Some(value.as_bytes()),
        headers: empty(),
    };
    let verdict = sieve.judge(&record);
    (verdict, measure(|| sieve.judge(black_box(&record)) == Verdict::Wanted))
}

#[test]
fn the_cost_of_a_filter_is_printed() {
    let (paid, open) = (order("paid"), order("open"));
    let fields = r#"{ "value": { "status": ["paid"], "total": [{ "numeric": [">", 100] }] } }"#;
    let note = format!(r#"{{"note":"{}","status":"open","total":5}}"#, "x".repeat(960));
    for (name, pattern, value, expected) in [
        ("two fields of the value, wanted", fields, &paid, Verdict::Wanted),
        ("two fields of the value, unwanted", fields, &open, Verdict::Unwanted),
        ("two fields beside one long text, unwanted", fields, &note, Verdict::Unwanted),
        ("the key, unwanted", r#"{ "key": ["other"], "value": { "status": ["paid"] } }"#, &paid, Verdict::Unwanted),
    ] {
        let (verdict, nanos) = judging(pattern, value);
        assert_eq!(verdict, expected, "{name}");
        println!("{name:45} {nanos:8.0} ns for each record of {} bytes", value.len());
    }
    let parsed = measure(|| {
        let order: serde_json::Value = serde_json::from_str(black_box(&paid)).expect("JSON");
        order["status"] == "paid" && order["total"].as_f64() > Some(100.0)
    });
    println!("{:45} {parsed:8.0} ns for each record of {} bytes", "the same by parsing all of it", paid.len());
}
