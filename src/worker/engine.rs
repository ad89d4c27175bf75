//! V8 and deno_core, set up the way we need them: a runtime with the web APIs of handlers and nothing else.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::{Extension, ExtensionFileSource, JsRuntime, RuntimeOptions, v8};
use deno_web::{BlobStore, InMemoryBroadcastChannel};

use super::arena::Arena;
use super::charges::Charges;
use super::limits::Guard;
use super::loader::BundleLoader;
use super::struck::{self, Watch};
use super::{context, memory, record};

deno_core::extension!(
    eddyline,
    deps = [deno_webidl, deno_web],
    ops = [
        record::op_record_topic,
        record::op_record_partition,
        record::op_record_offset,
        record::op_record_timestamp,
        record::op_record_is_tombstone,
        record::op_record_key,
        record::op_record_key_bytes,
        record::op_record_text,
        record::op_record_bytes,
        record::op_record_json,
        record::op_header_get,
        record::op_header_get_all,
        record::op_header_entries,
        context::op_emit,
        context::op_mark_rejected,
        context::op_mark_record,
        context::op_log,
        context::op_attempt,
        context::op_deadline,
        context::op_want_signal,
        context::op_own_timer,
        context::op_too_many_timers,
        context::op_woken,
    ],
);

/// Of the web crate's many operations, those that our scripts reach: binding all takes time in each new isolate.
const WEB_OPS: [&str; 6] = ["op_url_", "op_base64_", "op_encoding_", "op_console_", "op_preview_", "op_now"];
const OTHER_WEB_OPS: [&str; 2] = ["op_time_origin", "op_defer"];

/// Address space for machine code; V8 would take 512 MiB for each isolate.
const CODE_RANGE: usize = 64 << 20;
/// How far the heap may grow beyond its limit while the isolate is being stopped: more than any single object.
const GRACE: usize = 2 << 30;
const MIN_HEAP: usize = 8 << 20;

const WEB: &str = include_str!("js/web.js");
const LIMITS: &str = include_str!("js/limits.js");
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
pub fn create(
    arena: Rc<Arena>,
    loader: Rc<BundleLoader>,
    guard: &Arc<Guard>,
    charges: &Rc<Charges>,
) -> Result<Engine, String> {
    let limits = arena.settings.limits;
    let params = v8::CreateParams::default()
        .heap_limits(0, (limits.heap_bytes as usize).max(MIN_HEAP))
        .set_code_range_size_in_bytes(CODE_RANGE)
        .allow_atomics_wait(false)
        .array_buffer_allocator(memory::allocator(guard.memory()));
    let options = RuntimeOptions {
        module_loader: Some(loader),
        extensions: vec![webidl(), web(), eddyline::init()],
        create_params: Some(params),
        ..RuntimeOptions::default()
    };
    let mut runtime = JsRuntime::try_new(options).map_err(|error| error.to_string())?;
    struck::prepare(Watch { context: runtime.main_context(), guard: guard.clone(), charges: charges.clone() });
    {
        let state = runtime.op_state();
        let mut state = state.borrow_mut();
        state.put(arena);
        state.put(guard.clone());
    }
    guard.attach(runtime.v8_isolate().thread_safe_handle());
    let watched = guard.clone();
    runtime.add_near_heap_limit_callback(move |current, _| {
        watched.stop_for_memory();
        current + GRACE
    });
    runtime.execute_script("ext:eddyline/web.js", WEB).map_err(|error| error.to_string())?;
    runtime.execute_script("ext:eddyline/limits.js", LIMITS).map_err(|error| error.to_string())?;
    let glue = runtime.execute_script("ext:eddyline/glue.js", GLUE).map_err(|error| error.to_string())?;
    let glue = {
        deno_core::scope!(scope, runtime);
        scope.get_current_context().set_allow_generation_from_strings(false);
        let glue = v8::Local::new(scope, glue);
        let glue = glue.try_cast::<v8::Object>().map_err(|_| "glue.js made no glue".to_owned())?;
        memory::start(scope, guard.memory());
        v8::Global::new(scope, glue)
    };
    Ok(Engine { runtime, glue })
}

fn webidl() -> Extension {
    let mut extension = deno_webidl::deno_webidl::init();
    embed_scripts(&mut extension);
    extension
}

fn web() -> Extension {
    let store = BlobStore::default_arc();
    let mut extension = deno_web::deno_web::init(store, None, false, InMemoryBroadcastChannel::default());
    embed_scripts(&mut extension);
    let wanted = |name: &str| OTHER_WEB_OPS.contains(&name) || WEB_OPS.iter().any(|prefix| name.starts_with(prefix));
    extension.ops.to_mut().retain(|op| wanted(op.name));
    extension
}

/// The extension names its scripts by where they lay when it was built; puts the copies inside the binary in place.
fn embed_scripts(extension: &mut Extension) {
    let scripts: [ExtensionFileSource; 13] = include!(concat!(env!("OUT_DIR"), "/web_scripts.rs"));
    let prefix = format!("ext:{}/", extension.name);
    let own = scripts.into_iter().filter(|script| script.specifier.starts_with(&prefix));
    extension.lazy_loaded_js_files = Cow::Owned(own.collect());
    extension.lazy_loaded_esm_files = Cow::Borrowed(&[]);
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
