//! Evaluates a function's modules and finds the handler that they export.

use std::sync::Arc;
use std::time::Duration;

use deno_core::error::{CoreError, CoreErrorKind};
use deno_core::{ModuleSpecifier, PollEventLoopOptions, v8};

use super::clock;
use super::engine::Engine;
use super::failure;
use super::glue::Exported;
use super::limits::{Guard, Limit};
use super::loader;
use super::problem::{at, problem};
use super::wasm::compile;
use crate::protocol::control::{Handler, Problem};

/// Evaluates the modules of `function` within `load` and returns its handler.
pub async fn load(
    engine: &mut Engine,
    guard: &Arc<Guard>,
    function: &str,
    entry: &str,
    load: Duration,
) -> Result<Exported, Box<Problem>> {
    guard.set_limits(load, load);
    guard.begin(clock::now_ns());
    let evaluated = tokio::time::timeout(load, evaluate(engine, function, entry)).await;
    let namespace = match evaluated {
        Ok(Ok(namespace)) => find(engine, &namespace, entry),
        Ok(Err(error)) => Err(from_error(&error, entry)),
        Err(_) => Err(too_slow(entry, load)),
    };
    match guard.end() {
        None => namespace,
        Some(Limit::Memory) => Err(problem(
            "E1206",
            "loading the modules needs more memory than allowed",
            Some(entry),
            "build less while the module loads, or raise `heap` in [limits]",
        )),
        Some(Limit::Cpu | Limit::Wall) => Err(too_slow(entry, load)),
    }
}

fn too_slow(entry: &str, load: Duration) -> Box<Problem> {
    let message = format!("loading the modules takes longer than {} ms", load.as_millis());
    let hint = "move work from the module's top level into the handler, or raise `load` in [limits]";
    problem("E1206", message, Some(entry), hint)
}

async fn evaluate(engine: &mut Engine, function: &str, entry: &str) -> Result<v8::Global<v8::Object>, CoreError> {
    let runtime = &mut engine.runtime;
    let url = ModuleSpecifier::parse(&loader::specifier(function, entry))
        .map_err(|error| CoreErrorKind::Url(error).into_box())?;
    let id = runtime.load_main_es_module(&url).await?;
    let evaluated = runtime.mod_evaluate(id);
    runtime.with_event_loop_promise(Box::pin(evaluated), PollEventLoopOptions::default()).await?;
    runtime.get_module_namespace(id)
}

fn from_error(error: &CoreError, entry: &str) -> Box<Problem> {
    if let Some(unfit) = compile::unfit(&error.0) {
        return problem("E1207", unfit.to_string(), Some(&unfit.file), unfit.hint);
    }
    let hint = "the module's top level must not throw; it runs once for each isolate";
    let mut problem = problem("E1204", "", Some(entry), hint);
    let Some(error) = js_error(&error.0) else {
        problem.message = failure::bounded(&error.to_string(), 4 << 10);
        return problem;
    };
    problem.message = failure::message(error);
    if let Some((file, line, column)) = failure::place(error) {
        problem.file = Some(file);
        problem = at(problem, line, column);
    }
    problem.stack = Some(failure::stack(error)).filter(|stack| !stack.is_empty());
    problem
}

fn js_error(error: &CoreErrorKind) -> Option<&deno_core::error::JsError> {
    match error {
        CoreErrorKind::Js(error) => Some(error),
        CoreErrorKind::CouldNotExecute { error, .. } => js_error(error),
        _ => None,
    }
}

/// Looks at the default export.
fn find(engine: &mut Engine, namespace: &v8::Global<v8::Object>, entry: &str) -> Result<Exported, Box<Problem>> {
    let wrong = |message: String, hint: &str| problem("E1205", message, Some(entry), hint);
    const SHAPE: &str = "export default function (record, ctx) { … }, or an object with a method `record` or `batch`";
    deno_core::scope!(scope, engine.runtime);
    v8::tc_scope!(let scope, scope);
    let namespace = v8::Local::new(scope, namespace);
    let export = property(scope, namespace, "default");
    let Some(export) = export.filter(|export| !export.is_undefined()) else {
        return Err(wrong("the module has no default export".to_owned(), SHAPE));
    };
    if let Ok(function) = export.try_cast::<v8::Function>() {
        if is_class(scope, function) {
            return Err(wrong("the default export is a class, which cannot be called".to_owned(), SHAPE));
        }
        let function = v8::Global::new(scope, function);
        return Ok(Exported { kind: Handler::Record, function, receiver: None });
    }
    let object = match export.try_cast::<v8::Object>() {
        Ok(object) if !export.is_array() => object,
        _ => {
            let what = match export {
                export if export.is_null() => "null".to_owned(),
                export if export.is_array() => "an array".to_owned(),
                export => format!("a {}", export.type_of(scope).to_rust_string_lossy(scope)),
            };
            return Err(wrong(format!("the default export is {what}"), SHAPE));
        }
    };
    if property(scope, object, "fetch").is_some_and(|method| !method.is_undefined()) {
        let message = "the default export has a method `fetch`, which is not supported yet".to_owned();
        return Err(wrong(message, "leave `fetch` out; `record` or `batch` handle what arrives on topics"));
    }
    let record = property(scope, object, "record").filter(|method| !method.is_undefined());
    let batch = property(scope, object, "batch").filter(|method| !method.is_undefined());
    let (kind, name, method) = match (record, batch) {
        (Some(method), None) => (Handler::Record, "record", method),
        (None, Some(method)) => (Handler::Batch, "batch", method),
        (Some(_), Some(_)) => {
            let message = "the default export has both `record` and `batch`".to_owned();
            return Err(wrong(message, "keep one: `record` for one record at a time, `batch` for many"));
        }
        (None, None) => {
            return Err(wrong("the default export has neither `record` nor `batch`".to_owned(), SHAPE));
        }
    };
    let Ok(function) = method.try_cast::<v8::Function>() else {
        let what = method.type_of(scope).to_rust_string_lossy(scope);
        return Err(wrong(format!("`{name}` of the default export is a {what}, not a function"), SHAPE));
    };
    let function = v8::Global::new(scope, function);
    let receiver = v8::Global::new(scope, export);
    Ok(Exported { kind, function, receiver: Some(receiver) })
}

/// Whether a function is a class, by its source.
fn is_class(scope: &mut v8::PinScope<'_, '_>, function: v8::Local<'_, v8::Function>) -> bool {
    let text = function.to_string(scope).map(|text| text.to_rust_string_lossy(scope)).unwrap_or_default();
    text.strip_prefix("class").is_some_and(|rest| rest.starts_with(|next: char| next == '{' || next.is_whitespace()))
}

fn property<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let key = v8::String::new(scope, name)?;
    object.get(scope, key.into())
}
