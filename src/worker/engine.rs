//! V8 and deno_core, set up the way we need them: a runtime with the web APIs of handlers and nothing else.

use std::rc::Rc;
use std::sync::Arc;

use deno_core::{JsRuntime, RuntimeOptions, v8};

use super::arena::Arena;
use super::limits::Guard;
use super::loader::BundleLoader;
use super::{extensions, growth, memory, snapshot, struck};

/// Address space for machine code; V8 would take 512 MiB for each isolate.
const CODE_RANGE: usize = 64 << 20;
/// How far the heap may grow beyond its limit while the isolate is being stopped: more than any single object.
const GRACE: usize = 2 << 30;
const MIN_HEAP: usize = 8 << 20;

const GLUE: &str = include_str!("js/glue.js");

/// Prepares V8. Must run in the main thread before any other thread exists.
pub fn initialise() {
    // Isolates live on threads of 8 MiB.
    deno_core::v8_set_flags(vec!["eddyline".to_owned(), "--stack-size=2000".to_owned()]);
    JsRuntime::init_platform(None);
}

/// A runtime whose globals are ready, and the glue that `glue.js` made.
pub struct Engine {
    pub runtime: JsRuntime,
    pub glue: v8::Global<v8::Object>,
}

/// Makes an isolate on the calling thread, which must be inside a tokio runtime.
pub fn create(arena: Rc<Arena>, loader: Rc<BundleLoader>, guard: &Arc<Guard>) -> Result<Engine, String> {
    let limits = arena.settings.limits;
    let params = v8::CreateParams::default()
        .heap_limits(0, (limits.heap_bytes as usize).max(MIN_HEAP))
        .set_code_range_size_in_bytes(CODE_RANGE)
        .allow_atomics_wait(false)
        .array_buffer_allocator(memory::allocator(limits.external_bytes as usize));
    let options = RuntimeOptions {
        module_loader: Some(loader),
        extensions: extensions::all(),
        startup_snapshot: snapshot::get(),
        create_params: Some(params),
        ..RuntimeOptions::default()
    };
    let mut runtime = JsRuntime::try_new(options).map_err(|error| error.to_string())?;
    runtime.op_state().borrow_mut().put(arena);
    struck::prepare(runtime.main_context());
    guard.attach(runtime.v8_isolate().thread_safe_handle());
    growth::watch(runtime.v8_isolate());
    let watched = guard.clone();
    runtime.add_near_heap_limit_callback(move |current, _| {
        watched.stop_for_memory();
        growth::tell(current + GRACE);
        current + GRACE
    });
    let glue = runtime.execute_script("ext:eddyline/glue.js", GLUE).map_err(|error| error.to_string())?;
    let glue = {
        deno_core::scope!(scope, runtime);
        scope.get_current_context().set_allow_generation_from_strings(false);
        let glue = v8::Local::new(scope, glue);
        let glue = glue.try_cast::<v8::Object>().map_err(|_| "glue.js made no glue".to_owned())?;
        v8::Global::new(scope, glue)
    };
    Ok(Engine { runtime, glue })
}

/// A function of the glue, by name.
pub fn glue_function<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    glue: v8::Local<'s, v8::Object>,
    name: &'static str,
) -> Result<v8::Local<'s, v8::Function>, String> {
    let key = v8::String::new(scope, name).ok_or("out of memory")?;
    let value = glue.get(scope, key.into()).ok_or_else(|| format!("the glue has no {name}"))?;
    value.try_cast::<v8::Function>().map_err(|_| format!("the glue's {name} is no function"))
}
