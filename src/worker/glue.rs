//! The functions that `glue.js` made for us.

use std::collections::BTreeMap;

use deno_core::v8;

use super::engine::glue_function;
use crate::protocol::control::Handler;

pub struct Glue {
    /// Calls the handler, with the number of its first record and, for a batch, their count.
    pub call: v8::Global<v8::Function>,
    same: v8::Global<v8::Value>,
    number_of: v8::Global<v8::Function>,
    watch: v8::Global<v8::Function>,
    abort: v8::Global<v8::Function>,
    forget: v8::Global<v8::Function>,
}

/// What identifies a function to its handler.
pub struct Identity<'a> {
    pub function: &'a str,
    pub version: u64,
    pub env: &'a BTreeMap<String, String>,
    /// Timers of one invocation that may be open at once.
    pub timers: u32,
}

/// A handler as its module exports it.
pub struct Exported {
    pub kind: Handler,
    pub function: v8::Global<v8::Function>,
    /// The object that the function is a method of; none for a plain function.
    pub receiver: Option<v8::Global<v8::Value>>,
}

/// Gives handlers what stays the same for all invocations. Must come before the modules are evaluated.
pub fn start(
    scope: &mut v8::PinScope<'_, '_>,
    glue: &v8::Global<v8::Object>,
    identity: &Identity<'_>,
) -> Result<(), String> {
    let glue = v8::Local::new(scope, glue);
    let start = glue_function(scope, glue, "start")?;
    let text = |scope: &mut v8::PinScope<'_, '_>, text: &str| {
        v8::String::new(scope, text).map(|text| v8::Global::new(scope, text))
    };
    let json = serde_json::to_string(identity.env).map_err(|error| error.to_string())?;
    let env = text(scope, &json).ok_or("out of memory")?;
    let env = v8::Local::new(scope, env);
    let env = v8::json::parse(scope, env).ok_or("the environment cannot be passed on")?;
    let name = v8::String::new(scope, identity.function).ok_or("out of memory")?;
    let version = v8::Number::new(scope, identity.version as f64);
    let timers = v8::Integer::new_from_unsigned(scope, identity.timers);
    let receiver = v8::undefined(scope).into();
    start.call(scope, receiver, &[env, name.into(), version.into(), timers.into()]).ok_or("the glue does not start")?;
    Ok(())
}

impl Glue {
    pub fn new(
        scope: &mut v8::PinScope<'_, '_>,
        glue: &v8::Global<v8::Object>,
        handler: &Exported,
    ) -> Result<Glue, String> {
        let glue = v8::Local::new(scope, glue);
        let function = v8::Local::new(scope, &handler.function);
        let maker = match (handler.kind, &handler.receiver) {
            (Handler::Record, None) => "plainGlue",
            (Handler::Record, Some(_)) => "recordGlue",
            (Handler::Batch, _) => "batchGlue",
        };
        let maker = glue_function(scope, glue, maker)?;
        let undefined = v8::undefined(scope).into();
        let receiver = handler.receiver.as_ref().map_or(undefined, |receiver| v8::Local::new(scope, receiver));
        let call = maker.call(scope, undefined, &[function.into(), receiver]);
        let call = call.and_then(|call| call.try_cast::<v8::Function>().ok()).ok_or("the glue does not bind")?;
        let key = v8::String::new(scope, "same").ok_or("out of memory")?;
        let same = glue.get(scope, key.into()).ok_or("the glue has no mark")?;
        let same = v8::Global::new(scope, same);
        let mut function = |name| {
            let function = glue_function(scope, glue, name)?;
            Ok::<_, String>(v8::Global::new(scope, function))
        };
        Ok(Glue {
            number_of: function("numberOf")?,
            watch: function("watch")?,
            abort: function("abort")?,
            forget: function("forget")?,
            call: v8::Global::new(scope, call),
            same,
        })
    }

    /// Whether a value says "the record itself".
    pub fn is_same(&self, scope: &mut v8::PinScope<'_, '_>, value: v8::Local<'_, v8::Value>) -> bool {
        value.strict_equals(v8::Local::new(scope, &self.same))
    }

    /// The number of a record object, zero for anything else.
    pub fn number_of<'s>(&self, scope: &mut v8::PinScope<'s, '_>, value: v8::Local<'s, v8::Value>) -> u64 {
        let number = call(scope, &self.number_of, &[value]);
        number.and_then(|number| number.number_value(scope)).map_or(0, |number| number as u64)
    }

    /// Has `op_woken` called with `number` once the promise settles.
    pub fn watch<'s>(&self, scope: &mut v8::PinScope<'s, '_>, promise: v8::Local<'s, v8::Promise>, number: u64) {
        let number = v8::Number::new(scope, number as f64);
        call(scope, &self.watch, &[promise.into(), number.into()]);
    }

    /// Aborts the signal of an invocation that ran out of time, and ends its timers.
    pub fn abort(&self, scope: &mut v8::PinScope<'_, '_>, number: u64) {
        let number = v8::Number::new(scope, number as f64);
        call(scope, &self.abort, &[number.into()]);
    }

    /// Lets go of the signal of an invocation that has ended, and ends its timers.
    pub fn forget(&self, scope: &mut v8::PinScope<'_, '_>, number: u64) {
        let number = v8::Number::new(scope, number as f64);
        call(scope, &self.forget, &[number.into()]);
    }
}

fn call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    function: &v8::Global<v8::Function>,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Option<v8::Local<'s, v8::Value>> {
    v8::tc_scope!(let scope, scope);
    let function = v8::Local::new(scope, function);
    let receiver = v8::undefined(scope).into();
    function.call(scope, receiver, arguments)
}
