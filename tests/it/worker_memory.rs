//! Memory on and beside the heap: what runs into its limit, and what becomes of the worker.

use eddyline::outcome::Outcome;
use eddyline::protocol::control::Load;
use eddyline::protocol::words::Running;

use crate::support::worker::{Output, Record, Worker, async_handler, handler};

fn limited(mut load: Load) -> Load {
    load.limits.heap_bytes = 64 << 20;
    load.limits.external_bytes = 32 << 20;
    load.limits.cpu_ms = 30_000;
    load.limits.wall_ms = 30_000;
    load
}

/// Most bytes that a worker has ever had in memory.
fn peak(worker: &Worker) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.hello.pid)).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

/// Runs a record that takes more memory than it may; the neighbour and the next record go on, and the worker has never
/// been much larger than its limits.
fn exceeds(body: &str, most: usize) {
    println!("{body}");
    let mut worker = Worker::start();
    let load = limited(async_handler(&format!("if (record.text() === 'harm') {{ {body} }} return 'ok';")));
    assert!(worker.load(1, &load).result.is_ok());
    assert!(worker.load(2, &handler("return 'neighbour';")).result.is_ok());
    worker.run_in(1, &[((1, 1, 1), &[Record::new("harm").with_key("x".repeat(1 << 20))])]);
    let settled = worker.settled(1).remove(0);
    assert_eq!(settled.failed().outcome, Outcome::MemoryLimit, "{body}: {:?}", settled.failed());
    assert_eq!(worker.unloaded().reason.as_deref(), Some("memory limit"), "{body}");
    worker.run_in(2, &[((9, 1, 1), &[Record::new("x")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("neighbour")], "{body}");
    assert!(worker.load(1, &load).result.is_ok());
    worker.run_in(1, &[((2, 1, 1), &[Record::new("fine")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("ok")], "{body}");
    let peak = peak(&worker) >> 20;
    assert!(peak < most, "{body}: the worker had {peak} MiB");
}

#[test]
fn buffers_however_they_are_made_run_into_the_limit() {
    for body in [
        "const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1));",
        "new ArrayBuffer(1 << 30);",
        "let buffer = new ArrayBuffer(1 << 20); for (;;) buffer = buffer.transfer(buffer.byteLength * 2);",
        "const all = []; for (;;) all.push(new Uint8Array(1 << 20).buffer.slice(0));",
        "const all = []; for (;;) all.push(new Float64Array(Array(1 << 16).fill(1)));",
        "const all = [], one = new Uint8Array(1 << 20).fill(1); for (;;) all.push(structuredClone(one));",
        "structuredClone(Array.from({ length: 20 }, () => new Uint8Array(1 << 20).fill(1)));",
        "const all = [], one = new TextEncoder(), text = 'x'.repeat(1 << 20); for (;;) all.push(one.encode(text));",
        "const all = []; for (;;) all.push(record.keyBytes);",
        "const all = []; for (;;) { all.push(record.keyBytes); await null; }",
        "const all = []; for (;;) { all.push(record.keyBytes); await new Promise((done) => setTimeout(done)); }",
    ] {
        exceeds(body, 700);
    }
}

#[test]
fn strings_made_by_the_host_run_into_the_limit_of_the_heap() {
    for body in [
        "const all = []; for (;;) all.push(record.key);",
        "const all = []; const bytes = new Uint8Array(1 << 20).fill(65); const one = new TextDecoder(); for (;;) all.push(one.decode(bytes));",
        "const all = []; const text = 'A'.repeat(1 << 20); for (;;) all.push(btoa(text));",
    ] {
        exceeds(body, 3000);
    }
}

#[test]
fn objects_of_any_kind_run_into_the_limit_of_the_heap() {
    for body in [
        "let text = 'x'; for (;;) { text += text; [...text.slice(0, 1 << 20)]; }",
        "const all = new Map(); for (let i = 0; ; i++) all.set(i, {});",
        "const all = new Set(); for (let i = 0; ; i++) all.add('key ' + i);",
        "let last; for (;;) { const before = last; last = () => before; }",
        "const all = []; for (;;) all.push(Promise.resolve().then(() => {}));",
        "const all = []; for (;;) all.push(new Promise(() => {}));",
        "const all = []; for (;;) all.push(Symbol('x'));",
        "const all = []; for (;;) all.push(new Error('x'));",
        "const all = []; for (;;) all.push(/x/g, new Date(), 1n << 100n);",
        "const all = []; for (;;) all.push(new (class { #x = Array(1000).fill(0); })());",
        "let object = {}; for (;;) object = { object };",
        "const object = {}; for (let i = 0; ; i++) object['key ' + i] = i;",
        "const all = []; for (;;) all.push(record.headers.entries(), record.headers);",
    ] {
        exceeds(body, 3000);
    }
}

#[test]
fn objects_of_a_gigabyte_run_into_the_limit_without_an_abort() {
    for body in [
        "new Array(2 ** 25 - 10).fill(1.5);",
        "Array.from({ length: 2 ** 27 }, () => 1.5);",
        "const text = 'x'.repeat(2 ** 26); JSON.stringify([text]); const all = []; for (;;) all.push(text.split('x'));",
        "const all = globalThis.all = []; all.length = 2 ** 25 - 10; all.fill({});",
        "const all = Array(2 ** 25).fill(0); for (;;) all.push(...all.slice(0, 60_000));",
        "const all = [1]; for (;;) all.splice(0, 0, ...all.slice(0, 50_000));",
        "let all = [0]; for (;;) all = all.concat(all);",
        "let all = [0]; for (;;) all = [...all, ...all];",
        "new Array(2 ** 25).fill(0).map(() => ({}));",
        "'x,'.repeat(2 ** 26).split(',');",
        "JSON.parse('[' + '0,'.repeat(2 ** 25) + '0]');",
        "globalThis.text = JSON.stringify(Array(2 ** 22).fill('x'.repeat(100)));",
        "let all = new Set(); for (let i = 0; i < 2 ** 25; i++) all.add(i);",
    ] {
        exceeds(body, 5000);
    }
}

#[test]
fn what_the_engine_aborts_for_is_blamed_on_whose_it_is() {
    // Longer than any array can be.
    let mut worker = Worker::with(limited(handler("return 'ä\u{100}'.repeat(2 ** 27).split('').length;")));
    worker.run_in(1, &[((77, 1, 1), &[Record::new("harm")])]);
    assert_eq!(worker.running_at_its_end(1), Running::Invocation(77));
}

#[test]
fn a_buffer_cannot_grow_in_place() {
    let tries = [
        "new ArrayBuffer(8, { maxByteLength: 16 })",
        "new (class extends ArrayBuffer {})(8, { maxByteLength: 16 })",
        "new (class extends ArrayBuffer { constructor() { super(8, { get maxByteLength() { return 16; } }); } })()",
        "Reflect.construct(ArrayBuffer, [8, { maxByteLength: 16 }])",
        "new new Uint8Array(8).buffer.constructor(8, { maxByteLength: 16 })",
        "new (ArrayBuffer.prototype.constructor)(8, { maxByteLength: 16 })",
        "new (ArrayBuffer[Symbol.species])(8, { maxByteLength: 16 })",
        "new (Object.getPrototypeOf(class extends ArrayBuffer {}))(8, { maxByteLength: 16 })",
        "new (structuredClone(new ArrayBuffer(8)).constructor)(8, { maxByteLength: 16 })",
        "Reflect.construct(new ArrayBuffer(1).constructor, [8, Object.assign(() => {}, { maxByteLength: 16 })])",
    ];
    let body = tries
        .map(|code| {
            format!("try {{ const it = {code}; out.push(it.resizable); }} catch (error) {{ out.push(error.name); }}")
        })
        .join("\n");
    let mut worker = Worker::with(handler(&format!("const out = []; {body} return out;")));
    let settled = worker.one(Record::new("x"));
    let ended: Vec<serde_json::Value> = serde_json::from_str(settled.outputs()[0].text()).unwrap();
    assert_eq!(ended.len(), tries.len());
    for (ended, code) in ended.iter().zip(tries) {
        assert!(*ended == "RangeError" || *ended == false, "{code}: {ended}");
    }
}

#[test]
fn a_buffer_is_otherwise_what_it_was() {
    let body = "
        class Own extends ArrayBuffer { get own() { return true; } }
        const buffer = new ArrayBuffer(8), own = new Own(4);
        return [
            buffer instanceof ArrayBuffer, own instanceof Own, own.own, own.byteLength, own.slice(1) instanceof ArrayBuffer,
            ArrayBuffer.isView(new Uint8Array(1)), ArrayBuffer.name, ArrayBuffer.length, new Uint8Array(2).buffer instanceof ArrayBuffer,
            Object.prototype.toString.call(buffer), ArrayBuffer[Symbol.species] === ArrayBuffer, buffer.constructor === ArrayBuffer,
            buffer.transfer(2).byteLength, (() => { try { return ArrayBuffer(1); } catch (error) { return error.name; } })(),
        ];";
    let settled = Worker::with(handler(body)).one(Record::new("x"));
    assert_eq!(
        settled.outputs()[0].text(),
        r#"[true,true,true,4,true,true,"ArrayBuffer",1,true,"[object ArrayBuffer]",true,true,2,"TypeError"]"#
    );
}

#[test]
fn garbage_is_collected_before_anybody_is_blamed() {
    for body in [
        "for (let i = 0; i < 1000; i++) new Uint8Array(1 << 20).fill(1);",
        "const one = new TextEncoder(), text = 'x'.repeat(1 << 20); for (let i = 0; i < 300; i++) one.encode(text);",
        "for (let i = 0; i < 300; i++) record.keyBytes;",
        "const one = new Uint8Array(1 << 20); for (let i = 0; i < 300; i++) structuredClone(one);",
    ] {
        let mut worker = Worker::with(limited(handler(&format!("{body} return 'ok';"))));
        let settled = worker.one(Record::new("x").with_key("x".repeat(1 << 20)));
        assert_eq!(settled.outputs(), [Output::value("ok")], "{body}");
    }
}

#[test]
fn what_many_records_hoard_together_ends_the_isolate_at_last() {
    // Each holds little, and nothing of it is booked.
    let code = "globalThis.all = []; const one = new TextEncoder();
        export default (record) => { all.push(one.encode('x'.repeat(100_000))); return 'ok'; };";
    let mut load = limited(crate::support::worker::function(code));
    load.limits.external_bytes = 8 << 20;
    let mut worker = Worker::with(load);
    let records: Vec<Record> = (0..1000).map(|_| Record::new("x")).collect();
    worker.run(&records);
    assert_eq!(worker.unloaded().reason.as_deref(), Some("memory limit"));
}

#[test]
fn results_are_bounded_before_the_invocation_ends() {
    let body = "const text = 'x'.repeat(1 << 19); try { for (;;) ctx.emit(text); } catch {} for (;;) try { ctx.emit('x'); } catch { break; }";
    let mut worker = Worker::with(limited(handler(body)));
    let settled = worker.one(Record::new("x"));
    assert!(settled.outputs().len() <= 1000);
    assert!(peak(&worker) >> 20 < 500, "{}", peak(&worker) >> 20);
}
