//! `eddyline pause` and `eddyline resume`: ask the cluster to keep a function from running, or to let it go on.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::Value;

use super::{
    asking::{Asked, Target},
    context::Context,
    exit,
    failure::Failure,
};

/// How long a function may take to finish what is in flight.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// Pause a function: every node finishes what is in flight, commits, and leaves the function's group
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline pause enrich-orders\n  \
    eddyline pause enrich-orders --admin 127.0.0.1:9640\n\n\
    All nodes of the cluster obey it and remember it, over restarts and new versions, until `eddyline resume`.\n\
    It returns when the node that was asked has paused; the others follow within a moment.\n\
    Where that node cannot write to the topic _eddyline.functions, the pause holds on it alone, and that is said (E3003).")]
pub(super) struct PauseArgs {
    #[command(flatten)]
    target: Target,
}

/// Let a paused function go on, on all nodes
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline resume enrich-orders\n\n\
    A function that was paused because it kept bringing down its worker begins in a worker of its own.")]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    target: Target,
}

pub(super) fn pause(context: &Context, args: &PauseArgs) -> anyhow::Result<()> {
    ask(context, &args.target, "pause", |state| state == "paused")
}

pub(super) fn resume(context: &Context, args: &ResumeArgs) -> anyhow::Result<()> {
    ask(context, &args.target, "resume", |state| !matches!(state, "paused" | "draining"))
}

/// Gives the command and waits until the function is in such a state.
fn ask(context: &Context, target: &Target, verb: &str, is_done: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let asked = Asked::new(context, target)?;
    let mut status = asked.post(verb)?;
    let reach = [status["scope"].take(), status["scope_reason"].take()];
    let until = Instant::now() + PATIENCE;
    loop {
        let state = status["state"].as_str().unwrap_or_default();
        if is_done(state) {
            break;
        }
        if Instant::now() >= until {
            let message = format!("{} is still {state}", target.function);
            return Err(Failure::new(exit::FAILURE, message).with_hint("the nodes go on with it; ask again").into());
        }
        thread::sleep(LOOK);
        status = asked.status()?;
    }
    let [scope, reason] = reach;
    if scope == "node" {
        context.note(&format!(
            "{} this holds on the node that was asked alone, until it ends (E3003): {}",
            context.paint_error.warning("warning:"),
            reason.as_str().unwrap_or_default()
        ));
    }
    if context.is_json() {
        status["scope"] = scope;
        if reason != Value::Null {
            status["scope_reason"] = reason;
        }
        return context.print_json(&status);
    }
    let state = status["state"].as_str().unwrap_or_default();
    Ok(context.print(&format!("{} is {state}\n", target.function))?)
}
