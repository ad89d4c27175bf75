//! What `run` and `dev` share: a node from start to drain.

use std::time::Duration;

use super::{context::Context, exit, failure::Failure};
use crate::{
    config::NodeConfig,
    node::{Node, NodeOptions},
    pool::LinkError,
    shutdown::Shutdown,
    status::NodeStatus,
};

/// Starts a node, tells `started` about it, and runs it until a signal asks for the end; then drains it.
pub(super) fn serve(config: NodeConfig, options: NodeOptions, started: impl FnOnce(&Node)) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let timeout = config.shutdown.timeout;
    let node = Node::start(config, options).map_err(with_advice)?;
    started(&node);
    shutdown.wait();
    drain(node, timeout)
}

/// A node that demands more of a sandbox than the machine gives says what to do.
fn with_advice(error: anyhow::Error) -> anyhow::Error {
    let Some(LinkError::Unconfined { missing, .. }) = error.downcast_ref() else { return error };
    let mut advice: Vec<&str> = missing.iter().map(|held| held.layer.remedy()).collect();
    advice.dedup();
    let hint = format!("{}; or set workers.sandbox = \"best-effort\"; `eddyline doctor` shows more", advice.join("; "));
    Failure::new(exit::FAILURE, format!("{error:#}")).with_hint(hint).into()
}

pub(super) fn drain(node: Node, timeout: Duration) -> anyhow::Result<()> {
    tracing::info!(timeout_seconds = timeout.as_secs_f64(), "draining: a second signal exits at once");
    node.drain(timeout).map_err(|error| {
        Failure::new(exit::FAILURE, format!("not everything could be finished: {error:#}"))
            .with_hint("nothing is lost: what was not committed runs again after the restart")
            .into()
    })
}

/// Where the node is to be found, for people.
pub(super) fn introduce(context: &Context, node: &Node, brokers: &str) {
    let paint = context.paint_error;
    let NodeStatus { id, functions_path, .. } = node.board.node();
    context.note(&format!(
        "{} {}\n  Kafka      {}{}\n  functions  {functions_path}\n  admin      {}",
        paint.strong("eddyline"),
        id,
        paint.name(brokers),
        if node.embedded.is_some() { paint.faint(" (embedded, gone with this process)") } else { String::new() },
        paint.name(format!("http://{}", node.admin)),
    ));
}
