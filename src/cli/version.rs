//! `eddyline version`: what runs here.

use serde_json::json;

use super::context::Context;

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let product = env!("CARGO_PKG_VERSION");
    let engine = deno_core::v8::VERSION_STRING;
    let (_, kafka) = rdkafka::util::get_rdkafka_version();
    if context.is_json() {
        return context.print_json(&json!({ "eddyline": product, "v8": engine, "librdkafka": kafka }));
    }
    Ok(context.print(&format!("eddyline {product}\nv8 {engine}\nlibrdkafka {kafka}\n"))?)
}
