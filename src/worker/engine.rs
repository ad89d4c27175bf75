//! V8 and deno_core, set up the way we need them: a runtime with the web APIs of handlers and nothing else.

use std::rc::Rc;
use std::sync::Arc;

use deno_core::{JsRuntime, RuntimeOptions, SharedArrayBufferStore, v8};

use super::blank::Size;
use super::limits::Guard;
use super::loader::BundleLoader;
use super::script::Script;
use super::wasm::compile;
use super::wasm::room::Room;
use super::{extensions, growth, memory, snapshot};

/// Address space for machine code; V8 would take 512 MiB for each isolate.
const CODE_RANGE: usize = 64 << 20;
/// How far the heap may grow beyond its limit while the isolate is being stopped: more than any single object.
const GRACE: usize = 2 << 30;
const MIN_HEAP: usize = 8 << 20;

static WASM: Script = Script::new("ext:eddyline/wasm.js", include_str!("js/wasm.js"));
static GLUE: Script = Script::new("ext:eddyline/glue.js", include_str!("js/glue.js"));

/// What V8 is told for WebAssembly, where it knows no limits for each isolate.
const WASM_FLAGS: [&str; 4] = [
    // Nets below the limits of each function: pages of one memory (2 GiB), entries of one table.
    "--wasm-max-mem-pages=32768",
    "--wasm-max-table-size=200000",
    // Otherwise loops look for interrupts only when a budget is used up, which a loop of large copies does in minutes.
    "--no-wasm-dynamic-tiering",
    // One thread at most compiles beside the isolates' own.
    "--wasm-num-compilation-tasks=1",
];

/// The engine's unrolling of loops can take away the check by which the loop around them is stopped.
const STOPPABLE: &str = "--no-turboshaft-loop-unrolling";

/// Prepares V8. Must run in the main thread before any other thread exists.
pub fn initialise() {
    // Isolates live on threads of 8 MiB.
    let flags = ["eddyline", "--stack-size=2000", STOPPABLE].iter().chain(&WASM_FLAGS);
    deno_core::v8_set_flags(flags.map(ToString::to_string).collect());
    JsRuntime::init_platform(None);
}

/// A runtime whose globals are ready, and the glue that `glue.js` made.
pub struct Engine {
    pub runtime: JsRuntime,
    pub glue: v8::Global<v8::Object>,
}

/// Makes an isolate on the calling thread, which must be inside a tokio runtime. What is known of its function only later
/// is for [`Blank::give_to`](super::blank::Blank::give_to) to add.
pub fn create(size: Size, loader: Rc<BundleLoader>, guard: &Arc<Guard>) -> Result<Engine, String> {
    let params = v8::CreateParams::default()
        .heap_limits(0, (size.heap_bytes as usize).max(MIN_HEAP))
        .set_code_range_size_in_bytes(CODE_RANGE)
        .allow_atomics_wait(false)
        .array_buffer_allocator(memory::allocator(guard.memory()));
    let options = RuntimeOptions {
        module_loader: Some(loader),
        custom_module_evaluation_cb: Some(compile::evaluator(size.external_bytes)),
        extensions: extensions::all(),
        startup_snapshot: snapshot::get(),
        // Of this isolate alone: buffers that are transferred pass through it.
        shared_array_buffer_store: Some(SharedArrayBufferStore::default()),
        create_params: Some(params),
        ..RuntimeOptions::default()
    };
    let mut runtime = JsRuntime::try_new(options).map_err(|error| error.to_string())?;
    {
        let state = runtime.op_state();
        let mut state = state.borrow_mut();
        state.put(guard.clone());
        state.put(Room::new(size.external_bytes));
    }
    runtime.v8_isolate().set_allow_wasm_code_generation_callback(compile::never);
    guard.attach(runtime.v8_isolate().thread_safe_handle());
    growth::watch(runtime.v8_isolate());
    let watched = guard.clone();
    runtime.add_near_heap_limit_callback(move |current, _| {
        watched.stop_for_memory();
        growth::tell(current + GRACE);
        current + GRACE
    });
    let glue = {
        deno_core::scope!(scope, runtime);
        WASM.run(scope)?;
        let glue = GLUE.run(scope)?;
        scope.get_current_context().set_allow_generation_from_strings(false);
        let glue = glue.try_cast::<v8::Object>().map_err(|_| "glue.js made no glue".to_owned())?;
        v8::Global::new(scope, glue)
    };
    Ok(Engine { runtime, glue })
}

impl Engine {
    /// There will be a WebAssembly module. It leads to V8's own constructors, so they are replaced before.
    pub fn expect_wasm(&mut self) -> Result<(), String> {
        let replaced = self.runtime.execute_script("ext:eddyline/wasm.js", "WebAssembly");
        replaced.map(drop).map_err(|error| error.to_string())
    }
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
