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
    A function that is broken has nothing to pause: it is paused as soon as it can be loaded, and that is said at once.\n\
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

/// What is asked for.
struct Wish {
    verb: &'static str,
    is_done: fn(&str) -> bool,
    /// What becomes of it where the function cannot be loaded.
    when_mended: &'static str,
}

const PAUSE: Wish = Wish {
    verb: "pause",
    // There is nothing to wait for where nothing can be loaded.
    is_done: |state| matches!(state, "paused" | BROKEN),
    when_mended: "it is paused as soon as it can be loaded",
};

const RESUME: Wish = Wish {
    verb: "resume",
    is_done: |state| !matches!(state, "paused" | "draining"),
    when_mended: "it runs as soon as it can be loaded",
};

const BROKEN: &str = "broken";

pub(super) fn pause(context: &Context, args: &PauseArgs) -> anyhow::Result<()> {
    ask(context, &args.target, &PAUSE)
}

pub(super) fn resume(context: &Context, args: &ResumeArgs) -> anyhow::Result<()> {
    ask(context, &args.target, &RESUME)
}

/// Gives the command and waits until the function is in such a state.
fn ask(context: &Context, target: &Target, wish: &Wish) -> anyhow::Result<()> {
    let asked = Asked::new(context, target)?;
    let mut status = asked.post(wish.verb)?;
    let reach = [status["scope"].take(), status["scope_reason"].take()];
    let until = Instant::now() + PATIENCE;
    loop {
        let state = status["state"].as_str().unwrap_or_default();
        if (wish.is_done)(state) {
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
    Ok(context.print(&format!("{} is {}\n", target.function, outcome(wish, &status)))?)
}

/// What the function is, and what that means for what was asked.
fn outcome(wish: &Wish, status: &Value) -> String {
    let state = status["state"].as_str().unwrap_or_default();
    match status["state_reason"].as_str() {
        reason if state == BROKEN => format!("broken ({}); {}", reason.unwrap_or("no reason"), wish.when_mended),
        _ => state.to_owned(),
    }
}
