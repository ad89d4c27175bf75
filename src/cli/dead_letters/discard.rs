//! `eddyline dead-letters discard`.

use clap::Args;
use serde_json::json;

use super::{
    desk::Desk,
    marks::{self, Mark, Marks, State},
    replay::find,
    select::Selection,
    writer::{Record, Writer},
};
use crate::cli::{args::NodeFlags, confirm::confirm, context::Context, exit, failure::Failure, table::number};

/// Marks that are written before Kafka has to have them.
const TOGETHER: usize = 1000;

/// Put dead letters aside: nothing is to come of them
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline dead-letters discard enrich-orders.dead-letter/0/17\n  \
    eddyline dead-letters discard enrich-orders --code E2201 --until 30d --yes\n\n\
    The letters stay in their topic for as long as Kafka keeps them; `list --all` shows them, and `replay --again`\n\
    replays them after all. Asks before it discards more than one.")]
pub(super) struct DiscardArgs {
    #[command(flatten)]
    selection: Selection,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &DiscardArgs) -> anyhow::Result<()> {
    args.selection.require()?;
    let desk = Desk::open(context, &args.flags)?;
    let wanted = args.selection.resolve(&desk)?;
    marks::prepare(&desk)?;
    let known = Marks::read(&desk)?;
    let letters = find(&desk, &wanted, &known, false)?;
    let count = letters.len();
    if count > 1 {
        confirm(&format!("Discard {} dead letters?", number(count as u64)), args.yes)?;
    }
    let mut writer = Writer::new(&desk.settings)?;
    let bar = desk.bar("discarding");
    bar.set_length(count as u64);
    for some in letters.chunks(TOGETHER) {
        for (place, head) in some.iter().enumerate() {
            let value = Mark::new(State::Discarded, head).value();
            writer.write(place, &Record::mark(marks::key(head).as_bytes(), Some(&value)))?;
        }
        if let Some((_, reason)) = writer.flush()?.pop_first() {
            return Err(Failure::new(exit::FAILURE, format!("Kafka did not take a mark: {reason}")).into());
        }
        bar.inc(some.len() as u64);
    }
    bar.finish_and_clear();
    writer.forget(known.obsolete(&desk, &wanted)?)?;
    if context.is_json() {
        return context.print_json(&json!({ "discarded": count }));
    }
    Ok(context.print(&format!("{} discarded\n", number(count as u64)))?)
}
