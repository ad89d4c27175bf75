//! WebAssembly that takes more than it may.

use eddyline::outcome::Outcome;
use eddyline::protocol::control::Load;

use crate::support::worker::{End, Output, Record, Worker, handler, wasm};

/// A handler that uses `module` on a record `harm`, and is fine with others.
fn harmful(module: &str, body: &str) -> Load {
    let code = format!(
        "import module from './module.wasm';
         export default function (record, ctx) {{ if (record.text() === 'harm') {{ {body} }} return 'ok'; }}"
    );
    wasm(module, &code)
}

/// How a harmful record ends; the worker and what else it runs must go on.
fn harm(load: &Load) -> Outcome {
    let mut worker = Worker::with(load.clone());
    assert!(worker.load(2, &handler("return 'neighbour';")).result.is_ok());
    worker.run_in(1, &[((1, 1, 1), &[Record::new("harm")])]);
    let outcome = match worker.settled(1).remove(0).end {
        End::Whole(failed) => failed.outcome,
        End::Each(all) => panic!("no limit: {all:?}"),
        End::NotRun => panic!("not run"),
    };
    assert_eq!(worker.unloaded().reason.as_deref(), Some(outcome.label()));
    worker.run_in(2, &[((9, 1, 1), &[Record::new("x")])]);
    assert_eq!(worker.settled(1)[0].outputs(), [Output::value("neighbour")]);
    assert!(worker.load(1, load).result.is_ok());
    assert_eq!(worker.one(Record::new("fine")).outputs(), [Output::value("ok")]);
    outcome
}

/// What a handler returns, and that its isolate lives on.
fn survives(load: Load) -> String {
    let mut worker = Worker::with(load);
    let text = worker.one(Record::new("harm")).outputs()[0].text().to_owned();
    assert_eq!(worker.one(Record::new("fine")).outputs(), [Output::value("ok")]);
    text
}

const MIB: u64 = 1 << 20;

fn with_external(mut load: Load, mebibytes: u64) -> Load {
    load.limits.external_bytes = mebibytes * MIB;
    load
}

#[test]
fn endless_loops_run_out_of_cpu_time() {
    for (module, body) in [
        (r#"(module (func (export "run") (loop (br 0))))"#, "new WebAssembly.Instance(module).exports.run();"),
        (
            r#"(module (import "a" "f" (func $f)) (func (export "run") (loop (call $f) (br 0))))"#,
            "new WebAssembly.Instance(module, { a: { f() {} } }).exports.run();",
        ),
        (r#"(module (func $start (loop (br 0))) (start $start))"#, "new WebAssembly.Instance(module);"),
        (
            r#"(module (memory 1) (func (export "run") (loop (drop (memory.grow (i32.const 0))) (br 0))))"#,
            "new WebAssembly.Instance(module).exports.run();",
        ),
        (
            r#"(module (memory 256 256) (func (export "run")
                (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br 0))))"#,
            "new WebAssembly.Instance(module).exports.run();",
        ),
        (
            r#"(module (func (export "run")))"#,
            "const { run } = new WebAssembly.Instance(module).exports; for (;;) run();",
        ),
        (r#"(module)"#, "for (;;) new WebAssembly.Instance(module);"),
    ] {
        let mut load = harmful(module, body);
        load.limits.cpu_ms = 50;
        assert_eq!(harm(&load), Outcome::CpuLimit, "{module} {body}");
    }
}

#[test]
fn a_loop_while_loading_is_stopped() {
    let module = r#"(module (func $start (loop (br 0))) (start $start))"#;
    let mut load = wasm(module, "import m from './module.wasm'; new WebAssembly.Instance(m); export default () => 1;");
    load.limits.load_ms = 100;
    assert_eq!(Worker::start().load(1, &load).result.unwrap_err().code, "E1206");
}

#[test]
fn endless_recursion_is_an_error() {
    let module = r#"(module (func $f (export "run") (call $f)))"#;
    let body = "try { new WebAssembly.Instance(module).exports.run(); } catch (error) { return String(error); }";
    assert_eq!(survives(harmful(module, body)), "RangeError: Maximum call stack size exceeded");
}

#[test]
fn a_memory_of_a_module_grows_to_the_limit_and_no_further() {
    let module = r#"(module (memory (export "memory") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let body = "const { memory, grow } = new WebAssembly.Instance(module).exports;
        const grown = [grow(2000), grow(100), grow(155), grow(1), grow(0)];
        try { memory.grow(1); } catch (error) { grown.push(error.name); }
        return [...grown, memory.buffer.byteLength >> 20];";
    assert_eq!(survives(with_external(harmful(module, body), 16)), "[-1,1,101,-1,256,\"RangeError\",16]");
}

#[test]
fn a_module_keeps_a_maximum_of_its_own() {
    let module = r#"(module (memory (export "memory") 1 3)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let body = "const { grow } = new WebAssembly.Instance(module).exports; return [grow(3), grow(2), grow(1)];";
    assert_eq!(survives(harmful(module, body)), "[-1,1,-1]");
}

#[test]
fn memories_of_64_bits_are_bounded_too() {
    let module = r#"(module (memory (export "memory") i64 1)
        (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))"#;
    let body = "const { grow } = new WebAssembly.Instance(module).exports;
        const own = new WebAssembly.Memory({ address: 'i64', initial: 1n, maximum: 1000n });
        const grown = [grow(1000n), grow(10n)];
        try { own.grow(999n); } catch (error) { grown.push(error.name); }
        return grown.join();";
    assert_eq!(survives(with_external(harmful(module, body), 16)), "-1,1,RangeError");
}

#[test]
fn a_memory_that_javascript_makes_is_bounded() {
    let body = "
        const tries = [
          () => new WebAssembly.Memory({ initial: 257 }),
          () => new WebAssembly.Memory({ initial: 65536, maximum: 65536 }),
          () => new WebAssembly.Memory({ initial: 1, maximum: 65536 }).grow(256),
          () => new WebAssembly.Memory({ initial: 1 }).grow(65535),
          () => new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }),
          () => new WebAssembly.Memory({ initial: { valueOf: () => 1e9 } }),
          () => new WebAssembly.Memory({ initial: 2, maximum: 1 }),
          () => new WebAssembly.Memory({}),
          () => new WebAssembly.Memory(),
          () => WebAssembly.Memory({ initial: 1 }),
        ];
        const names = tries.map((attempt) => { try { attempt(); return 'made'; } catch (error) { return error.name; } });
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
        return [...names, memory.grow(200), memory.buffer.byteLength >> 16];";
    let load = with_external(harmful("(module)", body), 16);
    let range = "\"RangeError\"";
    let kind = "\"TypeError\"";
    let expected = format!("[{range},{range},{range},{range},{kind},{range},{range},{kind},{kind},{kind},1,201]");
    assert_eq!(survives(load), expected);
}

#[test]
fn several_memories_share_the_limit_and_give_back_what_is_garbage() {
    let body = "
        const all = [];
        try { for (;;) all.push(new WebAssembly.Memory({ initial: 16 })); } catch (error) { all.push(error.name); }
        const made = all.length - 1, reason = all[made];
        all.length = 0;
        for (let i = 0; i < 100; i++) new WebAssembly.Memory({ initial: 16 });
        return `${made > 8 && made <= 16} ${reason}`;";
    assert_eq!(survives(with_external(harmful("(module)", body), 16)), "true RangeError");
}

#[test]
fn empty_memories_count_too() {
    let body = "
        const all = [];
        try { for (;;) all.push(new WebAssembly.Memory({ initial: 0 })); } catch (error) { return [all.length, error.name]; }";
    assert_eq!(survives(harmful("(module)", body)), "[1000,\"RangeError\"]");
    let body = "
        const all = [];
        try { for (;;) all.push(new WebAssembly.Instance(module)); } catch (error) { return [all.length < 1024, error.name]; }";
    assert_eq!(survives(harmful("(module (memory 0))", body)), "[true,\"RangeError\"]");
}

#[test]
fn an_instance_for_each_record_is_no_leak() {
    let code = "import module from './module.wasm';
        export default () => String(new WebAssembly.Instance(module).exports.memory.buffer.byteLength);";
    let mut worker = Worker::with(wasm(r#"(module (memory (export "memory") 16))"#, code));
    let records: Vec<Record> = (0..300).map(|_| Record::new("x")).collect();
    worker.run(&records);
    assert!(worker.settled(300).iter().all(|settled| settled.outputs() == [Output::value("1048576")]));
}

#[test]
fn memories_that_grow_by_themselves_share_the_limit() {
    let module = r#"(module (memory (export "memory") 1)
        (func (export "fill") (drop (memory.grow (i32.const 200)))
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 13000000))))"#;
    let body = "const all = []; for (let i = 0; i < 100; i++) all.push(new WebAssembly.Instance(module).exports);
        for (const one of all) one.fill(); for (;;);";
    assert_eq!(harm(&with_external(harmful(module, body), 16)), Outcome::MemoryLimit);
}

#[test]
fn tables_are_bounded() {
    let module = r#"(module (table (export "table") 1 funcref)
        (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))"#;
    let body = "
        const { table, grow } = new WebAssembly.Instance(module).exports;
        const grown = [grow(1000), grow(1000000)];
        const tries = [
          () => table.grow(1e7),
          () => new WebAssembly.Table({ element: 'anyfunc', initial: 300000 }),
          () => new WebAssembly.Table({ element: 'externref', initial: 1 }).grow(4e9),
        ];
        for (const attempt of tries) try { attempt(); grown.push('made'); } catch (error) { grown.push(error.name); }
        return grown;";
    assert_eq!(survives(harmful(module, body)), r#"[1,-1,"RangeError","RangeError","RangeError"]"#);
    let body = "const all = []; for (;;) all.push(new WebAssembly.Table({ element: 'anyfunc', initial: 100000 }));";
    assert_eq!(harm(&harmful(module, body)), Outcome::MemoryLimit);
}

#[test]
fn a_module_of_many_functions_loads_lazily() {
    let functions: String = (0..40_000).map(|n| format!(r#"(func (result i32) i32.const {n})"#)).collect();
    let module = format!(r#"(module {functions} (export "f" (func 39999)))"#);
    let body = "return new WebAssembly.Instance(module).exports.f();";
    let mut load = harmful(&module, body);
    load.limits.load_ms = 5000;
    assert_eq!(survives(load), "39999");
}
