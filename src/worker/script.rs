//! Scripts of ours that run in each new isolate. V8 compiles them once for each worker: what it has made of one in the first
//! isolate, all others are given.

use std::sync::OnceLock;

use deno_core::v8;
use deno_core::v8::script_compiler::{self, CachedData, CompileOptions, NoCacheReason, Source};

pub struct Script {
    name: &'static str,
    /// Nothing but ASCII.
    text: &'static str,
    compiled: OnceLock<Box<[u8]>>,
}

impl Script {
    pub const fn new(name: &'static str, text: &'static str) -> Script {
        assert!(text.is_ascii());
        Script { name, text, compiled: OnceLock::new() }
    }

    /// Evaluates it, before any of a user's code is in the isolate.
    pub fn run<'s>(&self, scope: &mut v8::PinScope<'s, '_>) -> Result<v8::Local<'s, v8::Value>, String> {
        v8::tc_scope!(let scope, scope);
        let value = self.compile(scope).and_then(|script| {
            let value = script.run(scope)?;
            // Only now, so that functions are in it that were compiled when they were called.
            self.compiled.get_or_init(|| {
                let made = script.get_unbound_script(scope).create_code_cache();
                made.map_or_else(Box::default, |made| made.to_vec().into_boxed_slice())
            });
            Some(value)
        });
        value.ok_or_else(|| {
            let reason = scope.exception().map(|exception| exception.to_rust_string_lossy(scope));
            format!("{} fails: {}", self.name, reason.unwrap_or_default())
        })
    }

    fn compile<'s>(&self, scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Script>> {
        let name = v8::String::new(scope, self.name)?.into();
        let origin = v8::ScriptOrigin::new(scope, name, 0, 0, false, 0, None, false, false, false, None);
        let text = v8::String::new_external_onebyte_static(scope, self.text.as_bytes())?;
        let Some(compiled) = self.compiled.get().filter(|compiled| !compiled.is_empty()) else {
            return v8::Script::compile(scope, text, Some(&origin));
        };
        let mut source = Source::new_with_cached_data(text, Some(&origin), CachedData::new(compiled));
        let (options, reason) = (CompileOptions::ConsumeCodeCache, NoCacheReason::NoReason);
        let script = script_compiler::compile(scope, &mut source, options, reason);
        debug_assert!(!source.get_cached_data().is_some_and(CachedData::rejected), "{} is not what it was", self.name);
        script
    }
}
