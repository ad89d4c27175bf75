//! The composition root. (A placeholder until the pipeline is there.)

use std::{net::SocketAddr, sync::Arc, time::Duration};

use crate::{
    config::NodeConfig,
    kafka::{EmbeddedBroker, Settings, Topics},
    status::Board,
    telemetry::Metrics,
};

#[derive(Clone, Copy, Debug, Default)]
pub struct NodeOptions {
    pub embedded: bool,
}

pub struct Node {
    pub board: Arc<Board>,
    pub metrics: Arc<Metrics>,
    pub settings: Settings,
    pub topics: Arc<Topics>,
    pub admin: SocketAddr,
    pub embedded: Option<Arc<EmbeddedBroker>>,
}

impl Node {
    pub fn start(_config: NodeConfig, _options: NodeOptions) -> anyhow::Result<Node> {
        anyhow::bail!("the pipeline is not part of this build")
    }

    pub fn drain(self, _deadline: Duration) -> anyhow::Result<()> {
        Ok(())
    }
}
