//! The isolate that a worker keeps ready for the next function: it serves that one as any other would.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eddyline::outcome::Outcome;
use eddyline::protocol::Kind;
use eddyline::protocol::control::Load;
use eddyline::protocol::frame::Builder;

use crate::support::eventually;
use crate::support::process::{Thread, threads};
use crate::support::worker::{Output, Record, Settled, Worker, function, handler, wasm};

const MIB: u64 = 1 << 20;

/// The thread of a worker's spare isolate.
fn spare(worker: &Worker) -> Option<Thread> {
    threads(worker.hello.pid).into_iter().find(|thread| thread.name == "spare")
}

/// A worker that has been told to keep a spare isolate, and has one like that of `load`, which is on channel 1.
fn ready(load: &Load) -> (Worker, Thread) {
    let mut worker = Worker::start();
    worker.send(&Builder::with_body(Kind::Spare, 0, &[]));
    assert!(worker.load(1, load).result.is_ok());
    let spare = eventually("a spare isolate", || spare(&worker));
    (worker, spare)
}

fn one(worker: &mut Worker, channel: u32) -> Settled {
    worker.one_in(channel, Record::new("x"))
}

fn sized(mut load: Load, heap: u64, external: u64) -> Load {
    load.limits.heap_bytes = heap * MIB;
    load.limits.external_bytes = external * MIB;
    load.limits.cpu_ms = 30_000;
    load.limits.wall_ms = 30_000;
    load
}

fn serves(worker: &Worker, thread: &Thread, function: &str) -> bool {
    threads(worker.hello.pid).iter().any(|one| one.tid == thread.tid && one.name == function)
}

#[test]
fn the_next_function_gets_it_and_then_there_is_another() {
    let load = handler("return ctx.function.name;");
    let (mut worker, first) = ready(&load);
    let second = Load { function: "other".to_owned(), ..load.clone() };
    assert!(worker.load(2, &second).result.is_ok());
    assert!(serves(&worker, &first, "other"), "{:?}", threads(worker.hello.pid));
    assert_eq!(one(&mut worker, 2).outputs(), [Output::value("other")]);
    assert_eq!(one(&mut worker, 1).outputs(), [Output::value("test")]);
    let next = eventually("another", || spare(&worker));
    assert_ne!(next.tid, first.tid);
}

#[test]
fn nobody_keeps_one_unasked() {
    let mut worker = Worker::with(handler("return 1;"));
    sleep(Duration::from_millis(200));
    assert!(spare(&worker).is_none());
    assert_eq!(one(&mut worker, 1).outputs(), [Output::value("1")]);
}

#[test]
fn it_has_no_time_behind_it_and_nothing_of_another_function() {
    let noted = "globalThis.left = 1; export default () => `${left}`;";
    let (mut worker, thread) = ready(&function(noted));
    sleep(Duration::from_millis(50));
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let load = function(
        "const began = performance.timeOrigin, seen = typeof left;
         export default () => `${began} ${seen} ${performance.now() >= 0}`;",
    );
    assert!(worker.load(2, &load).result.is_ok());
    assert!(serves(&worker, &thread, "test"));
    let settled = one(&mut worker, 2);
    let text = settled.outputs()[0].text();
    let began: f64 = text.split(' ').next().unwrap().parse().unwrap();
    assert!(began + 1.0 >= before as f64, "{began} is before {before}");
    assert!(text.ends_with("undefined true"), "{text}");
}

#[test]
fn its_limits_are_those_of_its_function() {
    let grows = "const all = []; for (;;) all.push(new Array(1 << 14).fill(all.length));";
    let swells = "const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1));";
    for body in [grows, swells] {
        let (mut worker, thread) = ready(&sized(handler("return 'ok';"), 64, 32));
        assert!(worker.load(2, &sized(handler(body), 64, 32)).result.is_ok());
        assert!(serves(&worker, &thread, "test"));
        assert_eq!(one(&mut worker, 2).failed().outcome, Outcome::MemoryLimit, "{body}");
        assert_eq!(worker.unloaded().reason.as_deref(), Some("memory limit"));
        assert_eq!(one(&mut worker, 1).outputs(), [Output::value("ok")]);
    }
    let mut endless = handler("for (;;);");
    let (mut worker, thread) = ready(&endless);
    endless.limits.cpu_ms = 50;
    assert!(worker.load(2, &endless).result.is_ok());
    assert!(serves(&worker, &thread, "test"));
    assert_eq!(one(&mut worker, 2).failed().outcome, Outcome::CpuLimit);
}

#[test]
fn a_function_with_other_limits_gets_one_of_its_own() {
    let fills = "const all = []; for (let i = 0; i < 100; i++) all.push(new Array(1 << 17).fill(i)); return 'room';";
    let (mut worker, thread) = ready(&sized(handler("return 'ok';"), 64, 32));
    assert!(worker.load(2, &sized(handler(fills), 256, 32)).result.is_ok());
    assert!(!serves(&worker, &thread, "test"), "it is too small");
    assert_eq!(one(&mut worker, 2).outputs(), [Output::value("room")]);
    let large = eventually("a large one", || spare(&worker).filter(|spare| spare.tid != thread.tid));
    assert!(worker.load(3, &sized(handler(fills), 64, 32)).result.is_ok());
    assert!(!serves(&worker, &large, "test"), "it is too large");
    assert_eq!(one(&mut worker, 3).failed().outcome, Outcome::MemoryLimit);
    let swells = "for (const all = [];;) all.push(new Uint8Array(1 << 20).fill(1));";
    let small = eventually("a small one", || spare(&worker).filter(|spare| spare.tid != large.tid));
    assert!(worker.load(4, &sized(handler(swells), 64, 16)).result.is_ok());
    assert!(!serves(&worker, &small, "test"), "it has more beside the heap");
    assert_eq!(one(&mut worker, 4).failed().outcome, Outcome::MemoryLimit);
}

#[test]
fn one_that_cannot_be_loaded_into_it_says_why() {
    let (mut worker, thread) = ready(&handler("return 1;"));
    let problem = worker.load(2, &function("throw new Error('no');")).result.unwrap_err();
    assert!(problem.message.contains("no"), "{problem:?}");
    eventually("its thread has ended", || {
        threads(worker.hello.pid).iter().all(|one| one.tid != thread.tid).then_some(())
    });
    assert!(worker.load(2, &handler("return 2;")).result.is_ok());
    assert_eq!(one(&mut worker, 2).outputs(), [Output::value("2")]);
}

#[test]
fn it_takes_webassembly() {
    let (mut worker, thread) = ready(&handler("return 1;"));
    let adds = r#"(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"#;
    let load = wasm(
        adds,
        "import module from './module.wasm';
         const { add } = new WebAssembly.Instance(module).exports;
         export default () => `${add(1, 2)}`;",
    );
    assert!(worker.load(2, &load).result.is_ok());
    assert!(serves(&worker, &thread, "test"));
    assert_eq!(one(&mut worker, 2).outputs(), [Output::value("3")]);
}
