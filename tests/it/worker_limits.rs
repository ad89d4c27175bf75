//! What happens to a function that takes more than it may.

use eddyline::outcome::Outcome;
use eddyline::protocol::control::Load;

use crate::support::worker::{End, Output, Record, Worker, async_handler, function, handler};

/// The second of three records does harm; says how it ended, after checking that the others come back as not run.
fn doomed(load: Load) -> Outcome {
    let mut worker = Worker::with(load);
    worker.run_in(
        1,
        &[
            ((1, 1, 1), &[Record::new("fine")]),
            ((2, 1, 1), &[Record::new("harm")]),
            ((3, 1, 1), &[Record::new("fine")]),
            ((4, 2, 1), &[Record::new("fine")]),
        ],
    );
    let mut settled = worker.settled(4);
    settled.sort_by_key(|settled| settled.id);
    assert_eq!(settled[0].outputs(), [Output::value("ok")]);
    assert_eq!(settled[2].end, End::NotRun);
    let unloaded = worker.unloaded();
    assert_eq!(unloaded.reason.as_deref(), Some(settled[1].failed().outcome.label()));
    assert!(worker.load(1, &handler("return 'new';")).result.is_ok());
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("new")]);
    settled[1].failed().outcome
}

fn harmful(body: &str) -> Load {
    handler(&format!("if (record.text() === 'harm') {{ {body} }} return 'ok';"))
}

#[test]
fn an_endless_loop_runs_out_of_cpu_time() {
    let mut load = harmful("for (;;);");
    load.limits.cpu_ms = 50;
    assert_eq!(doomed(load), Outcome::CpuLimit);
}

#[test]
fn an_endless_loop_runs_out_of_wall_time_if_that_is_shorter() {
    let mut load = harmful("for (;;);");
    load.limits.wall_ms = 50;
    assert_eq!(doomed(load), Outcome::WallLimit);
}

#[test]
fn loops_in_odd_places_are_stopped_too() {
    for body in [
        "return { toJSON() { for (;;); } };",
        "throw Object.defineProperty(new Error('x'), 'stack', { get() { for (;;); } });",
        "Promise.resolve().then(() => { for (;;); });",
        "try { for (;;); } catch { for (;;); } finally { for (;;); }",
        "/^(a+)+$/.test('a'.repeat(40) + 'b');",
    ] {
        let mut load = harmful(body);
        load.limits.cpu_ms = 50;
        let mut worker = Worker::with(load);
        worker.run(&[Record::new("harm")]);
        worker.settled(1);
        assert_eq!(worker.unloaded().reason.as_deref(), Some("cpu limit"), "{body}");
    }
}

#[test]
fn endless_memory_runs_into_the_heap_limit() {
    let mut load = harmful("const all = []; for (;;) all.push({ a: [1, 2, 3] });");
    load.limits.heap_bytes = 32 << 20;
    assert_eq!(doomed(load), Outcome::MemoryLimit);
}

#[test]
fn buffers_have_a_limit_of_their_own() {
    let mut load = harmful("const all = []; for (;;) all.push(new Uint8Array(1 << 20));");
    load.limits.external_bytes = 16 << 20;
    assert_eq!(doomed(load), Outcome::MemoryLimit);
}

#[test]
fn a_promise_that_never_settles_runs_out_of_time_and_the_isolate_goes_on() {
    let mut load = async_handler("if (record.text() === 'wait') await new Promise(() => {}); return 'ok';");
    load.limits.wall_ms = 50;
    let mut worker = Worker::with(load);
    worker.run_in(1, &[((1, 1, 1), &[Record::new("wait")]), ((2, 1, 1), &[Record::new("x")])]);
    let settled = worker.settled(2);
    assert_eq!(settled[0].failed().outcome, Outcome::WallLimit);
    assert_eq!(settled[1].end, End::NotRun);
    worker.run_in(1, &[((3, 1, 2), &[Record::new("x")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("ok")]);
}

#[test]
fn a_loop_behind_an_await_is_blamed_on_its_own_invocation() {
    let mut load = async_handler(
        "await new Promise((done) => setTimeout(done, 5)); if (record.text() === 'harm') for (;;); await new Promise(() => {});",
    );
    load.limits.cpu_ms = 50;
    let mut worker = Worker::with(load);
    worker.run_in(1, &[((1, 1, 1), &[Record::new("fine")]), ((2, 2, 1), &[Record::new("harm")])]);
    let mut settled = worker.settled(2);
    settled.sort_by_key(|settled| settled.id);
    assert_eq!(settled[0].end, End::NotRun);
    assert_eq!(settled[1].failed().outcome, Outcome::CpuLimit);
    assert_eq!(worker.unloaded().reason.as_deref(), Some("cpu limit"));
}

#[test]
fn neighbours_go_on_while_a_function_is_stopped() {
    let mut load = harmful("for (;;);");
    load.limits.cpu_ms = 200;
    let mut worker = Worker::with(load);
    assert!(worker.load(2, &handler("return 'neighbour';")).result.is_ok());
    worker.run(&[Record::new("harm")]);
    worker.run_in(2, &[((9, 1, 1), &[Record::new("x")])]);
    let first = worker.settled(1).remove(0);
    assert_eq!((first.id, first.outputs()), (9, &[Output::value("neighbour")][..]));
    assert_eq!(worker.settled(1)[0].failed().outcome, Outcome::CpuLimit);
}

#[test]
fn time_between_invocations_is_nobodys() {
    let mut load = function("export default () => { const end = Date.now() + 20; while (Date.now() < end); };");
    load.limits.cpu_ms = 60;
    let mut worker = Worker::with(load);
    let records: Vec<Record> = (0..10).map(|_| Record::new("x")).collect();
    worker.run(&records);
    assert!(worker.settled(10).iter().all(|settled| settled.outputs().is_empty()));
}

#[test]
fn modules_that_load_for_too_long_are_stopped() {
    let mut load = function("for (;;);");
    load.limits.load_ms = 100;
    let mut worker = Worker::start();
    let problem = worker.load(1, &load).result.unwrap_err();
    assert_eq!(problem.code, "E1206");
}

#[test]
fn dynamic_imports_in_odd_places_do_not_bring_the_worker_down() {
    for body in [
        "function f() { try { f(); } finally { import('./nothing.js').catch(() => {}); } } try { f(); } catch { return 'fine'; }",
        "for (;;) import('./nothing.js').catch(() => {});",
        "try { for (;;); } finally { import('./nothing.js'); }",
    ] {
        let mut load = harmful(body);
        load.limits.cpu_ms = 100;
        let mut worker = Worker::with(load);
        assert!(worker.load(2, &handler("return 'neighbour';")).result.is_ok());
        worker.run(&[Record::new("harm")]);
        worker.settled(1);
        worker.run_in(2, &[((9, 1, 1), &[Record::new("x")])]);
        assert_eq!(worker.settled(1)[0].outputs(), [Output::value("neighbour")], "{body}");
    }
}
