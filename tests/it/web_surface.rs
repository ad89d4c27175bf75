//! What handlers can reach: the globals of a list and nothing of the runtime below, no code but their own, no clock of
//! more than milliseconds, nothing of another function.

use serde::Deserialize;

use crate::support::snippets::check;
use crate::support::worker::{Record, Worker, function, handler, modules};

/// The language's own globals.
const LANGUAGE: [&str; 64] = [
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "AsyncDisposableStack",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "DataView",
    "Date",
    "DisposableStack",
    "Error",
    "EvalError",
    "FinalizationRegistry",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "Function",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "Intl",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "SuppressedError",
    "Symbol",
    "SyntaxError",
    "Temporal",
    "TypeError",
    "URIError",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakRef",
    "WeakSet",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "eval",
    "globalThis",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "undefined",
    "unescape",
];

/// The web's; those that need a word are in `docs/web-apis.md`.
const WEB: [&str; 66] = [
    "AbortController",
    "AbortSignal",
    "Blob",
    "ByteLengthQueuingStrategy",
    "CompressionStream",
    "CountQueuingStrategy",
    "Crypto",
    "CryptoKey",
    "CustomEvent",
    "DOMException",
    "DecompressionStream",
    "ErrorEvent",
    "Event",
    "EventTarget",
    "File",
    "FormData",
    "Headers",
    "MessageChannel",
    "MessageEvent",
    "MessagePort",
    "Navigator",
    "Performance",
    "PerformanceEntry",
    "PerformanceMark",
    "PerformanceMeasure",
    "PromiseRejectionEvent",
    "ReadableByteStreamController",
    "ReadableStream",
    "ReadableStreamBYOBReader",
    "ReadableStreamBYOBRequest",
    "ReadableStreamDefaultController",
    "ReadableStreamDefaultReader",
    "Request",
    "Response",
    "SubtleCrypto",
    "TextDecoder",
    "TextDecoderStream",
    "TextEncoder",
    "TextEncoderStream",
    "TransformStream",
    "TransformStreamDefaultController",
    "URL",
    "URLPattern",
    "URLSearchParams",
    "WebAssembly",
    "WritableStream",
    "WritableStreamDefaultController",
    "WritableStreamDefaultWriter",
    "atob",
    "btoa",
    "clearInterval",
    "clearTimeout",
    "console",
    "crypto",
    "fetch",
    "navigator",
    "onerror",
    "onrejectionhandled",
    "onunhandledrejection",
    "performance",
    "queueMicrotask",
    "reportError",
    "self",
    "setInterval",
    "setTimeout",
    "structuredClone",
];

#[derive(Deserialize)]
struct Found {
    bad: Vec<String>,
    reached: usize,
    globals: Vec<String>,
    frames: usize,
}

#[test]
fn all_that_can_be_reached_is_the_languages_and_the_webs() {
    let mut worker = Worker::with(function(include_str!("js/surface.js")));
    let settled = worker.one(Record::new("x"));
    let found: Found = serde_json::from_str(settled.outputs().last().unwrap().text()).unwrap();
    assert!(found.bad.is_empty(), "{:#?}", found.bad);
    let mut expected: Vec<&str> = LANGUAGE.into_iter().chain(WEB).collect();
    expected.sort_unstable();
    assert_eq!(found.globals, expected);
    // The walk has gone somewhere.
    assert!(found.reached > 2000 && found.frames > 30, "{} reached, {} frames", found.reached, found.frames);
}

#[test]
fn no_text_becomes_code() {
    check(
        "const tries = []; const note = (run) => { try { run(); tries.push('ran'); } catch (error) { tries.push(error.name); } };",
        &[(
            "eval and its kin",
            "globalThis.ran = false; const makers = [Function, (async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor, (class {}).constructor];
             for (const Maker of makers) { note(() => new Maker('globalThis.ran = true')()); note(() => Reflect.construct(Maker, ['ran = true'])); }
             note(() => eval('ran = true')); note(() => (0, eval)('ran = true')); note(() => setTimeout('ran = true', 0)); note(() => setInterval('ran = true', 0)); note(() => setTimeout({ toString: () => 'ran = true' }));
             await new Promise((resolve) => setTimeout(resolve, 5)); return [[...new Set(tries)], ran];",
            r#"[["EvalError","TypeError"],false]"#,
        )],
    );
}

#[test]
fn nothing_but_the_functions_own_files_is_imported() {
    let code = "
        const names = ['node:fs', 'fs', 'npm:left-pad', 'jsr:@std/fs', 'file:///etc/passwd', '/etc/passwd', 'data:text/javascript,export default 1', 'blob:null/1', 'https://example.com/x.js',
          'ext:core/ops', 'ext:core/mod.js', 'ext:deno_web/00_url.js', 'ext:eddyline/glue.js', 'checkin:x', '../index.js', '../../etc/passwd', './nothing.js', 'eddyline:///other/index.js', 'eddyline:///test/index.js', '', '.', './'];
        export default async function () {
          const found = [];
          for (const name of names) {
            for (const load of [() => import(name), () => import(name, { with: { type: 'json' } }), () => import(name, { with: { type: 'bytes' } }), () => import(name, { with: { type: 'text' } }), () => import.defer(name), () => import.source(name), () => import.meta.resolve(name)]) {
              try { const got = await load(); found.push(name + ' ' + String(got)); } catch (error) { if (!(error instanceof TypeError)) found.push(name + ' ' + error.name); }
            }
          }
          const own = (await import('./own.js')).default;
          let wrong; try { await import('./own.js', { with: { type: 'json' } }); } catch (error) { wrong = error.name; }
          return [found, own, wrong, Object.keys(import.meta).sort()];
        }";
    let mut worker = Worker::with(modules(&[("index.js", code), ("own.js", "export default 'mine';")]));
    let settled = worker.one(Record::new("x"));
    assert_eq!(settled.outputs()[0].text(), r#"[[],"mine","TypeError",["main","resolve","url"]]"#);
}

#[test]
fn what_shares_memory_or_loads_code_is_gone() {
    check(
        "",
        &[
            (
                "names",
                "return ['SharedArrayBuffer', 'Atomics', 'Worker', 'ShadowRealm', 'require', 'process', 'Deno', '__bootstrap', 'importScripts', 'gc', 'd8'].filter((name) => name in globalThis);",
                "[]",
            ),
            (
                "shared buffers by other ways",
                "const tries = []; for (const make of [() => structuredClone(new ArrayBuffer(1)).constructor.name, () => new ArrayBuffer(1, { maxByteLength: 2, shared: true }).constructor.name, () => Object.getPrototypeOf(Int8Array.prototype).constructor.name]) tries.push(make()); return tries;",
                r#"["ArrayBuffer","ArrayBuffer","TypedArray"]"#,
            ),
        ],
    );
}

#[test]
fn tampering_does_not_give_away_operations() {
    check(
        "",
        &[
            (
                "call and apply",
                "const caught = []; const note = (fn) => { if (typeof fn === 'function' && /op_/.test(String(fn) + fn.name)) caught.push(fn.name); };
                 const names = []; for (const change of [() => Function.prototype.call = note, () => Object.defineProperty(Function.prototype, 'call', { value: note })]) { try { change(); names.push('changed'); } catch (error) { names.push(error.name); } }
                 Function.prototype.apply = function () { note(this); }; Function.prototype.bind = function () { note(this); }; Promise.prototype.then = function () { note(this); };
                 Reflect.apply = note; Array.prototype.push = note; Map.prototype.get = function () { note(this); };
                 const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(1)); const { port1, port2 } = new MessageChannel(); port2.onmessage = () => {}; port1.postMessage(1);
                 const own = () => {}; own.call = 1; return [caught, names, digest.byteLength, own.call];",
                r#"[[],["TypeError","TypeError"],32,1]"#,
            ),
            (
                "setters for what loading scripts might leave behind",
                "const caught = []; for (const name of ['__bootstrap', 'Deno', 'core', 'ops']) for (const on of [globalThis, Object.prototype]) Object.defineProperty(on, name, { configurable: true, set(value) { caught.push(name); } });
                 console.log(new URLPattern(), crypto, performance); new CompressionStream('gzip'); new TextDecoderStream(); await crypto.subtle.digest('SHA-1', new Uint8Array()); return caught;",
                "[]",
            ),
            (
                "our own prototypes",
                "const prototypes = [record, record.headers, ctx, ctx.log].flatMap((object) => { const all = []; for (let at = Object.getPrototypeOf(object); at !== Object.prototype; at = Object.getPrototypeOf(at)) all.push(at); return all; });
                 return [prototypes.length >= 4, prototypes.every(Object.isFrozen), [record, record.headers, ctx, ctx.log].some((object) => object.constructor), Object.isFrozen(ctx.env), Object.isFrozen(ctx.function)];",
                "[true,true,false,true,true]",
            ),
        ],
    );
}

#[test]
fn functions_of_one_worker_share_nothing() {
    let mut worker = Worker::start();
    let code = "globalThis.mark = (globalThis.mark ?? 0) + 1; Object.prototype.left ??= record.text(); Symbol.for('shared'); return [mark, ({}).left];";
    worker.load(1, &handler(code));
    worker.load(2, &handler(code));
    assert_eq!(worker.one_in(1, Record::new("a")).outputs()[0].text(), r#"[1,"a"]"#);
    assert_eq!(worker.one_in(2, Record::new("b")).outputs()[0].text(), r#"[1,"b"]"#);
    assert_eq!(worker.one_in(1, Record::new("c")).outputs()[0].text(), r#"[2,"a"]"#);
}
