//! `eddyline invoke`: runs a handler on given records and shows what comes of it, without producing.

mod engine;
mod filter;
mod input;
mod invoked;
mod record;
mod render;
mod topic;

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use clap::Args;

use super::{args::NodeFlags, context::Context, exit, failure::Failure, loading::load};
use crate::{
    config::NodeConfig, control::PrepareLimits, fetch::Fetch, function::Program, manifest::Topics,
    node::worker_command, pool::WorkerCommand, telemetry::Metrics,
};
use filter::Sifted;

pub(super) use engine::Engine;
pub(super) use filter::sift;
pub(super) use invoked::{Emitted, Invoked};
pub(super) use record::{Given, Header};
pub(super) use render::{as_json, as_text, record_json};

/// Run a handler on given records and show the results, without producing
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline invoke enrich-orders --file records.ndjson\n  \
    echo '{\"id\":1}' | eddyline invoke enrich-orders --file - --raw\n  \
    eddyline invoke enrich-orders --brokers localhost:9092 --topic orders --partition 0 --offset 1234 --count 5\n\n\
    Each line of the file is one record:\n  \
    {\"key\": \"a\", \"headers\": {\"trace\": \"1\"}, \"value\": {\"id\": 1}}\n\
    `value` is a text, any JSON, null for a tombstone, or {\"base64\": \"…\"}; so is `key`, but for JSON.\n\
    `topic`, `partition`, `offset`, `timestamp` (milliseconds), `key` and `headers` may be left out.\n\
    What the function's filters do not match is shown as filtered, and the handler is not run.\n\n\
    Exits 1 if a record fails.")]
pub(super) struct InvokeArgs {
    /// The function's name
    name: String,
    /// A file of records, one for each line; `-` is stdin
    #[arg(long, value_name = "FILE", required_unless_present = "topic", conflicts_with_all = ["topic", "partition", "offset", "count"])]
    file: Option<PathBuf>,
    /// Each line is a record's value, as it is
    #[arg(long, requires = "file")]
    raw: bool,
    /// Take the records from this topic
    #[arg(long, value_name = "TOPIC", requires = "offset")]
    topic: Option<String>,
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    partition: i32,
    #[arg(long, value_name = "NUMBER")]
    offset: Option<i64>,
    /// How many records to take from the topic
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    count: usize,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &InvokeArgs) -> anyhow::Result<()> {
    let config = context.load(&args.flags)?.config;
    let command = worker_command(&config)?;
    let limits = PrepareLimits::new(command.clone(), config.limits.clone());
    let program = load(&config.functions.path.join(&args.name), &args.name, &limits, |_| {})?;
    let records = match (&args.file, &args.topic, args.offset) {
        (Some(file), ..) => input::read(file, args.raw, &defaults(&program))?,
        (None, Some(topic), Some(offset)) => topic::read(&config, topic, args.partition, offset, args.count)?,
        _ => unreachable!("the arguments require a file, or a topic and an offset"),
    };
    let mut engine = engine(&config, command, &program)?;
    let mut failed = 0;
    let mut all = Vec::new();
    let mut show = |invoked: Invoked| -> anyhow::Result<()> {
        failed += usize::from(!invoked.outcome.is_success());
        if context.is_json() {
            all.push(as_json(&invoked));
        } else {
            context.print(&as_text(context.paint, &invoked))?;
        }
        Ok(())
    };
    let Sifted { wanted, unwanted } = sift(program.manifest.filter.as_ref(), &records);
    let mut unwanted = unwanted.into_iter().peekable();
    let mut shown = 0;
    for group in engine.groups(&wanted) {
        for invoked in engine.run(group)? {
            while let Some((_, filtered)) = unwanted.next_if(|(place, _)| *place == shown) {
                shown += 1;
                show(filtered)?;
            }
            shown += 1;
            show(invoked)?;
        }
    }
    unwanted.try_for_each(|(_, filtered)| show(filtered))?;
    if context.is_json() {
        context.print_json(&serde_json::json!({ "function": program.name(), "records": all, "failed": failed }))?;
    }
    context.note(&format!("{} records, {failed} failed; nothing was produced", records.len()));
    if failed > 0 { Err(Failure::said(exit::FAILURE).into()) } else { Ok(()) }
}

/// What runs the function's records.
pub(super) fn engine(config: &NodeConfig, command: WorkerCommand, program: &Arc<Program>) -> anyhow::Result<Engine> {
    let fetch = Fetch::new(config.fetch_options().context("cannot read `fetch.ca-file`")?, Metrics::new())
        .context("cannot use `fetch.ca-file`")?;
    Ok(Engine::new(command, Arc::clone(program), fetch))
}

/// What a record is when its line does not say it.
fn defaults(program: &Program) -> Given {
    let topic = match &program.manifest.source.topics {
        Topics::Named(names) => names.first().cloned().unwrap_or_default(),
        Topics::Pattern(pattern) => pattern.as_str().to_owned(),
    };
    Given { topic, timestamp: jiff::Timestamp::now().as_millisecond(), ..Given::default() }
}
