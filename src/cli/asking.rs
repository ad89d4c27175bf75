//! What commands share that ask a running node to do something with a function.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{
    args::NodeFlags,
    context::Context,
    exit,
    failure::Failure,
    health::{admin_address, agent_for, no_answer},
};

/// Writing a wish down takes a few exchanges with Kafka, which may be slow.
const PATIENCE: Duration = Duration::from_secs(40);

/// The function, and the node to ask.
#[derive(Args, Debug)]
pub(super) struct Target {
    /// The function's name
    #[arg(value_name = "FUNCTION")]
    pub(super) function: String,
    /// The admin address of any node of the cluster; by default `admin.listen` of the configuration
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<String>,
    #[command(flatten)]
    pub(super) flags: NodeFlags,
}

/// One function on one node.
pub(super) struct Asked {
    agent: ureq::Agent,
    address: String,
    path: String,
}

impl Asked {
    pub(super) fn new(context: &Context, target: &Target) -> anyhow::Result<Asked> {
        let address = admin_address(context, target.admin.as_deref(), &target.flags)?;
        let path = format!("http://{address}/api/v1/functions/{}", target.function);
        Ok(Asked { agent: agent_for(PATIENCE), address, path })
    }

    /// Waits longer for answers than others do.
    pub(super) fn with_patience(mut self, patience: Duration) -> Asked {
        self.agent = agent_for(patience);
        self
    }

    pub(super) fn status(&self) -> anyhow::Result<Value> {
        self.accepted(self.agent.get(&self.path).call())
    }

    pub(super) fn post(&self, verb: &str) -> anyhow::Result<Value> {
        self.accepted(self.agent.post(format!("{}/{verb}", self.path)).send_empty())
    }

    pub(super) fn post_json(&self, verb: &str, body: &impl Serialize) -> anyhow::Result<Value> {
        self.accepted(self.agent.post(format!("{}/{verb}", self.path)).send_json(body))
    }

    /// What the node says, or what it objects to.
    fn accepted(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Value> {
        let mut response = answer.map_err(|error| no_answer(&self.address, &error))?;
        let body: Value = response.body_mut().read_json()?;
        if response.status().is_success() {
            return Ok(body);
        }
        let text = |key: &str| body["error"][key].as_str().unwrap_or("the node refuses").to_owned();
        Err(Failure::new(exit::FAILURE, text("message")).with_hint(text("hint")).into())
    }
}
