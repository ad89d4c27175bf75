//! Isolates that have nothing to do: they give memory back, once, and go on as before.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::support::eventually;
use crate::support::process::{memory, threads};
use crate::support::worker::{Output, Record, Worker, handler};

/// Longer than an isolate waits before it rests.
const LONG: Duration = Duration::from_millis(1500);

/// What a worker has in memory, in bytes.
fn resident(worker: &Worker) -> u64 {
    memory(worker.hello.pid, "VmRSS").expect("the worker lives")
}

#[test]
fn an_isolate_gives_back_what_its_records_left_behind_and_keeps_what_is_in_use() {
    // Garbage only once it is dropped: what already is garbage V8 may collect while code runs.
    let body = "globalThis.kept ??= new Array(1 << 17).fill('kept');
        if (record.text() === 'fill') globalThis.all = Array.from({ length: 40 }, (_, i) => new Array(1 << 17).fill(i));
        if (record.text() === 'drop') globalThis.all = undefined;
        return kept[record.offset];";
    let mut worker = Worker::with(handler(body));
    let before = resident(&worker);
    assert_eq!(worker.one(Record::new("fill")).outputs(), [Output::value("kept")]);
    let filled = resident(&worker);
    assert!(filled > before + (30 << 20), "{before} {filled}");
    assert_eq!(worker.one(Record::new("drop")).outputs(), [Output::value("kept")]);
    let rested = eventually("it rests", || Some(resident(&worker)).filter(|now| *now < before + (10 << 20)));
    assert_eq!(worker.one(Record::new("next")).outputs(), [Output::value("kept")], "{rested}");
}

#[test]
fn an_isolate_that_has_rested_sleeps_on() {
    let mut worker = Worker::with(handler("return 1;"));
    for _ in 0..2 {
        worker.one(Record::new("x"));
        let mut before = switches(&worker);
        eventually("it sleeps", || {
            sleep(LONG);
            let now = switches(&worker);
            (std::mem::replace(&mut before, now) == now).then_some(())
        });
    }
}

/// How often the isolate's thread has gone to sleep.
fn switches(worker: &Worker) -> u64 {
    let thread = threads(worker.hello.pid).into_iter().find(|thread| thread.name == "test").expect("its thread");
    let status =
        fs::read_to_string(format!("/proc/{}/task/{}/status", worker.hello.pid, thread.tid)).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("a count");
    line.trim().parse().expect("a number")
}
