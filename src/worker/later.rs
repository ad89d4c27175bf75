//! Parts of the web APIs that few functions use and that are large: streams, and what belongs to `fetch`. They are not in
//! the snapshot; each isolate loads them when it first touches one of their globals.
//!
//! Until then such a global is a data property whose value V8 asks for when somebody looks, so that a handler sees no
//! difference.

use deno_core::op2;
use deno_core::v8::{self, MapFnTo};

use super::script::Script;

include!(concat!(env!("OUT_DIR"), "/later_scripts.rs"));

/// A function that evaluates the script to its exports, given the runtime that the script sees; undefined for a script
/// that is in the snapshot.
#[op2]
pub fn op_later_script<'s>(scope: &mut v8::PinScope<'s, '_>, #[string] name: &str) -> v8::Local<'s, v8::Value> {
    let script = LATER.iter().find(|script| script.name() == name);
    // Where there is no stack left, what V8 has thrown goes on to the caller.
    let function = script.and_then(|script| script.function(scope, "__bootstrap"));
    function.map_or_else(|| v8::undefined(scope).into(), Into::into)
}

/// Makes globals whose values are what `make` returns for their names.
#[op2(nofast)]
pub fn op_later_globals<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    names: v8::Local<'s, v8::Array>,
    make: v8::Local<'s, v8::Function>,
) {
    let global = scope.get_current_context().global(scope);
    let maker = maker(scope);
    global.set_private(scope, maker, make.into());
    for index in 0..names.length() {
        let Some(name) = names.get_index(scope, index).and_then(|name| name.try_cast::<v8::Name>().ok()) else {
            return;
        };
        let effect = || v8::SideEffectType::HasSideEffect;
        let (data, hidden) = (v8::undefined(scope).into(), v8::PropertyAttribute::DONT_ENUM);
        global.set_lazy_data_property_with_data(scope, name, value, data, hidden, effect(), effect());
    }
}

/// Where the global object keeps what makes the values: in a snapshot, properties themselves can have nothing of a context.
fn maker<'s>(scope: &mut v8::PinScope<'s, '_>) -> v8::Local<'s, v8::Private> {
    let name = v8::String::new(scope, "eddyline later");
    v8::Private::for_api(scope, name)
}

fn value<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: v8::Local<'s, v8::Name>,
    _: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) {
    let (global, maker) = (scope.get_current_context().global(scope), maker(scope));
    let make = global.get_private(scope, maker).and_then(|make| make.try_cast::<v8::Function>().ok());
    let receiver = v8::undefined(scope).into();
    if let Some(value) = make.and_then(|make| make.call(scope, receiver, &[name.into()])) {
        result.set(value);
    }
}

/// By this a snapshot knows [`value`].
pub fn reference() -> v8::ExternalReference {
    let getter: v8::AccessorNameGetterCallback = value.map_fn_to();
    v8::ExternalReference { pointer: getter as *mut std::ffi::c_void }
}
