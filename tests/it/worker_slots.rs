//! Long messages in the memory that host and worker share.

use crate::support::eventually;
use crate::support::worker::{End, Record, Worker, async_handler, handler};

/// A record that is too long for the socket to take it by itself.
fn long() -> Record {
    Record::new("x".repeat(20_000))
}

/// Waits until the worker has let go of everything.
#[track_caller]
fn is_let_go(worker: &Worker, all: usize) {
    eventually("every slot is free again", || (worker.words.slots().free_for_runs() == all).then_some(()));
}

#[test]
fn records_keep_their_order_whichever_way_they_come() {
    let body = "globalThis.before = (globalThis.before ?? '') + ' ' + record.text().length; return before;";
    let mut worker = Worker::with(handler(body));
    let all = worker.words.slots().free_for_runs();
    let sizes = [9_000, 10, 600_000, 1_500_000, 8_000, 1_000_000, 5];
    for (id, size) in (1..).zip(sizes) {
        worker.run_in(1, &[((id, 1, 1), &[Record::new("x".repeat(size))])]);
    }
    let settled = worker.settled(sizes.len());
    let seen: String = sizes.iter().map(|size| format!(" {size}")).collect();
    assert_eq!(settled.last().unwrap().outputs()[0].text(), seen);
    is_let_go(&worker, all);
}

#[test]
fn results_are_whole_whichever_way_they_come() {
    let mut worker = Worker::with(handler("return record.text().repeat(Number(record.offset));"));
    for times in [1, 800, 9_000, 50_000, 60_000, 3] {
        let settled = worker.one(Record { offset: times, ..Record::new("0123456789") });
        assert_eq!(settled.outputs()[0].text(), "0123456789".repeat(times as usize), "{times}");
    }
}

#[test]
fn what_nobody_takes_any_more_is_let_go_of() {
    let mut worker = Worker::with(async_handler("await new Promise(() => {});"));
    let all = worker.words.slots().free_for_runs();
    worker.run(&[long(), long()]);
    worker.unload();
    assert!(worker.settled(2).iter().all(|settled| settled.end == End::NotRun));
    assert_eq!(worker.unloaded().reason, None);
    // For a channel that has ended, and one that never was.
    worker.run(&[long()]);
    worker.run_in(7, &[((1, 1, 1), &[long()])]);
    is_let_go(&worker, all);
}
