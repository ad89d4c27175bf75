//! `eddyline backfill`: runs a function over a stretch of its topics, beside the consumer that goes on.

mod engine;
mod job;
mod places;
mod progress;
mod report;

use std::{collections::BTreeSet, sync::Arc};

use clap::Args;
use jiff::Timestamp;

use super::{
    args::NodeFlags,
    context::Context,
    exit,
    failure::Failure,
    loading::load,
    traffic::{require_brokers, settings},
};
use crate::{
    config::NodeConfig,
    control::{self, PrepareLimits},
    kafka::Topics,
    manifest::{Manifest, check_topic_name, is_kept},
    node::worker_command,
    shutdown::Shutdown,
};
use engine::Engine;
use job::{Begin, Job};
use progress::Ending;
use report::Report;

/// Run a function over records that are there already, beside the consumer that goes on
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline backfill enrich-orders --from 2026-01-01 --to 2026-02-01 --sink orders.enriched.again\n  \
    eddyline backfill enrich-orders --from earliest --rate 500\n  \
    eddyline backfill enrich-orders --resume\n  \
    eddyline backfill enrich-orders --from 7d --to 1d --job second --output json\n\n\
    The job runs in this process, with workers of its own, and in a consumer group of its own,\n\
    eddyline.<function>.backfill: the function itself goes on meanwhile, and its positions stay where they are. What is\n\
    settled when the job begins is where it ends: records that come later are not its concern. Retries, dead letters,\n\
    filters and the guarantee are those of the manifest; skip-older-than is not heeded, since what is old is wanted here.\n\n\
    Ctrl-C or SIGTERM finishes what is in flight, commits and ends; --resume goes on there, on any machine. The same job\n\
    may run in several processes at once, which divide the partitions among them: start one, and the others with --resume.\n\n\
    Exits 0 when everything was run and no record ended as a dead letter, otherwise 1.")]
pub(super) struct BackfillArgs {
    /// The function's name
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// Where to begin: earliest, latest, a time (2026-01-31T08:00:00Z, 2026-01-31), how long ago (2h), or an offset
    #[arg(long, value_name = "PLACE", required_unless_present = "resume", conflicts_with = "resume")]
    from: Option<String>,
    /// Where to end, before that place; by default where the topics end now
    #[arg(long, value_name = "PLACE", conflicts_with = "resume")]
    to: Option<String>,
    /// Go on with the job that was interrupted
    #[arg(long)]
    resume: bool,
    /// Begin anew, though a job of this name was interrupted
    #[arg(long, conflicts_with = "resume")]
    restart: bool,
    /// Write results to this topic instead of the manifest's sink
    #[arg(long, value_name = "TOPIC")]
    sink: Option<String>,
    /// At most so many records in a second
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// The job's name, for several of one function
    #[arg(long, value_name = "NAME", value_parser = job_name)]
    job: Option<String>,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &BackfillArgs) -> anyhow::Result<()> {
    let config = context.load(&args.flags)?.config;
    require_brokers(&config)?;
    context.start_logs(&quiet(&config.logging))?;
    let now = Timestamp::now();
    let begin = match args.resume {
        true => Begin::GoOn,
        false => {
            let from = args.from.as_deref().unwrap_or("earliest");
            let (from, to) = places::between(from, args.to.as_deref(), now)?;
            Begin::At { from, to, anew: args.restart }
        }
    };
    let command = worker_command(&config)?;
    let limits = PrepareLimits::new(command.clone(), config.limits.clone());
    let (mut fits, mut apart) = (Ok(()), dead_letters(&config, &limits)?);
    let program = load(&config.functions.path.join(&args.function), &args.function, &limits, |manifest| {
        fits = args.sink.as_deref().map_or(Ok(()), |sink| check_sink(manifest, sink));
        apart.extend(manifest.sink.topics().map(str::to_owned));
        change(manifest, args);
    })?;
    fits?;
    let settings = settings(&config)?;
    let topics = Topics::new(&settings, None)?;
    let job = Job::begin(&settings, &topics, &program.manifest, &apart, &begin)?;
    context.note(&job.describe());
    let shutdown = Shutdown::on_signals()?;
    let mut report = Report::new(&job, &program);
    if job.left() > 0 {
        let engine = Engine::start(&config, &settings, topics, command, &program, &job, args.rate)?;
        let numbers = Arc::clone(&engine.metrics);
        let ending = progress::watch(context, &engine, &job, &settings, &shutdown);
        let paused = engine.stop(config.shutdown.timeout);
        let ending = paused.map_or(ending, Ending::Stuck);
        if ending == Ending::Complete {
            job.finish()?;
        }
        report.counters = numbers.counters();
        report.left = job.left();
        report.ending = Some(ending);
    }
    report.show(context)
}

/// The manifest as the job wants it.
fn change(manifest: &mut Manifest, args: &BackfillArgs) {
    let group = &mut manifest.source.group;
    group.push_str(".backfill");
    if let Some(job) = &args.job {
        group.push('.');
        group.push_str(job);
    }
    manifest.source.skip_older_than = None;
    if let Some(sink) = &args.sink {
        manifest.sink.topic = Some(sink.clone());
    }
}

/// No pattern matches them, as while functions run.
fn dead_letters(config: &NodeConfig, limits: &PrepareLimits) -> Result<BTreeSet<String>, Failure> {
    let path = &config.functions.path;
    control::dead_letter_topics(path, &limits.parsing()).map_err(|error| {
        Failure::new(exit::FAILURE, format!("cannot read the functions in {}: {error}", path.display()))
            .with_hint("--functions names another folder")
    })
}

/// What the job writes must not be what it reads, nor what the cluster keeps for itself.
fn check_sink(manifest: &Manifest, sink: &str) -> Result<(), Failure> {
    let failure = |message: String, hint: &str| Err(Failure::new(exit::USAGE, message).with_hint(hint));
    if let Err(problem) = check_topic_name(sink) {
        return failure(format!("--sink {sink:?} is no topic to write to: {problem}"), "name another topic");
    }
    if is_kept(sink) {
        return failure(format!("{sink:?} is an internal topic, functions cannot write to it"), "name another topic");
    }
    if manifest.reads(sink) {
        let message = format!("{:?} reads {sink:?} itself, so results would become records of the job", manifest.name);
        return failure(message, "name a topic that is none of its sources");
    }
    Ok(())
}

/// Records that fail are counted in the summary; what people watch is the bar.
fn quiet(logging: &crate::config::LoggingConfig) -> crate::config::LoggingConfig {
    let mut logging = logging.clone();
    if logging.level == "info" {
        logging.level = "warn".to_owned();
    }
    logging
}

fn job_name(text: &str) -> Result<String, String> {
    let is_fine = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
    match !text.is_empty() && text != "to" && text.chars().all(is_fine) {
        true => Ok(text.to_owned()),
        false => Err("give lower-case letters, digits and hyphens, but not \"to\"".to_owned()),
    }
}
