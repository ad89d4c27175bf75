//! Order, credit and the ends of isolates, as the host sees them.

use eddyline::outcome::Outcome;
use eddyline::protocol::Kind;
use eddyline::protocol::frame::Builder;
use eddyline::protocol::words::Running;

use crate::support::worker::{End, Output, Record, Worker, async_handler, function, handler};

#[test]
fn a_worker_says_who_it_is_and_ends_with_its_socket() {
    let worker = Worker::start();
    assert_eq!(worker.hello.version, eddyline::protocol::VERSION);
    assert!(worker.hello.engine.starts_with("V8 "), "{:?}", worker.hello);
    assert_eq!((worker.hello.credit.records, worker.hello.credit.bytes), (4096, 64 << 20));
    assert!(worker.hang_up().success());
}

#[test]
fn records_of_a_lane_settle_in_order_even_if_handlers_wait() {
    let mut worker = Worker::with(async_handler(
        "await new Promise((done) => setTimeout(done, 10 - record.offset)); return record.offset;",
    ));
    let records: Vec<Record> = (0..10).map(|offset| Record { offset, ..Record::new("x") }).collect();
    worker.run(&records);
    let order: Vec<u64> = worker.settled(10).iter().map(|settled| settled.id).collect();
    assert_eq!(order, (1..=10).collect::<Vec<_>>());
}

#[test]
fn a_waiting_lane_does_not_hold_up_the_others() {
    let mut worker = Worker::with(async_handler(
        "if (record.text() === 'wait') await new Promise((done) => { globalThis.release = done; }); else globalThis.release?.();",
    ));
    let (wait, release) = ([Record::new("wait")], [Record::new("release")]);
    worker.run_in(1, &[((1, 1, 1), &wait), ((2, 1, 1), &release), ((3, 2, 1), &release)]);
    let order: Vec<u64> = worker.settled(3).iter().map(|settled| settled.id).collect();
    assert_eq!(order, [3, 1, 2]);
}

#[test]
fn a_failure_that_may_be_retried_stops_its_lane_until_a_newer_epoch() {
    let mut worker = Worker::with(handler("if (record.text() === 'bad') throw 1; return 'ok';"));
    let (good, bad) = ([Record::new("good")], [Record::new("bad")]);
    worker.run_in(1, &[((1, 1, 1), &bad), ((2, 1, 1), &good), ((3, 2, 1), &good), ((4, 1, 1), &good)]);
    let mut settled = worker.settled(4);
    settled.sort_by_key(|settled| settled.lane);
    assert_eq!(settled.iter().map(|settled| settled.id).collect::<Vec<_>>(), [1, 2, 4, 3]);
    assert_eq!(settled[1].end, End::NotRun);
    assert_eq!(settled[2].end, End::NotRun);
    assert_eq!(settled[3].outputs(), [Output::value("ok")]);
    worker.run_in(1, &[((5, 1, 1), &good), ((6, 1, 2), &good)]);
    let settled = worker.settled(2);
    assert_eq!((settled[0].id, &settled[0].end), (5, &End::NotRun));
    assert_eq!(settled[1].outputs(), [Output::value("ok")]);
}

#[test]
fn a_failure_that_is_never_retried_lets_its_lane_go_on() {
    let mut worker = Worker::with(handler("if (record.text() === 'bad') ctx.reject('no'); return 'ok';"));
    worker.run(&[Record::new("bad"), Record::new("good")]);
    let settled = worker.settled(2);
    assert_eq!(settled[0].failed().outcome, Outcome::Rejected);
    assert_eq!(settled[1].outputs(), [Output::value("ok")]);
}

#[test]
fn with_stop_on_failure_every_failure_stops_the_lane() {
    let mut load = handler("if (record.text() === 'bad') ctx.reject('no'); return 'ok';");
    load.stop_on_failure = true;
    let mut worker = Worker::with(load);
    worker.run(&[Record::new("bad"), Record::new("good")]);
    assert_eq!(worker.settled(2)[1].end, End::NotRun);
}

#[test]
fn a_recall_gives_back_what_has_not_begun() {
    let mut worker = Worker::with(async_handler("await new Promise((done) => setTimeout(done, 100));"));
    worker.run(&[Record::new("1"), Record::new("2"), Record::new("3")]);
    worker.recall(1, 1);
    let settled = worker.settled(3);
    let ends: Vec<_> = settled.iter().map(|settled| (settled.id, settled.end == End::NotRun)).collect();
    assert!(ends == [(2, true), (3, true), (1, false)] || ends == [(1, true), (2, true), (3, true)], "{ends:?}");
}

#[test]
fn more_than_the_credit_ends_the_worker() {
    let mut worker = Worker::with(async_handler("await new Promise(() => {});"));
    let records: Vec<Record> = (0..4097).map(|_| Record::new("x")).collect();
    worker.run(&records);
    assert_eq!(worker.exit_status().code(), Some(2));
}

#[test]
fn a_malformed_message_ends_the_worker() {
    for message in [
        Builder::with_body(Kind::Run, 1, b"\xff\xff\xff"),
        Builder::with_body(Kind::Load, 2, b"{}"),
        Builder::with_body(Kind::Hello, 0, b"{}"),
        vec![0xff; 12],
    ] {
        let mut worker = Worker::with(handler(""));
        worker.send(&message);
        assert_eq!(worker.exit_status().code(), Some(2));
    }
}

#[test]
fn unloading_gives_back_everything_and_ends_the_isolate_alone() {
    let mut worker = Worker::with(async_handler("await new Promise(() => {});"));
    assert!(worker.load(2, &handler("return 'other';")).result.is_ok());
    worker.run(&[Record::new("1"), Record::new("2")]);
    worker.unload();
    assert_eq!(
        worker.settled(2).iter().map(|settled| settled.end.clone()).collect::<Vec<_>>(),
        [End::NotRun, End::NotRun]
    );
    assert_eq!(worker.unloaded().reason, None);
    worker.run_in(2, &[((1, 1, 1), &[Record::new("x")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("other")]);
    assert!(worker.load(1, &handler("return 'again';")).result.is_ok());
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("again")]);
}

#[test]
fn a_channel_is_free_again_when_loading_failed() {
    let mut worker = Worker::start();
    for _ in 0..3 {
        assert_eq!(worker.load(1, &function("throw new Error('no');")).result.unwrap_err().code, "E1204");
    }
    assert!(worker.load(1, &handler("return 1;")).result.is_ok());
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("1")]);
}

#[test]
fn the_shared_word_says_what_is_running() {
    let mut worker = Worker::with(handler("if (record.text() === 'loop') for (;;);"));
    worker.run_in(1, &[((41, 1, 1), &[Record::new("x")]), ((42, 1, 1), &[Record::new("loop")])]);
    let begun = std::time::Instant::now();
    while worker.words.running(1) != Running::Invocation(42) {
        assert!(begun.elapsed().as_secs() < 30, "the word never said 42");
        std::thread::yield_now();
    }
    worker.settled(2);
    worker.unloaded();
    assert_eq!(worker.words.running(1), Running::Nothing);
}

#[test]
fn functions_on_one_worker_share_nothing() {
    let mut worker = Worker::with(function(
        "globalThis.mine = 'secret'; export default () => Object.keys(globalThis).includes('mine');",
    ));
    assert!(worker.load(2, &function("export default () => 'mine' in globalThis;")).result.is_ok());
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("true")]);
    worker.run_in(2, &[((1, 1, 1), &[Record::new("x")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("false")]);
}
