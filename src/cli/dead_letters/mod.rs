//! `eddyline dead-letters`: lists the records that failed for good, shows them, runs them again, or puts them aside.
//!
//! Kafka cannot mark a record, so what became of a letter is kept in a topic of its own ([`marks`]).
//!
//! A replay runs the record in this very process, through a confined worker, and writes its results itself. Writing it
//! back to its source instead would show it to every other function that reads the topic, at another place, at another
//! time and behind newer records of its key; and nobody could tell when it is done.

mod desk;
mod discard;
mod head;
mod letter;
mod list;
mod marks;
mod readable;
mod replay;
mod scan;
mod select;
mod session;
mod show;
mod version;
mod writer;

use clap::{Args, Subcommand};

use super::context::Context;

/// List, show, replay or discard the records that functions could not process
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  \
    eddyline dead-letters list enrich-orders --since 2h\n  \
    eddyline dead-letters show enrich-orders.dead-letter/0/17\n  \
    eddyline dead-letters replay enrich-orders --code E2001\n  \
    eddyline dead-letters discard enrich-orders.dead-letter/0/17\n\n\
    A letter is named by its place: TOPIC/PARTITION/OFFSET in the dead-letter topic.\n\
    What was replayed or discarded is kept in the compacted topic `_eddyline.dead-letters`."
)]
pub(super) struct DeadLettersArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Replay(replay::ReplayArgs),
    Discard(discard::DiscardArgs),
}

pub(super) fn run(context: &Context, args: &DeadLettersArgs) -> anyhow::Result<()> {
    match &args.verb {
        Verb::List(args) => list::run(context, args),
        Verb::Show(args) => show::run(context, args),
        Verb::Replay(args) => replay::run(context, args),
        Verb::Discard(args) => discard::run(context, args),
    }
}
