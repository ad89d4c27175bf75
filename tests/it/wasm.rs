//! WebAssembly modules of the function's folder: imported, called, refused where they cannot run.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use eddyline::outcome::Outcome;
use eddyline::protocol::control::{Bundle, Load, Problem};

use serde_json::{Value, json};

use crate::support::worker::{Output, Record, Worker, async_handler, binary, function, handler, wasm};

const ADD: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"#;

/// Turns the bytes at 0 around.
const REVERSE: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "reverse") (param $len i32)
        (local $from i32) (local $to i32) (local $byte i32)
        (local.set $to (i32.sub (local.get $len) (i32.const 1)))
        (block $done (loop $next
            (br_if $done (i32.ge_s (local.get $from) (local.get $to)))
            (local.set $byte (i32.load8_u (local.get $from)))
            (i32.store8 (local.get $from) (i32.load8_u (local.get $to)))
            (i32.store8 (local.get $to) (local.get $byte))
            (local.set $from (i32.add (local.get $from) (i32.const 1)))
            (local.set $to (i32.sub (local.get $to) (i32.const 1)))
            (br $next)))))"#;

/// Runs one record through a handler that can use `module`, and gives the text that it returned.
fn run(module: &str, body: &str) -> String {
    let code = format!("import module from './module.wasm'; export default function (record, ctx) {{ {body} }}");
    text(wasm(module, &code))
}

fn text(load: Load) -> String {
    Worker::with(load).one(Record::new("x")).outputs()[0].text().to_owned()
}

fn prepare(files: &[(&str, &[u8])]) -> Result<Bundle, Box<Problem>> {
    Worker::start().prepare_bytes(files).result.map_err(Box::new)
}

#[test]
fn an_import_gives_a_module_that_can_be_instantiated() {
    let body =
        "return new WebAssembly.Instance(module).exports.add(40, 2) + ' ' + (module instanceof WebAssembly.Module)
        + ' ' + WebAssembly.Module.exports(module)[0].name + ' ' + module;";
    assert_eq!(run(ADD, body), "42 true add [object WebAssembly.Module]");
}

#[test]
fn instantiate_takes_a_module_and_answers_with_an_instance() {
    let code = "import module from './module.wasm';
        const instance = await WebAssembly.instantiate(module);
        export default async () => {
          const other = await WebAssembly.instantiate(module, {});
          return `${instance.exports.add(1, 2)} ${other.exports.add(3, 4)} ${other instanceof WebAssembly.Instance}`;
        };";
    assert_eq!(text(wasm(ADD, code)), "3 7 true");
}

#[test]
fn bytes_go_in_and_out_through_memory() {
    let code = "import module from './module.wasm';
        const { memory, reverse } = new WebAssembly.Instance(module).exports;
        export default (record) => {
          const bytes = record.bytes();
          const view = new Uint8Array(memory.buffer, 0, bytes.length);
          view.set(bytes);
          reverse(bytes.length);
          return view;
        };";
    let mut worker = Worker::with(wasm(REVERSE, code));
    for value in [&b"\x00\x01\xfe\xff"[..], b"abc", b"x"] {
        let reversed: Vec<u8> = value.iter().rev().copied().collect();
        assert_eq!(worker.one(Record::new(value)).outputs(), [Output::value(reversed)]);
    }
}

#[test]
fn what_modules_import_is_called_and_belongs_to_the_invocation() {
    let module = r#"(module
        (import "host" "emit" (func $emit (param i32)))
        (func (export "run") (call $emit (i32.const 1)) (call $emit (i32.const 2))))"#;
    let body = "new WebAssembly.Instance(module, { host: { emit: (n) => ctx.emit(`emitted ${n}`) } }).exports.run();";
    let code = format!("import module from './module.wasm'; export default function (record, ctx) {{ {body} }}");
    let settled = Worker::with(wasm(module, &code)).one(Record::new("x"));
    assert_eq!(settled.outputs(), [Output::value("emitted 1"), Output::value("emitted 2")]);
}

#[test]
fn a_dynamic_import_gives_the_same_module() {
    let code = "import module from './module.wasm';
        export default async () => {
          const { default: other } = await import('./module.wasm');
          return `${other === module} ${(await WebAssembly.instantiate(other)).exports.add(2, 3)}`;
        };";
    assert_eq!(text(wasm(ADD, code)), "true 5");
}

#[test]
fn a_module_is_imported_without_a_type() {
    for import in
        ["import('./module.wasm', { with: { type: 'json' } })", "import('./module.wasm', { with: { type: 'text' } })"]
    {
        let code = format!("export default async () => {{ await {import}; }};");
        let settled = Worker::with(wasm(ADD, &code)).one(Record::new("x"));
        assert!(settled.failed().message.contains("\"module.wasm\" cannot be imported with a type"), "{import}");
    }
    let code = "export default async () => { await import('./other.js', { with: { type: 'webassembly' } }); };";
    let mut load = wasm(ADD, code);
    load.bundle.modules.extend(
        function("")
            .bundle
            .modules
            .into_iter()
            .map(|module| eddyline::protocol::control::Module { path: "other.js".to_owned(), ..module }),
    );
    let settled = Worker::with(load).one(Record::new("x"));
    assert!(settled.failed().message.contains("\"other.js\" cannot be imported with a type"), "{settled:?}");
}

#[test]
fn a_trap_is_an_error_that_says_where() {
    let module = r#"(module $readings (func $fail (export "fail") unreachable))"#;
    let code = "import module from './module.wasm';
        const { fail } = new WebAssembly.Instance(module).exports;
        export default function handle() { fail(); }";
    let mut worker = Worker::with(wasm(module, code));
    let settled = worker.one(Record::new("x"));
    let failed = settled.failed();
    assert_eq!((failed.outcome, &failed.message[..]), (Outcome::Failed, "RuntimeError: unreachable"));
    let lines: Vec<&str> = failed.stack.lines().collect();
    assert!(lines[0].starts_with("    at fail (wasm://wasm/readings-"), "{lines:?}");
    assert_eq!(lines[1], "    at handle (index.js:3:44)");
    assert_eq!(worker.one(Record::new("x")).failed().outcome, Outcome::Failed);
}

const FROM_BYTES: &str = "code comes only from .wasm files in the function's folder";

#[test]
fn code_never_comes_from_bytes() {
    const BYTES: &str = "const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);";
    for way in [
        "new WebAssembly.Module(bytes)",
        "WebAssembly.compile(bytes)",
        "WebAssembly.instantiate(bytes)",
        "WebAssembly.instantiate(bytes.buffer, {})",
        "WebAssembly.compileStreaming(Promise.resolve(bytes))",
        "WebAssembly.instantiateStreaming(bytes)",
        "WebAssembly.validate(bytes)",
        "new (class extends WebAssembly.Module {})(bytes)",
        "Reflect.construct(WebAssembly.Module, [bytes])",
        "new WebAssembly.Module.prototype.constructor(bytes)",
        "new module.constructor(bytes)",
        "new (Object.getPrototypeOf(module).constructor)(bytes)",
    ] {
        let code = format!(
            "import module from './module.wasm'; export default async () => {{ {BYTES} return typeof await {way}; }};"
        );
        let settled = Worker::with(wasm(ADD, &code)).one(Record::new("x"));
        let failed = settled.failed();
        assert!(
            failed.message.starts_with("CompileError: ") && failed.message.contains(FROM_BYTES),
            "{way}: {failed:?}"
        );
    }
    // What `Object.getPrototypeOf` of the constructor gives makes no modules either.
    let code = "export default () => new (Object.getPrototypeOf(WebAssembly.Module))(new Uint8Array(8));";
    assert!(Worker::with(function(code)).one(Record::new("x")).failed().message.contains("TypeError"));
}

#[test]
fn functions_without_modules_have_the_names_and_no_way_to_code() {
    let body = "return Object.getOwnPropertyNames(WebAssembly).sort().join(' ');";
    let names = "CompileError Exception Global Instance JSTag LinkError Memory Module RuntimeError Table Tag \
        compile compileStreaming instantiate instantiateStreaming validate";
    assert_eq!(text(handler(body)), names);
    let code = "const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]); await WebAssembly.instantiate(bytes);";
    assert!(Worker::with(async_handler(code)).one(Record::new("x")).failed().message.contains(FROM_BYTES));
    let kinds = "const { Memory, Table, Global } = WebAssembly; return [new Memory({ initial: 1 }).buffer.byteLength,
        new Table({ initial: 2, element: 'anyfunc' }).length, new Global({ value: 'i32' }, 7).value];";
    assert_eq!(text(handler(kinds)), "[65536,2,7]");
}

#[test]
fn constructors_of_v8_are_nowhere_to_be_found() {
    let module = r#"(module (memory (export "memory") 1))"#;
    let body = "const instance = new WebAssembly.Instance(module);
        const { memory } = instance.exports;
        const same = [
          instance.constructor === WebAssembly.Instance, Object.getPrototypeOf(instance).constructor === WebAssembly.Instance,
          memory.constructor === WebAssembly.Memory, memory instanceof WebAssembly.Memory,
          WebAssembly.Memory.prototype.constructor === WebAssembly.Memory, module.constructor === WebAssembly.Module,
          Reflect.ownKeys(WebAssembly.Memory.prototype).filter((name) => typeof name === 'string').sort().join() ===
            'buffer,constructor,grow',
        ];
        return same.every(Boolean) ? 'same' : same;";
    assert_eq!(run(module, body), "same");
}

#[test]
fn tampering_does_not_reach_what_is_made_later() {
    let body = "
        Array.prototype[Symbol.iterator] = function* () { throw new Error('bent'); };
        Function.prototype.bind = () => { throw new Error('bent'); };
        Object.defineProperty = Reflect.construct = Reflect.ownKeys = () => { throw new Error('bent'); };
        Object.prototype.maximum = 65536;
        Object.prototype.shared = true;
        const memory = new WebAssembly.Memory({ initial: 1, shared: false, maximum: undefined });
        try { memory.grow(65000); } catch (error) { return error.name; }";
    assert_eq!(text(handler(body)), "RangeError");
}

#[test]
fn a_full_stack_leaves_no_way_to_v8s_constructors() {
    let body = "
        const found = [];
        const look = () => { try { found.push(WebAssembly); } catch {} };
        const dive = () => { try { dive(); } catch {} look(); };
        dive();
        return found.length > 0 && found.every((one) => one === WebAssembly) && !('promising' in WebAssembly) ? 'bent' : 'raw';";
    assert_eq!(text(handler(body)), "bent");
}

/// The code of a problem, with a part of its message.
fn refused(bytes: &[u8], part: &str) {
    let index = b"import module from './lib/module.wasm'; export default () => module;";
    let problem = prepare(&[("index.js", index), ("lib/module.wasm", bytes)]).unwrap_err();
    assert_eq!((&problem.code[..], problem.file.as_deref()), ("E1207", Some("lib/module.wasm")), "{problem:?}");
    assert!(problem.message.contains(part) && problem.hint.is_some(), "{problem:?}");
    // A worker does not take the preparing process at its word.
    let mut load = function("import module from './lib/module.wasm'; export default () => module;");
    load.bundle.modules.push(binary("lib/module.wasm", bytes));
    let problem = Worker::start().load(1, &load).result.unwrap_err();
    assert!(problem.message.contains(part), "{problem:?}");
}

#[test]
fn modules_that_cannot_run_are_refused_when_they_are_prepared() {
    let text = |wat: &str| wat::parse_str(wat).unwrap();
    refused(b"// not a module", "is no WebAssembly module");
    refused(b"\0asm\x0d\0\x01\0", "is a WebAssembly component");
    refused(&text(ADD)[..20], "is broken");
    let mut wrong = text(ADD);
    *wrong.last_mut().unwrap() = 0xff;
    refused(&wrong, "cannot be compiled");
    refused(&text("(module (memory 1 2 shared))"), "shared between threads");
    refused(&text(r#"(module (import "a" "b" (memory 1 2 shared)))"#), "shared between threads");
    refused(&text("(module (memory 897))"), "needs 57408 KiB of memory to begin with");
    refused(&text(r#"(module (import "a" "b" (memory 2000)))"#), "needs 128000 KiB of memory");
    refused(&text("(module (memory 500) (memory 500))"), "needs 64000 KiB");
    refused(&text(&format!("(module {})", "(memory 0)".repeat(17))), "has 17 memories, and 16 are allowed");
    refused(&text(&format!("(module {})", "(table 1 funcref)".repeat(17))), "has 17 tables, and 16 are allowed");
    refused(&text("(module (table 300000 funcref))"), "cannot be compiled");
}

#[test]
fn a_new_version_brings_its_own_module() {
    let code = "import module from './module.wasm'; export default () => String(new WebAssembly.Instance(module).exports.n());";
    let version = |n: u32| wasm(&format!(r#"(module (func (export "n") (result i32) i32.const {n}))"#), code);
    let mut worker = Worker::with(version(1));
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("1")]);
    worker.unload();
    worker.unloaded();
    assert!(worker.load(1, &version(2)).result.is_ok());
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("2")]);
}

#[test]
fn prepared_modules_run_as_they_lie_in_the_folder() {
    let bytes = wat::parse_str(REVERSE).unwrap();
    let index = b"import module from './lib/my module.wasm';
        const { memory, reverse } = new WebAssembly.Instance(module).exports;
        export default (record): Uint8Array => { new Uint8Array(memory.buffer).set(record.bytes()); reverse(3); return new Uint8Array(memory.buffer, 0, 3); };";
    let bundle = prepare(&[("index.ts", index), ("lib/my module.wasm", &bytes), ("unused.wasm", b"nothing")]).unwrap();
    assert_eq!(bundle.modules.len(), 2);
    let mut worker = Worker::with(Load { bundle, ..function("") });
    assert_eq!(worker.one(Record::new("abc")).outputs(), [Output::value("cba")]);
}

/// The files of a sample function.
fn sample(name: &str, files: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("functions").join(name);
    files.iter().map(|file| ((*file).to_owned(), std::fs::read(folder.join(file)).unwrap())).collect()
}

/// Days as the CSV has them, in the shape that the decoder gives them.
fn days_of(csv: &str, station: &str) -> Vec<Value> {
    let days = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let days = days.filter(|day| day[0] == station && day[1] < "2016");
    let number = |text: &str| text.parse::<f64>().unwrap();
    days.map(|day| {
        json!({ "date": day[1], "precipitation": number(day[2]), "temp_max": number(day[3]),
                "temp_min": number(day[4]), "wind": number(day[5]) })
    })
    .collect()
}

#[test]
fn the_sample_decodes_all_frames_of_its_data() {
    let files = sample("stations-decode", &["index.ts", "frames.wasm"]);
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (&path[..], &bytes[..])).collect();
    let mut worker = Worker::with(Load { bundle: prepare(&files).unwrap(), ..function("") });
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let frames = std::fs::read_to_string(data.join("frames.txt")).unwrap();
    let decode = |line: &str| STANDARD.decode(line.split_once('\t').unwrap().1).unwrap();
    let records: Vec<Record> = frames.lines().map(|line| Record::new(decode(line))).collect();
    worker.run(&records);
    let mut settled = worker.settled(421);
    settled.sort_by_key(|settled| settled.id);
    let refused: Vec<&str> = settled[418..].iter().map(|settled| &settled.failed().message[..]).collect();
    assert_eq!(
        refused,
        ["the frame's checksum is wrong", "the frame's checksum is wrong", "the frame's format is unknown"]
    );
    let weeks: Vec<Value> =
        settled[..418].iter().map(|settled| serde_json::from_str(settled.outputs()[0].text()).unwrap()).collect();
    let csv = std::fs::read_to_string(data.join("weather.csv")).unwrap();
    for station in ["Seattle", "New York"] {
        let of_station = weeks.iter().filter(|week| week["station"] == station);
        let days: Vec<Value> = of_station.flat_map(|week| week["days"].as_array().unwrap().clone()).collect();
        let expected = days_of(&csv, station);
        assert_eq!(days.len(), 1461);
        for (day, expected) in days.iter().zip(&expected) {
            for column in ["precipitation", "temp_max", "temp_min", "wind"] {
                assert_eq!(day[column].as_f64(), expected[column].as_f64(), "{day} {expected}");
            }
            assert_eq!(day["date"], expected["date"]);
        }
    }
}
