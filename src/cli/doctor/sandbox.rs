//! Starts a worker and asks what confines it.

use std::time::Instant;

use serde_json::{Value, json};

use super::check::Check;
use crate::{
    config::{NodeConfig, SandboxDemand},
    node::worker_command,
    pool::{Link, LinkError},
    protocol::{control::Hello, sandbox::Held},
};

/// How it went to start one, and its layers.
pub(super) fn look(config: &NodeConfig) -> (Check, Vec<Held>) {
    let began = Instant::now();
    match greet(config) {
        Ok(hello) => {
            let took = began.elapsed().as_secs_f64() * 1e3;
            let confining = hello.sandbox.took_us as f64 / 1e3;
            let found = format!("ready after {took:.0} ms ({confining:.1} for its sandbox), with {}", hello.engine);
            (Check::good("worker", found), hello.sandbox.all())
        }
        Err(error) => {
            let advice = "a node cannot run any function before its workers start";
            (Check::failed("worker", error.to_string(), advice), Vec::new())
        }
    }
}

fn greet(config: &NodeConfig) -> Result<Hello, LinkError> {
    let mut command = worker_command(config).map_err(LinkError::Start)?;
    // What is missing is what we want to hear of.
    command.needs_whole_sandbox = false;
    let link = Link::start(&command, |_| {})?;
    let hello = link.wait_ready(config.workers.start_timeout)?;
    link.close();
    Ok(hello)
}

/// Whether what holds is what the configuration demands.
pub(super) fn verdict(layers: &[Held], config: &NodeConfig) -> Check {
    let missing: Vec<&Held> = layers.iter().filter(|held| !held.holds).collect();
    if layers.is_empty() {
        return Check::failed("sandbox", "not known without a worker", "see `worker`");
    }
    if missing.is_empty() {
        return Check::good("sandbox", format!("all {} layers hold", layers.len()));
    }
    let names: Vec<&str> = missing.iter().map(|held| held.layer.name()).collect();
    let found = format!("without {}", names.join(", "));
    let mut advice: Vec<&str> = missing.iter().map(|held| held.layer.remedy()).collect();
    advice.dedup();
    let advice = advice.join("; ");
    match config.workers.sandbox {
        SandboxDemand::Required => {
            let advice = format!("{advice}; or set workers.sandbox = \"best-effort\" (E4001)");
            Check::failed("sandbox", format!("{found}, and all are required"), advice)
        }
        SandboxDemand::BestEffort => Check::warning("sandbox", found, advice),
    }
}

pub(super) fn as_json(layers: &[Held]) -> Vec<Value> {
    let layer = |held: &Held| {
        let remedy = (!held.holds).then(|| held.layer.remedy());
        json!({
            "layer": held.layer, "holds": held.holds, "note": held.note, "about": held.layer.about(), "remedy": remedy,
        })
    };
    layers.iter().map(layer).collect()
}
