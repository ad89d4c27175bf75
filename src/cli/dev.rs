//! `eddyline dev`: a node to develop with, which needs nothing installed.

use clap::Args;

use super::{
    args::NodeFlags,
    context::Context,
    serve::{introduce, serve},
};
use crate::{config::LogFormat, node::NodeOptions};

/// Run a node to develop with: brings its own broker unless one is configured
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline dev\n  \
    eddyline dev --functions examples/functions\n  \
    eddyline dev --brokers localhost:9092\n\n\
    Missing topics are created, logs are readable, and edits take effect at once.")]
pub(super) struct DevArgs {
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &DevArgs) -> anyhow::Result<()> {
    let mut config = context.load(&args.flags)?.config;
    config.topics.create.get_or_insert(true);
    if config.logging.format == LogFormat::Auto {
        config.logging.format = LogFormat::Pretty;
    }
    context.start_logs(&config.logging)?;
    let embedded = config.kafka.brokers.is_none();
    serve(config, NodeOptions { embedded }, |node| {
        let brokers = &node.settings.brokers;
        introduce(context, node, brokers);
        if embedded {
            let paint = context.paint_error;
            context.note(&format!(
                "  try it     {}\n             {}",
                paint.name(format!("kcat -b {brokers} -L")),
                paint.name(format!("echo '{{\"id\":1}}' | kcat -b {brokers} -P -t TOPIC")),
            ));
        }
    })
}
