//! What V8 gets from outside: the crates of the web APIs, cut down to what handlers can reach, and our own operations.
//!
//! The lists must be the same, in the same order, where a snapshot is made and where it is used.

use std::borrow::Cow;

use deno_core::{Extension, ExtensionFileSource, OpDecl};
use deno_web::{BlobStore, InMemoryBroadcastChannel};

use super::wasm::room;
use super::{coarse, context, fetch, later, memory, native, record};

deno_core::extension!(
    eddyline,
    deps = [deno_webidl, deno_web, deno_crypto],
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
        native::op_native_begin,
        native::op_native_end,
        fetch::op_fetch_start,
        fetch::op_fetch_response,
        fetch::op_fetch_head,
        fetch::op_fetch_body,
        fetch::op_fetch_take,
        fetch::op_fetch_room,
        fetch::op_fetch_write,
        fetch::op_fetch_finish,
        fetch::op_fetch_cancel,
        room::op_wasm_room,
        room::op_wasm_place,
        room::op_wasm_most,
        room::op_wasm_remember,
        room::op_wasm_demand,
        memory::op_keeps,
        coarse::op_now,
        coarse::op_time_origin,
        later::op_later_script,
        later::op_later_globals,
    ],
    middleware = without_dangers,
);

/// Of the web crate's many operations, those that our scripts reach: binding all takes time in each new isolate.
const WEB_OPS: [&str; 8] = [
    "op_url_",
    "op_urlpattern_",
    "op_base64_",
    "op_encoding_",
    "op_console_",
    "op_blob_",
    "op_compression_",
    "op_message_port_",
];
const OTHER_WEB_OPS: [&str; 2] = ["op_preview_entries", "op_defer"];
/// And of its classes: the rest are matrices and style sheets.
const WEB_CLASSES: [&str; 1] = ["Console"];

/// Operations of the runtime itself that nothing here needs, and that would hurt if a handler ever got hold of them.
const DANGERS: [&str; 8] = [
    "op_panic",
    "op_print",
    "op_eval_context",
    "op_compile_function",
    "op_import_sync",
    "op_import_sync_with_source",
    "op_op_names",
    "op_dispatch_exception",
];

/// All of them. They bring no scripts where a snapshot has evaluated those.
pub fn all() -> Vec<Extension> {
    let store = BlobStore::default_arc();
    let mut web = deno_web::deno_web::init(store, None, false, InMemoryBroadcastChannel::default());
    let wanted = |name: &str| OTHER_WEB_OPS.contains(&name) || WEB_OPS.iter().any(|prefix| name.starts_with(prefix));
    web.ops.to_mut().retain(|op| wanted(op.name));
    web.objects.to_mut().retain(|class| WEB_CLASSES.contains(&class.name.0));
    let mut all = vec![deno_webidl::deno_webidl::init(), web, deno_crypto::deno_crypto::init(None)];
    all.iter_mut().for_each(embed_scripts);
    let mut own = eddyline::init();
    own.external_references = Cow::Owned(vec![later::reference()]);
    all.push(own);
    all
}

/// The extension names its scripts by where they lay when it was built; puts the copies inside the binary in place.
fn embed_scripts(extension: &mut Extension) {
    let scripts: Vec<ExtensionFileSource> = include!(concat!(env!("OUT_DIR"), "/web_scripts.rs"));
    let prefix = format!("ext:{}/", extension.name);
    let own = scripts.into_iter().filter(|script| script.specifier.starts_with(&prefix));
    extension.lazy_loaded_js_files = Cow::Owned(own.collect());
    extension.lazy_loaded_esm_files = Cow::Borrowed(&[]);
}

fn without_dangers(op: OpDecl) -> OpDecl {
    if DANGERS.contains(&op.name) { op.disable() } else { op }
}
