//! Turns a function's folder into a bundle: compiles what its entry reaches, evaluates it once, and says what is wrong.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::blank::{Blank, Size};
use super::outbox::Outbox;
use super::problem::{at, problem};
use super::typescript::{self, Compiled, Place};
use super::wasm::binary;
use super::{isolate, loader, loading};
use crate::protocol::control::{Bundle, Code, Handler, Limits, Load, Module, Prepare, Prepared, Problem, SourceFile};

const WASM: &str = ".wasm";
/// Timers, and calls to the host, that are open at once while the modules are evaluated.
const PENDING: u32 = 1000;

/// Answers a `Prepare`. The calling thread must be fit for an isolate.
pub fn run(request: Prepare, outbox: &Arc<Outbox>) -> Prepared {
    let id = request.id;
    Prepared { id, result: bundle(request, outbox).map_err(|problem| *problem) }
}

fn bundle(request: Prepare, outbox: &Arc<Outbox>) -> Result<Bundle, Box<Problem>> {
    let (modules, default_export) = reach(&request)?;
    let bundle = Bundle { entry: request.entry.clone(), modules, handler: Handler::Record };
    let load = trial(&request, bundle);
    let handler = evaluate(&load, outbox).map_err(|problem| placed(problem, default_export))?;
    Ok(Bundle { handler, ..load.bundle })
}

/// Compiles the entry and all that it imports, directly or not.
fn reach(request: &Prepare) -> Result<(Vec<Module>, Option<Place>), Box<Problem>> {
    let files: HashMap<&str, &SourceFile> = request.files.iter().map(|file| (&file.path[..], file)).collect();
    if !files.contains_key(&request.entry[..]) {
        let message = format!("the function has no module {:?}", request.entry);
        return Err(problem("E1201", message, None, "put the handler into index.ts, index.js or index.mjs"));
    }
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let mut default_export = None;
    let mut queue = VecDeque::from([request.entry.clone()]);
    while let Some(path) = queue.pop_front() {
        if modules.contains_key(&path) {
            continue;
        }
        let Some(file) = files.get(&path[..]) else { continue };
        if path.ends_with(WASM) {
            modules.insert(path.clone(), wasm(file, request.external_bytes)?);
            continue;
        }
        let text = text(file)?;
        let compiled = compile(&request.function, &path, text)?;
        if path == request.entry {
            default_export = compiled.default_export;
        }
        for import in &compiled.imports {
            let found = loader::resolve(&path, &import.specifier, |path| files.contains_key(path));
            let found = found.map_err(|error| {
                let problem = problem("E1203", error.to_string(), Some(&path), error.hint());
                at(problem, import.place.line, import.place.column)
            })?;
            queue.push_back(found);
        }
        let Compiled { code, source_map, .. } = compiled;
        modules.insert(path.clone(), Module { path, code: Code::Text(code), source_map });
    }
    Ok((modules.into_values().collect(), default_export))
}

/// A WebAssembly module, kept as it is: it is bounded where it is compiled, out of reach of what runs here.
fn wasm(file: &SourceFile, external: u64) -> Result<Module, Box<Problem>> {
    binary::bound(&file.bytes, external).map_err(|refusal| {
        let message = format!("{:?} {refusal}", file.path);
        problem("E1207", message, Some(&file.path), refusal.hint())
    })?;
    Ok(Module { path: file.path.clone(), code: Code::Binary(file.bytes[..].into()), source_map: None })
}

fn text(file: &SourceFile) -> Result<&str, Box<Problem>> {
    let text = std::str::from_utf8(&file.bytes).map_err(|error| {
        let message = format!("byte {} is not UTF-8", error.valid_up_to());
        problem("E1202", message, Some(&file.path), "save the file as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn compile(function: &str, path: &str, text: &str) -> Result<Compiled, Box<Problem>> {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("ts" | "mts" | "js" | "mjs") => typescript::compile(function, path, text),
        Some("json") => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| {
                let problem =
                    problem("E1202", format!("not JSON: {error}"), Some(path), "check the file with a JSON tool");
                at(problem, error.line() as u32, error.column() as u32)
            })?;
            Ok(Compiled { code: text.to_owned(), source_map: None, imports: Vec::new(), default_export: None })
        }
        _ => {
            let hint = "modules end in .ts, .mts, .js, .mjs, .json or .wasm";
            Err(problem("E1203", format!("{path:?} is no module"), Some(path), hint))
        }
    }
}

/// The function as it would be loaded, with nothing to write to.
fn trial(request: &Prepare, bundle: Bundle) -> Load {
    Load {
        function: request.function.clone(),
        version: 0,
        bundle,
        topics: Vec::new(),
        env: request.env.clone(),
        limits: Limits {
            cpu_ms: request.load_ms,
            wall_ms: request.load_ms,
            heap_bytes: request.heap_bytes,
            external_bytes: request.external_bytes,
            output_bytes: 0,
            results: 0,
            log_bytes: 0,
            timers: PENDING,
            fetches: PENDING,
            load_ms: request.load_ms,
        },
        stop_on_failure: false,
    }
}

/// Loads the function once, to see that it can be loaded and what its handler is.
fn evaluate(load: &Load, outbox: &Arc<Outbox>) -> Result<Handler, Box<Problem>> {
    let (native, runtime) = isolate::place();
    runtime.block_on(async {
        let blank = Blank::make(Size::of(&load.limits), native).map_err(loading::internal)?;
        loading::prepare(blank, 0, load, outbox).await.map(|ready| ready.handler)
    })
}

/// A wrong default export is shown where it stands.
fn placed(problem: Box<Problem>, default_export: Option<Place>) -> Box<Problem> {
    match default_export {
        Some(Place { line, column }) if problem.code == "E1205" && problem.line.is_none() => at(problem, line, column),
        _ => problem,
    }
}
