//! What `run` and `dev` share: a node from start to drain.

use std::time::Duration;

use super::{context::Context, exit, failure::Failure};
use crate::{
    config::NodeConfig,
    node::{Node, NodeOptions},
    shutdown::Shutdown,
    status::NodeStatus,
};

/// Starts a node, tells `started` about it, and runs it until a signal asks for the end; then drains it.
pub(super) fn serve(config: NodeConfig, options: NodeOptions, started: impl FnOnce(&Node)) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let timeout = config.shutdown.timeout;
    let node = Node::start(config, options)?;
    started(&node);
    shutdown.wait();
    drain(node, timeout)
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
