//! Scripts that run in each new isolate, or in each that wants them. V8 compiles them once for each worker: what it has made
//! of one in the first isolate, all others are given.

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
        Script::of_ascii(name, text)
    }

    /// The same where somebody has looked at the text already.
    pub const fn of_ascii(name: &'static str, text: &'static str) -> Script {
        Script { name, text, compiled: OnceLock::new() }
    }

    pub fn name(&self) -> &'static str {
        self.name
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

    /// Makes it the body of a function. A user's code may have run before; it reaches nothing of this.
    pub fn function<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        parameter: &str,
    ) -> Option<v8::Local<'s, v8::Function>> {
        let parameter = v8::String::new(scope, parameter)?;
        let (mut source, options) = self.source(scope)?;
        let reason = NoCacheReason::NoReason;
        let function = script_compiler::compile_function(scope, &mut source, &[parameter], &[], options, reason)?;
        debug_assert!(!source.get_cached_data().is_some_and(CachedData::rejected), "{} is not what it was", self.name);
        self.compiled.get_or_init(|| {
            let made = function.create_code_cache();
            made.map_or_else(Box::default, |made| made.to_vec().into_boxed_slice())
        });
        Some(function)
    }

    fn compile<'s>(&self, scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Script>> {
        let (mut source, options) = self.source(scope)?;
        let script = script_compiler::compile(scope, &mut source, options, NoCacheReason::NoReason);
        debug_assert!(!source.get_cached_data().is_some_and(CachedData::rejected), "{} is not what it was", self.name);
        script
    }

    fn source(&self, scope: &mut v8::PinScope<'_, '_>) -> Option<(Source, CompileOptions)> {
        let name = v8::String::new(scope, self.name)?.into();
        let origin = v8::ScriptOrigin::new(scope, name, 0, 0, false, 0, None, false, false, false, None);
        let text = v8::String::new_external_onebyte_static(scope, self.text.as_bytes())?;
        Some(match self.compiled.get().filter(|compiled| !compiled.is_empty()) {
            Some(compiled) => {
                let cached = CachedData::new(compiled);
                (Source::new_with_cached_data(text, Some(&origin), cached), CompileOptions::ConsumeCodeCache)
            }
            None => (Source::new(text, Some(&origin)), CompileOptions::NoCompileOptions),
        })
    }
}
