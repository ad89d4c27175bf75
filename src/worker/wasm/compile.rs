//! From a `.wasm` file to the `WebAssembly.Module` that its import gives.

use deno_core::{CustomModuleEvaluationKind, ModuleSourceCode, v8};
use deno_error::JsErrorBox;

use super::binary;
use crate::worker::loader;

/// The type under which the loader hands over binary modules. An import says `with { type: … }` only within the loader.
pub const TYPE: &str = "webassembly";
/// Modules carry what their memories begin with under this name, where JavaScript can neither read nor write it.
const DEMAND_KEY: &str = "eddyline#demand";

/// Compiles a module with memories of at most `allowed` bytes.
pub fn compile(
    scope: &mut v8::PinScope<'_, '_>,
    allowed: u64,
    name: &str,
    code: &ModuleSourceCode,
) -> Result<CustomModuleEvaluationKind, JsErrorBox> {
    let wrong = |message: String| JsErrorBox::type_error(format!("{:?} {message}", loader::shown(name)));
    let bounded = binary::bound(code.as_bytes(), allowed).map_err(|refusal| wrong(refusal.to_string()))?;
    v8::tc_scope!(let scope, scope);
    let Some(module) = v8::WasmModuleObject::compile(scope, &bounded.bytes) else {
        let reason = scope.message().map(|message| message.get(scope).to_rust_string_lossy(scope));
        return Err(wrong(format!("cannot be compiled: {}", reason.unwrap_or_default())));
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
