//! `eddyline seek`: lets a function go on from another place in its topics.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    asking::{Asked, Target as Asking},
    confirm::confirm,
    context::Context,
    exit,
    failure::Failure,
    table::{number, table, text},
};
use crate::moves::{Seek, TARGET_HINT, Target};

/// The function is paused on all nodes first, and each finishes what is in flight.
const PATIENCE: Duration = Duration::from_secs(150);

/// Move a function's positions: it goes on from another place in its topics
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline seek enrich-orders --to earliest\n  \
    eddyline seek enrich-orders --to 2026-01-31T08:00:00Z\n  \
    eddyline seek enrich-orders --to 2h --dry-run\n  \
    eddyline seek enrich-orders --to 1234 --topic orders --partition 3 --yes\n\n\
    It shows what would be skipped and repeated, and asks. Then the function is paused on all nodes, since Kafka does not\n\
    let anybody move a group that has members; its offsets are committed anew; and it is resumed, unless it was paused\n\
    before. If that is interrupted, `eddyline resume` lets it go on from wherever it is.\n\
    Offsets that a partition does not hold become the nearest one. Times are those of the records.")]
pub(super) struct SeekArgs {
    #[command(flatten)]
    asking: Asking,
    /// earliest, latest, a time (2026-01-31T08:00:00Z, 2026-01-31), how long ago (2h), or an offset
    #[arg(long, value_name = "PLACE")]
    to: String,
    /// Only in this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only in partitions of this number
    #[arg(long, value_name = "NUMBER")]
    partition: Option<i32>,
    /// Only show what would come of it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

pub(super) fn run(context: &Context, args: &SeekArgs) -> anyhow::Result<()> {
    // Read here, so that a duration means the same when it is shown and when it is done.
    let to = Target::parse(&args.to, Timestamp::now()).ok_or_else(|| {
        Failure::new(exit::USAGE, format!("--to {:?} is no place to go to", args.to)).with_hint(TARGET_HINT)
    })?;
    let asked = Asked::new(context, &args.asking)?.with_patience(PATIENCE);
    let seek = |dry_run| Seek { to: to.to_string(), topic: args.topic.clone(), partition: args.partition, dry_run };
    let planned = asked.post_json("seek", &seek(true))?;
    if args.dry_run {
        return show(context, &planned);
    }
    if !args.yes {
        context.note(&describe(&planned));
        confirm(&format!("Move the positions of {}?", args.asking.function), args.yes)?;
    }
    context
        .note(&format!("pausing {} on all nodes, which may take as long as its invocations do", args.asking.function));
    let done = asked.post_json("seek", &seek(false))?;
    show(context, &done)?;
    if done["paused"] == true {
        let name = &args.asking.function;
        context.note(&format!("it was paused before and still is; `eddyline resume {name}` lets it go on"));
    }
    Ok(())
}

fn show(context: &Context, plan: &Value) -> anyhow::Result<()> {
    if context.is_json() { context.print_json(plan) } else { Ok(context.print(&describe(plan))?) }
}

fn describe(plan: &Value) -> String {
    let mut rows = table(&["topic", ">partition", ">from", ">to", ">skipped", ">repeated"]);
    let offset = |value: &Value| value.as_i64().map_or_else(|| "none".to_owned(), |offset| offset.to_string());
    let count = |value: &Value| number(value.as_u64().unwrap_or(0));
    for one in plan["partitions"].as_array().into_iter().flatten() {
        let nearest = if one["is_nearest"] == true { " (nearest)" } else { "" };
        rows.add_row([
            one["topic"].as_str().unwrap_or_default().to_owned(),
            offset(&one["partition"]),
            offset(&one["from"]),
            format!("{}{nearest}", offset(&one["to"])),
            count(&one["skipped"]),
            count(&one["repeated"]),
        ]);
    }
    let (done, skipped, repeated) = match plan["applied"] == true {
        true => ("moved", "skipped", "run again"),
        false => ("would move", "would be skipped", "would run again"),
    };
    format!(
        "{}{} {done} to {}: {} records {skipped}, {} {repeated}\n",
        text(&rows),
        plan["function"].as_str().unwrap_or_default(),
        plan["to"].as_str().unwrap_or_default(),
        count(&plan["skipped"]),
        count(&plan["repeated"]),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_plan_is_a_table_and_a_sentence() {
        let plan = json!({
            "function": "enrich", "group": "eddyline.enrich", "to": "latest", "applied": false, "paused": false,
            "skipped": 1200, "repeated": 0,
            "partitions": [
                { "topic": "orders", "partition": 0, "from": 10, "to": 1210, "skipped": 1200, "repeated": 0, "is_nearest": false },
                { "topic": "orders", "partition": 1, "from": null, "to": 0, "skipped": 0, "repeated": 0, "is_nearest": true },
            ],
        });
        let text = super::describe(&plan);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["topic", "partition", "from", "to", "skipped", "repeated"]);
        assert_eq!(lines[1], ["orders", "0", "10", "1210", "1,200", "0"]);
        assert_eq!(lines[2], ["orders", "1", "none", "0", "(nearest)", "0", "0"]);
        let last = "enrich would move to latest: 1,200 records would be skipped, 0 would run again";
        assert_eq!(text.lines().last(), Some(last));
    }
}
