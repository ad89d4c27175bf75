//! `eddyline demo`: the sample pipelines on real data, watched for some seconds, and then every record accounted for.

mod account;
mod feeder;
mod flow;
mod letters;
mod live;
mod report;
mod samples;
mod stage;

use std::{path::PathBuf, time::Duration};

use clap::{Args, value_parser};

use super::{args::NodeFlags, context::Context, exit, failure::Failure, serve::drain};
use crate::shutdown::Shutdown;
use report::Report;
use stage::Stage;

/// Run the sample functions on real data, on a broker inside of this process
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline demo\n  \
    eddyline demo --seconds 60\n  \
    eddyline demo --path my-project --output json\n\n\
    Needs nothing but the folders functions/ and data/ of the repository. Exits 0 only if every record that was \
    written is accounted for.")]
pub(super) struct DemoArgs {
    /// How long to feed records
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// The folder that holds functions/ and data/
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    path: PathBuf,
    /// Any key of the configuration
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(super) fn run(context: &Context, args: &DemoArgs) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let flags = NodeFlags { set: args.set.clone(), ..NodeFlags::default() };
    let stage = Stage::open(context, &args.path, &flags)?;
    stage.wait_until_running(context, &shutdown)?;
    let samples = samples::take(&stage, &shutdown)?;
    let speed = live::feed_and_watch(context, &stage, &shutdown, Duration::from_secs(args.seconds))?;
    let accounts = account::settle(context, &stage)?;
    let letters = letters::read(&stage)?;

    let Stage { node, .. } = stage;
    drain(node, Duration::from_secs(30))?;
    let complete = accounts.iter().all(|account| account.is_complete());
    Report { samples, speed, accounts, letters, complete }.print(context, &args.path)?;
    if complete { Ok(()) } else { Err(Failure::said(exit::FAILURE).into()) }
}
