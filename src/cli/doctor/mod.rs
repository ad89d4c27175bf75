//! `eddyline doctor`: looks whether this machine can run a node, and how well it confines functions.

mod check;
mod machine;
mod sandbox;
mod surroundings;

use clap::Args;
use serde_json::json;

use self::check::{Check, State};
use super::{args::NodeFlags, context::Context, exit, failure::Failure, style::Paint, table};
use crate::protocol::sandbox::Held;

/// Check what a node needs: configuration, sandbox, machine, functions, brokers
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline doctor\n  \
    eddyline doctor --brokers localhost:9092\n  \
    eddyline doctor --set workers.sandbox=required --output json\n\n\
    Starts one worker for the time of the look, and produces nothing.\n\
    Exits 1 if something is missing that a node needs or that the configuration demands.")]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &DoctorArgs) -> anyhow::Result<()> {
    let (config, configuration) = surroundings::configuration(context.load(&args.flags));
    let (worker, layers) = sandbox::look(&config);
    let mut checks = vec![configuration, worker];
    checks.push(sandbox::verdict(&layers, &config));
    checks.extend(machine::look(&config));
    checks.push(surroundings::functions(&config));
    checks.push(surroundings::brokers(&config));
    checks.push(surroundings::admin(&config));
    let failed = checks.iter().filter(|check| check.state == State::Failed).count();
    if context.is_json() {
        context.print_json(&json!({ "ok": failed == 0, "checks": checks, "sandbox": sandbox::as_json(&layers) }))?;
    } else {
        context.print(&describe(context.paint, &checks, &layers))?;
        context.note(&summary(&checks, failed));
    }
    if failed > 0 { Err(Failure::said(exit::FAILURE).into()) } else { Ok(()) }
}

fn describe(paint: Paint, checks: &[Check], layers: &[Held]) -> String {
    let mut rows = table::table(&["", "check", "found"]);
    for check in checks {
        rows.add_row([check.state.mark(), check.name, &check.found]);
    }
    let mut text = format!("{}\n", table::text(&rows));
    if !layers.is_empty() {
        let mut rows = table::table(&["", "layer of the sandbox", "what it does", "how far"]);
        for held in layers {
            let state = if held.holds { State::Good } else { State::Warning };
            rows.add_row([state.mark(), held.layer.name(), held.layer.about(), &held.note]);
        }
        text.push_str(&format!("{}\n", table::text(&rows)));
    }
    for check in checks {
        if let Some(advice) = &check.advice {
            text.push_str(&format!("{} {}: {advice}\n", paint.name("hint:"), check.name));
        }
    }
    check::colour(paint, &text)
}

fn summary(checks: &[Check], failed: usize) -> String {
    let warnings = checks.iter().filter(|check| check.state == State::Warning).count();
    match (failed, warnings) {
        (0, 0) => "everything is in order".to_owned(),
        (0, _) => format!("a node can run; {warnings} of {} checks could be better", checks.len()),
        _ => format!("{failed} of {} checks failed", checks.len()),
    }
}
