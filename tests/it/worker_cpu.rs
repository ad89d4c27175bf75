//! CPU time: whose it is, and that nothing runs away with it.

use std::time::Duration;

use eddyline::outcome::Outcome;
use eddyline::protocol::control::Load;
use eddyline::protocol::words::Running;

use crate::support::process;
use crate::support::worker::{End, Output, Record, Worker, async_handler, function, handler};

const SPIN: &str = "const spin = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));";

/// Runs a record that does harm, and says how it ended, after checking that a neighbour in the same worker goes on.
fn harm(load: &Load) -> Outcome {
    let mut worker = Worker::start();
    assert!(worker.load(1, load).result.is_ok());
    assert!(worker.load(2, &handler("return 'neighbour';")).result.is_ok());
    worker.run(&[Record::new("harm")]);
    let outcome = worker.settled(1)[0].failed().outcome;
    worker.run_in(2, &[((9, 1, 1), &[Record::new("x")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("neighbour")]);
    outcome
}

fn harmful(body: &str, cpu_ms: u64) -> Load {
    let mut load = async_handler(&format!("{SPIN} {body}"));
    load.limits.cpu_ms = cpu_ms;
    load
}

#[test]
fn cpu_time_is_that_of_the_invocation_and_not_of_each_stretch() {
    for body in [
        "for (let i = 0; i < 100; i++) { spin(10); await sleep(1); }",
        "for (let i = 0; i < 2000; i++) { spin(1); await sleep(1); }",
        "for (let i = 0; i < 100; i++) { spin(10); await new Promise((done) => setTimeout(() => { spin(2); done(); })); }",
        "setInterval(() => spin(5), 1); await new Promise(() => {});",
    ] {
        assert_eq!(harm(&harmful(body, 200)), Outcome::CpuLimit, "{body}");
    }
}

#[test]
fn what_one_invocation_spends_is_not_charged_to_those_that_wait_beside_it() {
    let body =
        "if (record.text() === 'wait') { await sleep(1500); return 'waited'; } spin(40); await sleep(1); spin(40);";
    let mut worker = Worker::with(harmful(body, 400));
    let (wait, busy) = ([Record::new("wait")], [Record::new("busy")]);
    let mut sent = vec![((1, 1, 1), &wait[..])];
    sent.extend((2..20).map(|id| ((id, 2, 1), &busy[..])));
    worker.run_in(1, &sent);
    let settled = worker.settled(19);
    let waited = settled.iter().find(|settled| settled.id == 1).unwrap();
    assert_eq!(waited.outputs(), [Output::value("waited")]);
    assert!(settled.iter().all(|settled| matches!(settled.end, End::Each(_))), "{settled:?}");
}

#[test]
fn the_one_that_spends_is_found_among_many_that_wait() {
    let body = "if (record.text() === 'wait') await sleep(3000);
        for (let i = 0; i < 1000; i++) { spin(3); await sleep(1); }";
    let mut worker = Worker::with(harmful(body, 200));
    let (wait, busy) = ([Record::new("wait")], [Record::new("busy")]);
    let mut sent: Vec<_> = (1..10).map(|id| ((u64::from(id), id, 1), &wait[..])).collect();
    sent.push(((10, 10, 1), &busy[..]));
    worker.run_in(1, &sent);
    let mut settled = worker.settled(10);
    settled.sort_by_key(|settled| settled.id);
    assert_eq!(settled[9].failed().outcome, Outcome::CpuLimit);
    assert!(settled[..9].iter().all(|settled| settled.end == End::NotRun), "{settled:?}");
}

#[test]
fn wall_time_goes_on_over_awaits_and_strikes_in_the_middle_of_a_stretch() {
    let mut load = harmful("await sleep(150); for (;;);", 60_000);
    load.limits.wall_ms = 200;
    assert_eq!(harm(&load), Outcome::WallLimit);
    let mut load = harmful("for (;;) await null;", 60_000);
    load.limits.wall_ms = 100;
    assert_eq!(harm(&load), Outcome::WallLimit);
}

#[test]
fn what_an_ended_invocation_left_behind_has_a_budget_of_its_own() {
    // No single stretch of it is long.
    let code = format!(
        "{SPIN} setInterval(() => spin(5), 1);
        export default async (record) => {{ if (record.text() === 'wait') await sleep(20_000); return 'ok'; }}"
    );
    let mut load = function(&code);
    load.limits.cpu_ms = 100;
    load.limits.wall_ms = 30_000;
    let mut worker = Worker::with(load);
    worker.run_in(1, &[((1, 1, 1), &[Record::new("fine")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("ok")]);
    worker.run_in(1, &[((2, 1, 1), &[Record::new("wait")])]);
    assert_eq!(worker.settled(1)[0].end, End::NotRun, "nobody is blamed");
    assert_eq!(worker.unloaded().reason.as_deref(), Some("cpu limit"));
}

#[test]
fn native_loops_of_the_engine_are_stopped() {
    let bodies = [
        "/^(a+)+$/.test('a'.repeat(60) + 'b');",
        "'a'.repeat(1 << 24).replace(/a*a*a*b/g, '');",
        "let big = 3n; for (;;) big = big ** 3n % (1n << 60000n);",
        "(2n ** 3_000_000n).toString();  for (;;) (2n ** 300_000n).toString();",
        "for (;;) Array.from({ length: 100_000 }).sort(() => Math.random() - 0.5);",
        "Array.from({ length: 4e9 }, () => 0);",
        "for (;;) JSON.stringify(Array(10_000).fill({ a: 1 }));",
        "const text = JSON.stringify(Array(100_000).fill({ a: 1 })); for (;;) JSON.parse(text);",
        "for (;;) 'x'.repeat(1 << 20).split('');",
        "for (;;) structuredClone(Array(1000).fill('x'));",
        "const f = (n) => n ? f(n - 1) : new Error('deep').stack; for (;;) f(5000);",
        "const f = () => f(); for (;;) try { f(); } catch (error) { error.stack; }",
        "Error.prepareStackTrace = () => { for (;;); }; new Error('x').stack;",
        "Error.prepareStackTrace = () => { for (;;); }; throw new Error('x');",
        "Error.stackTraceLimit = Infinity; const f = (n) => n ? f(n - 1) : 0; for (;;) try { f(1e9); } catch (e) { e.stack; }",
        "return { get a() { for (;;); } };",
        "return new Proxy({}, { ownKeys() { for (;;); } });",
        "return new Proxy([], { get() { for (;;); } });",
        "const error = new Error('x'); Object.defineProperty(error, 'cause', { get() { for (;;); } }); throw error;",
        "`${{ toString() { for (;;); } }}`;",
        "((strings) => { for (;;); })`x`;",
        "const g = function* () { for (;;) yield; }; for (const _ of g());",
        "for await (const _ of (async function* () { for (;;) yield; })());",
        "try { for (;;); } finally { for (;;); }",
        "const loop = () => queueMicrotask(loop); loop(); await sleep(1e6);",
        "ctx.emit({ toJSON() { for (;;); } });",
        "ctx.emit('x', { get topic() { for (;;); } });",
        "ctx.log.info({ get a() { for (;;); }, [Symbol.for('Deno.customInspect')]() { for (;;); } });",
        "const loop = () => setTimeout(loop); for (let i = 0; i < 100; i++) loop(); await sleep(1e6);",
        "record.headers.get({ toString() { for (;;); } });",
        "console.log(new Proxy({}, { ownKeys() { for (;;); }, get() { for (;;); } })); for (;;);",
        "const a = new Map(); for (let i = 0; ; i++) a.set(i % 1000, i);",
        "'x'.repeat(1 << 28).localeCompare('x'.repeat(1 << 28)); for (;;);",
        "for (;;) 'ä'.repeat(1 << 20).normalize('NFD');",
        "for (;;) new Intl.DateTimeFormat('de').format(new Date());",
    ];
    let odd: Vec<_> = bodies
        .iter()
        .map(|body| {
            println!("{body}");
            (body, harm(&harmful(body, 100)))
        })
        .filter(|(_, outcome)| *outcome != Outcome::CpuLimit)
        .collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn parsing_json_cannot_be_interrupted_but_its_time_is_counted() {
    let mut load = handler("record.json(); record.json(); return 'ok';");
    load.limits.cpu_ms = 5;
    load.limits.heap_bytes = 512 << 20;
    let mut worker = Worker::with(load);
    let json = format!("[{}1]", "{\"a\":1},".repeat(1 << 20));
    assert_eq!(worker.one(Record::new(json)).failed().outcome, Outcome::CpuLimit);
}

#[test]
fn a_deep_module_graph_of_awaits_and_a_top_level_loop_end_within_the_time_to_load() {
    for code in [
        "for (;;);",
        "await new Promise(() => {}); export default () => {};",
        "setInterval(() => {}, 1); await new Promise(() => {}); export default () => {};",
        "const loop = () => queueMicrotask(loop); loop(); export default () => {};",
        "const loop = async () => { for (;;) await null; }; await loop(); export default () => {};",
        "export default new Proxy({}, { get() { for (;;); } });",
        "throw { toString() { for (;;); }, get message() { for (;;); } };",
    ] {
        let mut load = function(code);
        load.limits.load_ms = 300;
        let mut worker = Worker::start();
        assert!(worker.load(2, &handler("return 'neighbour';")).result.is_ok());
        let problem = worker.load(1, &load).result.expect_err(code);
        assert!(["E1204", "E1206"].contains(&&problem.code[..]), "{code}: {problem:?}");
        worker.run_in(2, &[((9, 1, 1), &[Record::new("x")])]);
        assert_eq!(worker.settled(1)[0].outputs(), [Output::value("neighbour")], "{code}");
    }
}

#[test]
fn loops_of_the_engine_that_nothing_can_interrupt_bring_the_worker_down_and_the_page_tells_whose_they_were() {
    for body in [
        "Array.prototype.forEach.call({ length: 2 ** 53 - 1 }, () => {});",
        "const all = []; all[2 ** 32 - 2] = 1; all.reverse();",
        "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);",
        "await sleep(5); Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);",
    ] {
        println!("{body}");
        let mut worker = Worker::with(harmful(body, 100));
        worker.run_in(1, &[((77, 1, 1), &[Record::new("harm")])]);
        let running = worker.running_at_its_end(1);
        assert_eq!(running, Running::Invocation(77), "{body}");
    }
}

/// Derives a key, which takes native code about `ms` milliseconds and more.
fn derive(ms: u64) -> String {
    format!(
        "const key = await crypto.subtle.importKey('raw', new Uint8Array(16), 'PBKDF2', false, ['deriveBits']);
        const derive = () => crypto.subtle.deriveBits({{ name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(16), iterations: {} }}, key, 512);",
        ms * 1000
    )
}

#[test]
fn native_code_beside_the_isolate_counts_as_cpu_time_of_its_invocation() {
    for body in
        ["await derive();", "try { await derive(); } catch {} return 'swallowed';", "derive(); await sleep(2000);"]
    {
        let load = harmful(&format!("{} {body}", derive(200)), 50);
        assert_eq!(harm(&load), Outcome::CpuLimit, "{body}");
    }
    let mut worker = Worker::with(harmful(&format!("{} await derive(); return 'ok';", derive(20)), 5000));
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("ok")]);
}

#[test]
fn native_code_that_runs_away_brings_the_worker_down_and_the_page_tells_for_whom() {
    let body = format!("{} for (let i = 0; i < 60; i++) derive(); await sleep(60_000);", derive(1000));
    let mut load = harmful(&body, 50);
    load.limits.wall_ms = 60_000;
    let mut worker = Worker::with(load);
    worker.run_in(1, &[((77, 1, 1), &[Record::new("harm")])]);
    assert_eq!(worker.running_at_its_end(1), Running::Invocation(77));
}

#[test]
fn native_code_keeps_its_isolate_until_it_ends() {
    let body = format!("{} derive(); await sleep(2); for (;;);", derive(400));
    let mut load = harmful(&body, 1000);
    load.limits.wall_ms = 20;
    let mut worker = Worker::with(load);
    worker.run(&[Record::new("harm")]);
    worker.unloaded();
    let pid = worker.child.id();
    let told = process::cpu(pid);
    std::thread::sleep(Duration::from_millis(400));
    let more = process::cpu(pid) - told;
    assert!(more < Duration::from_millis(200), "it was still at work when the next could come: {more:?}");
}
