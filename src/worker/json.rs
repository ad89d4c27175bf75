//! JSON texts by the engine's own `JSON.stringify`, as it was before any handler could replace it.
//!
//! V8's interface for embedders writes the same texts, but always with an indentation, if an empty one, and so never by
//! the fast path that the function of JavaScript takes.

use std::cell::OnceCell;

use deno_core::v8;

#[derive(Default)]
pub struct Stringify(OnceCell<v8::Global<v8::Function>>);

impl Stringify {
    /// Must come before anything is written.
    pub fn set(&self, function: v8::Global<v8::Function>) {
        let _ = self.0.set(function);
    }

    /// The text; undefined for what has none. `None` when something was thrown, which may be the handler's own code's.
    pub fn call<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        value: v8::Local<'s, v8::Value>,
    ) -> Option<v8::Local<'s, v8::Value>> {
        let function = v8::Local::new(scope, self.0.get()?);
        let receiver = v8::undefined(scope).into();
        function.call(scope, receiver, &[value])
    }
}
