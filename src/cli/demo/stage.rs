//! Everything that the demo plays with: a node with a broker of its own, the functions, and the data.

use std::{path::Path, time::Duration};

use super::flow::Flow;
use crate::{
    cli::{
        args::NodeFlags,
        context::Context,
        exit,
        failure::{Failure, What},
        graph::{Graph, manifests},
        traffic::{Feed, create_topics, load_feeds},
    },
    node::{Node, NodeOptions},
    shutdown::Shutdown,
    status::FunctionState,
};

const START_TIMEOUT: Duration = Duration::from_secs(120);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Any free port, so that a node that already runs here is not in the way.
const ANY_PORT: &str = "127.0.0.1:0";

pub(super) struct Stage {
    pub(super) node: Node,
    pub(super) feeds: Vec<Feed>,
    pub(super) flow: Flow,
}

impl Stage {
    pub(super) fn open(context: &Context, path: &Path, flags: &NodeFlags) -> anyhow::Result<Stage> {
        let (functions, data) = (path.join("functions"), path.join("data"));
        for folder in [&functions, &data] {
            if !folder.is_dir() {
                return Err(Failure::new(exit::FAILURE, format!("{} is no folder", folder.display()))
                    .with_hint("run it in Eddyline's repository, or name the folder with --path")
                    .into());
            }
        }
        let loaded = context.load(flags)?;
        let is_set = |key: &str| flags.set.iter().any(|one| one.split('=').next().map(str::trim) == Some(key));
        let mut config = loaded.config;
        config.kafka = Default::default();
        config.functions.path = functions.clone();
        config.topics.create = Some(true);
        if !is_set("admin.listen") {
            config.admin.listen = ANY_PORT.to_owned();
        }
        let mut logging = config.logging.clone();
        if logging.level == "info" {
            // The table is what people want to see, and records that fail are part of it.
            logging.level = "error".to_owned();
        }
        context.start_logs(&logging)?;

        let feeds = load_feeds(&data)?;
        let (manifests, broken) = manifests(&functions, &config.limits)?;
        if !broken.is_empty() {
            return Err(Failure { exit: exit::BAD_FUNCTIONS, what: What::Diagnostics(broken) }.into());
        }
        context.note("starting a broker and a node in this process");
        let node = Node::start(config.clone(), NodeOptions { embedded: true })?;
        create_topics(&node.topics, &feeds, &config, START_TIMEOUT)?;
        let flow = Flow::new(Graph::new(&manifests), &feeds, node.metrics.clone());
        Ok(Stage { node, feeds, flow })
    }

    /// Blocks until every function runs; a function that is broken ends the demo.
    pub(super) fn wait_until_running(&self, context: &Context, shutdown: &Shutdown) -> anyhow::Result<()> {
        let looks = START_TIMEOUT.as_millis() / LOOK_INTERVAL.as_millis();
        let mut waiting = Vec::new();
        for _ in 0..looks {
            waiting.clear();
            for function in self.flow.functions() {
                let status = self.node.board.function(&function.name).unwrap_or_default();
                match status.state {
                    FunctionState::Running | FunctionState::Idle => {}
                    FunctionState::Broken => {
                        let what = match status.diagnostics {
                            Some(found) => What::Diagnostics(found),
                            None => What::Message {
                                message: format!("{} is broken", function.name),
                                hint: status.state_reason,
                            },
                        };
                        return Err(Failure { exit: exit::BAD_FUNCTIONS, what }.into());
                    }
                    _ => waiting.push(match status.state_reason {
                        Some(reason) => format!("{} ({reason})", function.name),
                        None => function.name.clone(),
                    }),
                }
            }
            if waiting.is_empty() {
                context.note(&format!("{} functions run", self.flow.functions().len()));
                return Ok(());
            }
            if shutdown.wait_for(LOOK_INTERVAL) {
                return Err(Failure::new(exit::FAILURE, "stopped before the functions ran").into());
            }
        }
        let message = format!("not running after {START_TIMEOUT:?}: {}", waiting.join(", "));
        Err(Failure::new(exit::FAILURE, message).into())
    }
}
