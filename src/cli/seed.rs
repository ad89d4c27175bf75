//! `eddyline seed`: fills topics with sample data.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{
    args::NodeFlags,
    context::Context,
    table::number,
    traffic::{Feed, Reader, Writer, create_topics, load_feeds, settings},
};
use crate::kafka::{Settings, Topics};

/// The broker may be starting beside us.
const PATIENCE: Duration = Duration::from_secs(60);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);

/// Write sample data to topics
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline seed --brokers localhost:9092\n  \
    eddyline seed --once\n  \
    eddyline seed --path my/data\n\n\
    The folder's seed.toml says which file feeds which topic; missing topics are created.")]
pub(super) struct SeedArgs {
    /// Only fill topics that are empty
    #[arg(long)]
    once: bool,
    /// The folder with seed.toml
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    path: PathBuf,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &SeedArgs) -> anyhow::Result<()> {
    let config = context.load(&args.flags)?.config;
    let settings = settings(&config)?;
    context.start_logs(&config.logging)?;
    let mut feeds = load_feeds(&args.path)?;
    let topics = Topics::new(&settings, None)?;
    let created = create_topics(&topics, &feeds, &config, PATIENCE)?;
    let mut skipped = Vec::new();
    if args.once {
        let full = not_empty(&topics, &settings, &feeds)?;
        feeds.retain(|feed| !full.contains(&feed.topic));
        skipped = full;
    }
    let written = write(context, &settings, &feeds)?;
    if context.is_json() {
        let fed: Vec<_> =
            feeds.iter().map(|feed| json!({ "topic": feed.topic, "records": feed.lines.len() })).collect();
        return context.print_json(&json!({ "created": created, "fed": fed, "skipped": skipped, "written": written }));
    }
    for feed in &feeds {
        context.print(&format!("{:>10}  {}\n", number(feed.lines.len() as u64), feed.topic))?;
    }
    for topic in skipped {
        context.note(&format!("{topic} has records already"));
    }
    Ok(())
}

fn not_empty(topics: &Topics, settings: &Settings, feeds: &[Feed]) -> anyhow::Result<Vec<String>> {
    let mut full = Vec::new();
    for feed in feeds {
        let info = topics.describe(&[&feed.topic], PATIENCE)?;
        let ends = Reader::from_beginning(settings, info.iter().flatten())?.ends(PATIENCE)?;
        if ends.iter().any(|partition| partition.high > 0) {
            full.push(feed.topic.clone());
        }
    }
    Ok(full)
}

fn write(context: &Context, settings: &Settings, feeds: &[Feed]) -> anyhow::Result<u64> {
    let total: usize = feeds.iter().map(|feed| feed.lines.len()).sum();
    let bar = bar(context, total as u64);
    let mut writer = Writer::new(settings)?;
    for feed in feeds {
        bar.set_message(feed.topic.clone());
        for line in &feed.lines {
            writer.write(&feed.topic, line, None)?;
            bar.inc(1);
        }
    }
    let written = writer.finish(FLUSH_TIMEOUT)?;
    bar.finish_and_clear();
    Ok(written)
}

fn bar(context: &Context, total: u64) -> ProgressBar {
    let target = if context.is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} {per_sec} {msg}");
    ProgressBar::with_draw_target(Some(total), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
