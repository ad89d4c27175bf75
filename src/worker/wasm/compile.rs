//! From a `.wasm` file to the `WebAssembly.Module` that its import gives.

use deno_core::error::CoreErrorKind;
use deno_core::{CustomModuleEvaluationCb, CustomModuleEvaluationKind, ModuleSourceCode, v8};
use deno_error::{JsError, JsErrorBox};
use thiserror::Error;

use super::binary;
use crate::worker::loader;

/// The type under which the loader hands over binary modules. An import says `with { type: … }` only within the loader.
pub const TYPE: &str = "webassembly";
/// Modules carry what their memories begin with under this name, where JavaScript can neither read nor write it.
const DEMAND_KEY: &str = "eddyline#demand";

/// What deno_core asks for the modules of [`TYPE`], whose memories may have `allowed` bytes each.
pub fn evaluator(allowed: u64) -> CustomModuleEvaluationCb {
    Box::new(move |scope, _, name, code| compile(scope, allowed, name.as_str(), &code))
}

/// Why a file cannot be a module of its function.
#[derive(Debug, Error, JsError)]
#[class(type)]
#[error("{file:?} {reason}")]
pub struct Unfit {
    pub file: String,
    pub reason: String,
    pub hint: &'static str,
}

/// What is wrong with a WebAssembly module, if that is why loading failed.
pub fn unfit(error: &CoreErrorKind) -> Option<&Unfit> {
    match error {
        CoreErrorKind::JsBox(error) => error.get_inner_ref()?.downcast_ref(),
        CoreErrorKind::CouldNotExecute { error, .. } => unfit(error),
        _ => None,
    }
}

fn compile(
    scope: &mut v8::PinScope<'_, '_>,
    allowed: u64,
    name: &str,
    code: &ModuleSourceCode,
) -> Result<CustomModuleEvaluationKind, JsErrorBox> {
    let unfit = |reason: String, hint| {
        let file = loader::shown(name).to_owned();
        JsErrorBox::from_err(Unfit { file, reason, hint })
    };
    let bounded =
        binary::bound(code.as_bytes(), allowed).map_err(|refusal| unfit(refusal.to_string(), refusal.hint()))?;
    v8::tc_scope!(let scope, scope);
    let Some(module) = v8::WasmModuleObject::compile(scope, &bounded.bytes) else {
        let reason = scope.message().map(|message| message.get(scope).to_rust_string_lossy(scope)).unwrap_or_default();
        let reason = reason.strip_prefix("Uncaught CompileError: ").unwrap_or(&reason);
        let hint = "build the module again, for the features that V8 has by default";
        return Err(unfit(format!("cannot be compiled: {reason}"), hint));
    };
    let module: v8::Local<'_, v8::Object> = module.into();
    let demand = v8::Number::new(scope, bounded.initial as f64);
    let key = demand_key(scope);
    module.set_private(scope, key, demand.into());
    let module: v8::Local<'_, v8::Value> = module.into();
    Ok(CustomModuleEvaluationKind::Synthetic(v8::Global::new(scope, module)))
}

/// What the memories of a module begin with, in bytes; `None` for what is no module of ours.
pub fn demand(scope: &mut v8::PinScope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<u64> {
    let object = value.try_cast::<v8::Object>().ok()?;
    let key = demand_key(scope);
    let demand = object.get_private(scope, key)?.try_cast::<v8::Number>().ok()?;
    Some(demand.value() as u64)
}

fn demand_key<'s>(scope: &mut v8::PinScope<'s, '_>) -> v8::Local<'s, v8::Private> {
    let name = v8::String::new(scope, DEMAND_KEY);
    v8::Private::for_api(scope, name)
}

/// V8 asks this whenever JavaScript wants to make code of bytes. Modules of the folder are compiled without asking.
pub unsafe extern "C" fn never(_: v8::Local<'_, v8::Context>, _: v8::Local<'_, v8::String>) -> bool {
    false
}
