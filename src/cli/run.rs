//! `eddyline run`: a node for production.

use clap::Args;

use super::{args::NodeFlags, context::Context, serve::serve, traffic::require_brokers};
use crate::node::NodeOptions;

/// Run a node: all functions of a folder, on your Kafka
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline run --brokers localhost:9092\n  \
    eddyline run --config /etc/eddyline.toml --functions /srv/functions\n  \
    EDDYLINE__KAFKA__BROKERS=kafka:9092 eddyline run --set topics.create=true\n\n\
    SIGTERM or Ctrl-C stops it in order: what is in flight is finished and committed. A second one exits at once.")]
pub(super) struct RunArgs {
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &RunArgs) -> anyhow::Result<()> {
    let config = context.load(&args.flags)?.config;
    require_brokers(&config)?;
    context.start_logs(&config.logging)?;
    serve(config, NodeOptions { embedded: false }, |_| {})
}
