//! The names of the WinterTC Minimum Common API: the table of `docs/web-apis.md` says which are there, and is right.

use std::collections::BTreeMap;

use crate::support::worker::{Record, Worker, handler};

/// The standard's interfaces, then its functions and properties of the global object.
const STANDARD: [&str; 62] = [
    "AbortController",
    "AbortSignal",
    "Blob",
    "ByteLengthQueuingStrategy",
    "CompressionStream",
    "CountQueuingStrategy",
    "Crypto",
    "CryptoKey",
    "CustomEvent",
    "DecompressionStream",
    "DOMException",
    "ErrorEvent",
    "Event",
    "EventTarget",
    "File",
    "FormData",
    "Headers",
    "MessageChannel",
    "MessageEvent",
    "MessagePort",
    "Performance",
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
    "navigator.userAgent",
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

/// The rows of the table: what is there, and for what is not, why.
fn documented() -> BTreeMap<String, Result<(), String>> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/web-apis.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.trim_end_matches('`').to_owned();
        let there = match cells.next()? {
            "yes" => Ok(()),
            "no" => Err(cells.next().unwrap_or_default().to_owned()),
            other => panic!("{name} is neither there nor not: {other}"),
        };
        Some((name, there))
    });
    rows.collect()
}

#[test]
fn the_table_has_every_name_of_the_standard_and_a_reason_for_each_that_is_not_there() {
    let documented = documented();
    let names: Vec<&str> = documented.keys().map(String::as_str).collect();
    let mut standard = STANDARD.to_vec();
    standard.sort_unstable();
    assert_eq!(names, standard);
    let unexplained: Vec<_> =
        documented.iter().filter(|(_, there)| there.as_ref().is_err_and(String::is_empty)).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

#[test]
fn what_the_table_says_is_so() {
    let documented = documented();
    let checks: Vec<String> = documented.keys().map(|name| format!("[{name:?}, has({name:?})]")).collect();
    let body = format!(
        "const has = (name) => {{ let at = globalThis; for (const part of name.split('.')) {{ if (at === undefined || !(part in at)) return false; at = at[part]; }} return at !== undefined; }};
         return [{}].filter(([, there]) => there).map(([name]) => name).sort();",
        checks.join(", ")
    );
    let there: Vec<&str> = documented.iter().filter(|(_, there)| there.is_ok()).map(|(name, _)| &name[..]).collect();
    let mut worker = Worker::with(handler(&body));
    let settled = worker.one(Record::new("x"));
    let found: Vec<String> = serde_json::from_str(settled.outputs()[0].text()).unwrap();
    assert_eq!(found, there);
}
