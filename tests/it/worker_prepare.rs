//! From a function's folder to modules, and what people are told when that fails.

use eddyline::protocol::control::{Bundle, Handler, Load, Problem};

use crate::support::worker::{Output, Record, Worker, function};

fn prepare(files: &[(&str, &str)]) -> Result<Bundle, Box<Problem>> {
    Worker::start().prepare(files).result.map_err(Box::new)
}

fn problem(files: &[(&str, &str)]) -> Problem {
    *prepare(files).unwrap_err()
}

/// The code, line and column of a problem.
fn place(problem: &Problem) -> (&str, Option<u32>, Option<u32>) {
    (&problem.code, problem.line, problem.column)
}

fn load(bundle: Bundle) -> Load {
    Load { bundle, ..function("") }
}

#[test]
fn typescript_with_imports_of_its_own_files_runs() {
    let bundle = prepare(&[
        ("index.ts", "import { double } from './lib/math';\nimport rates from './rates.json' with { type: 'json' };\nimport type { Order } from './types';\nexport default (record: any): number => double((record.json() as Order).a) * rates.factor;"),
        ("lib/math.ts", "import { one } from '../one.js';\nexport const double = (n: number): number => n * 2 * one;"),
        ("one.js", "export const one = 1;"),
        ("rates.json", "{ \"factor\": 10 }"),
        ("types.ts", "export interface Order { a: number }"),
        ("unused.ts", "this is no code"),
    ])
    .unwrap();
    let paths: Vec<&str> = bundle.modules.iter().map(|module| &module.path[..]).collect();
    assert_eq!(paths, ["index.ts", "lib/math.ts", "one.js", "rates.json"]);
    let mut worker = Worker::with(load(bundle));
    assert_eq!(worker.one(Record::new(r#"{"a":3}"#)).outputs(), [Output::value("60")]);
}

#[test]
fn stack_traces_name_the_users_own_lines() {
    let bundle = prepare(&[
        ("index.ts", "interface Order {\n  a: number;\n}\n\nimport { fail } from './fail.ts';\nexport default function handle(record: any) {\n  fail(record.json() as Order);\n}\n"),
        ("fail.ts", "type Unused = {\n  x: string;\n};\nexport function fail(order: unknown): never {\n  throw new Error('no');\n}\n"),
    ])
    .unwrap();
    let settled = Worker::with(load(bundle)).one(Record::new("{}"));
    assert_eq!(settled.failed().stack, "    at fail (fail.ts:5:9)\n    at handle (index.ts:7:3)");
}

#[test]
fn the_kind_of_handler_is_found() {
    for (code, handler) in [
        ("export default function (record) {}", Handler::Record),
        ("export default async (record) => {};", Handler::Record),
        ("export default { record() {} };", Handler::Record),
        ("export default { batch() {}, timer() {} };", Handler::Batch),
        ("export default new (class { record() {} })();", Handler::Record),
    ] {
        assert_eq!(prepare(&[("index.js", code)]).unwrap().handler, handler, "{code}");
    }
}

#[test]
fn a_default_export_of_the_wrong_kind_is_shown_where_it_stands() {
    for code in [
        "export default 5;",
        "export default null;",
        "export default [];",
        "export default {};",
        "export default { record: 1 };",
        "export default { record() {}, batch() {} };",
        "export default { fetch() {} };",
    ] {
        let problem = problem(&[("index.js", &format!("const a = 1;\n{code}"))]);
        assert_eq!(place(&problem), ("E1205", Some(2), Some(1)), "{code}");
        assert!(problem.hint.is_some());
    }
    assert_eq!(problem(&[("index.js", "export const a = 1;")]).code, "E1205");
}

#[test]
fn a_missing_entry_is_said() {
    let mut worker = Worker::start();
    let request = eddyline::protocol::control::Prepare {
        id: 3,
        function: "test".to_owned(),
        files: Vec::new(),
        entry: "index.ts".to_owned(),
        load_ms: 1000,
        heap_bytes: 64 << 20,
        external_bytes: 64 << 20,
        env: Default::default(),
    };
    worker.send_control(eddyline::protocol::Kind::Prepare, 0, &request);
    let prepared: eddyline::protocol::control::Prepared =
        eddyline::protocol::control::decode(&worker.receive(eddyline::protocol::Kind::Prepared)).unwrap();
    assert_eq!((prepared.id, prepared.result.unwrap_err().code), (3, "E1201".to_owned()));
}

#[test]
fn a_syntax_error_is_shown_where_it_stands() {
    let problem = problem(&[("index.ts", "export default (record) => {\n  const = 5;\n};")]);
    assert_eq!((place(&problem), problem.file.as_deref()), (("E1202", Some(2), Some(9)), Some("index.ts")));
}

#[test]
fn imports_of_anything_but_own_files_are_refused_where_they_stand() {
    for import in ["lodash", "node:fs", "npm:x", "https://example.com/a.js", "/etc/x.js", "../up.js", "./missing.js"] {
        let problem =
            problem(&[("index.ts", &format!("// first\nimport x from '{import}';\nexport default () => x;"))]);
        assert_eq!(place(&problem), ("E1203", Some(2), Some(15)), "{import}");
        assert!(problem.message.contains(import) && problem.hint.is_some(), "{problem:?}");
    }
}

#[test]
fn an_error_at_load_is_shown_in_the_users_own_line() {
    let problem =
        problem(&[("index.ts", "interface A {}\n\nconst a: any = undefined;\na.b.c;\nexport default () => {};")]);
    assert_eq!((place(&problem), problem.file.as_deref()), (("E1204", Some(4), Some(3)), Some("index.ts")));
    assert_eq!(problem.message, "TypeError: Cannot read properties of undefined (reading 'b')");
}

#[test]
fn loading_has_limits_of_time_and_memory() {
    for code in [
        "for (;;);",
        "await new Promise((done) => setTimeout(done, 100_000));",
        "const a = []; for (;;) a.push([1, 2, 3]);",
    ] {
        assert_eq!(problem(&[("index.js", &format!("{code}\nexport default () => {{}};"))]).code, "E1206", "{code}");
    }
}

#[test]
fn a_top_level_await_that_nothing_can_end_is_said_at_once() {
    let problem = problem(&[("index.js", "await new Promise(() => {});\nexport default () => {};")]);
    assert_eq!((&problem.code[..], problem.message.contains("never resolved")), ("E1204", true), "{problem:?}");
}

#[test]
fn a_dynamic_import_reaches_own_files_alone() {
    let bundle = prepare(&[
        (
            "index.js",
            "export default async (record) => (await import(record.text() === 'x' ? './a.js' : record.text())).a;",
        ),
        ("a.js", "export const a = 'own';"),
    ])
    .unwrap();
    assert_eq!(bundle.modules.len(), 1);
    let bundle = prepare(&[
        ("index.js", "export default async (record) => (record.text() === 'x' ? await import('./a.js') : await import(record.text())).a;"),
        ("a.js", "export const a = 'own';"),
    ])
    .unwrap();
    let mut worker = Worker::with(load(bundle));
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("own")]);
    assert!(worker.one(Record::new("node:fs")).failed().message.contains("not allowed"));
    assert!(worker.one(Record::new("file:///etc/passwd")).failed().message.contains("not allowed"));
}

#[test]
fn large_modules_of_one_length_are_not_taken_for_one_another() {
    let padding: String =
        (0..1000).map(|n| format!("export function f{n}(order) {{ return order.total * 2; }}\n")).collect();
    let code = |result: &str| function(&format!("{padding} export default () => '{result}';"));
    let mut worker = Worker::start();
    for (channel, result) in [(1, "one"), (2, "two"), (3, "one"), (4, "two")] {
        assert!(worker.load(channel, &code(result)).result.is_ok());
        worker.run_in(channel, &[((channel.into(), 1, 1), &[Record::new("x")])]);
        assert_eq!(worker.settled(1)[0].outputs(), [Output::value(result)]);
    }
}
