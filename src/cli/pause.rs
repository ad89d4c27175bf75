//! `eddyline pause` and `eddyline resume`: ask a running node to keep a function from running, or to let it go on.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::Value;

use super::{
    args::NodeFlags,
    context::Context,
    exit,
    failure::Failure,
    health::{admin_address, agent, no_answer},
};

/// How long a function may take to finish what is in flight.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// Pause a function on one node: it finishes what is in flight, commits, and leaves its group
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline pause enrich-orders\n  \
    eddyline pause enrich-orders --admin 127.0.0.1:9640\n\n\
    Only the node that is asked knows of the pause, and forgets it when it ends. Other nodes take over the partitions.")]
pub(super) struct PauseArgs {
    #[command(flatten)]
    target: Target,
}

/// Let a paused function go on
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline resume enrich-orders\n\n\
    A function that was paused because it kept bringing down its worker begins in a worker of its own.")]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Target {
    /// The function's name
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// The node's admin address; by default `admin.listen` of the configuration
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn pause(context: &Context, args: &PauseArgs) -> anyhow::Result<()> {
    ask(context, &args.target, "pause", |state| state == "paused")
}

pub(super) fn resume(context: &Context, args: &ResumeArgs) -> anyhow::Result<()> {
    ask(context, &args.target, "resume", |state| !matches!(state, "paused" | "draining"))
}

/// Gives the command and waits until the function is in such a state.
fn ask(context: &Context, target: &Target, verb: &str, is_done: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let address = admin_address(context, target.admin.as_deref(), &target.flags)?;
    let (agent, path) = (agent(), format!("http://{address}/api/v1/functions/{}", target.function));
    let answer = agent.post(format!("{path}/{verb}")).send_empty();
    let mut status: Value = accepted(answer.map_err(|error| no_answer(&address, &error))?)?;
    let until = Instant::now() + PATIENCE;
    loop {
        let state = status["state"].as_str().unwrap_or_default();
        if is_done(state) {
            break;
        }
        if Instant::now() >= until {
            let message = format!("{} is still {state}", target.function);
            return Err(Failure::new(exit::FAILURE, message).with_hint("the node goes on with it; ask again").into());
        }
        thread::sleep(LOOK);
        status = accepted(agent.get(&path).call().map_err(|error| no_answer(&address, &error))?)?;
    }
    if context.is_json() {
        return context.print_json(&status);
    }
    let state = status["state"].as_str().unwrap_or_default();
    Ok(context.print(&format!("{} is {state}\n", target.function))?)
}

/// The function's status, or what the node objects to.
fn accepted(mut response: ureq::http::Response<ureq::Body>) -> anyhow::Result<Value> {
    let body: Value = response.body_mut().read_json()?;
    if response.status().is_success() {
        return Ok(body);
    }
    let text = |key: &str| body["error"][key].as_str().unwrap_or("the node refuses").to_owned();
    Err(Failure::new(exit::FAILURE, text("message")).with_hint(text("hint")).into())
}
