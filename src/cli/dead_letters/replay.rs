//! `eddyline dead-letters replay`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use clap::Args;

use super::{
    desk::Desk,
    head::{Head, Place},
    letter::Letter,
    marks::{self, Marks},
    scan::{no_letter, scan},
    select::{Selection, Wanted},
    session::{Session, Tally, Ways},
    version,
};
use crate::{
    cli::{args::NodeFlags, confirm::confirm, context::Context, exit, failure::Failure, table::number},
    function::Program,
};

/// Run the records of dead letters through their function again, and write what comes of them
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline dead-letters replay enrich-orders.dead-letter/0/17\n  \
    eddyline dead-letters replay enrich-orders --code E2001 --since 2h\n  \
    eddyline dead-letters replay enrich-orders --dry-run\n  \
    eddyline dead-letters replay enrich-orders --version ../enrich-orders-1.4 --yes\n\n\
    This process runs the handler itself, in a confined worker, as the folder of functions has it; no node is asked.\n\
    Each record runs once, at its own place, with its own timestamp and headers, whatever its age. A batch handler gets\n\
    a batch of one. Results come behind what the function has written since.\n\
    A letter is marked once Kafka has all results of its record; with `guarantee = \"exactly-once\"` both are one\n\
    transaction. One that fails again stays listed. Asks before it replays more than one.\n\n\
    Exits 1 if a record fails again.")]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    selection: Selection,
    /// Run them through this version: a folder that holds it, or the beginning of the digest that the present one must have
    #[arg(long, value_name = "FOLDER|DIGEST")]
    version: Option<String>,
    /// What fails again becomes a new letter, with the new error, in place of the old one
    #[arg(long)]
    dead_letter_again: bool,
    /// Also those that were replayed or discarded before
    #[arg(long)]
    again: bool,
    /// Run the handler and show what comes of it, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    flags: NodeFlags,
}

/// One function's letters, and the version that they are for.
struct Job {
    program: Arc<Program>,
    places: BTreeSet<Place>,
}

pub(super) fn run(context: &Context, args: &ReplayArgs) -> anyhow::Result<()> {
    args.selection.require()?;
    let desk = Desk::open(context, &args.flags)?;
    let wanted = args.selection.resolve(&desk)?;
    if !args.dry_run {
        marks::prepare(&desk)?;
    }
    let letters = find(&desk, &wanted, &Marks::read(&desk)?, args.again)?;
    let jobs = jobs(&desk, letters, args.version.as_deref())?;
    let total: usize = jobs.iter().map(|job| job.places.len()).sum();
    if total > 1 && !args.dry_run {
        confirm(&question(&jobs, total), args.yes)?;
    }
    let bar = desk.bar("replaying");
    bar.set_length(total as u64);
    let mut sum = Tally::default();
    for job in jobs {
        let tally = replay(&desk, &wanted, job, args, &bar)?;
        sum.replayed += tally.replayed;
        sum.failed += tally.failed;
        sum.renewed += tally.renewed;
    }
    bar.finish_and_clear();
    if args.dry_run {
        context.note(&format!("{} dead letters; nothing was written", number(total as u64)));
        return Ok(());
    }
    context.note(&summary(sum));
    if sum.failed + sum.renewed > 0 { Err(Failure::said(exit::FAILURE).into()) } else { Ok(()) }
}

/// The letters that are wanted and open, without what they say at length. Of those that were named by their places each has to be there, and open.
pub(super) fn find(desk: &Desk<'_>, wanted: &Wanted, marks: &Marks, again: bool) -> anyhow::Result<Vec<Head>> {
    let mut missing = wanted.places.clone();
    let mut letters = Vec::new();
    let bar = desk.bar("looking for dead letters");
    scan(desk, wanted, &bar, |head, _| {
        missing.remove(&head.place);
        match marks.of(&head).filter(|_| !again) {
            None => letters.push(Head { message: String::new(), stack: String::new(), ..head }),
            Some(mark) if !wanted.places.is_empty() => {
                let message = format!("{} was {} at {}", head.place, mark.state.name(), mark.at);
                let hint = "`eddyline dead-letters replay --again` runs it nevertheless";
                return Err(Failure::new(exit::FAILURE, message).with_hint(hint).into());
            }
            Some(_) => {}
        }
        Ok(true)
    })?;
    bar.finish_and_clear();
    match missing.first() {
        Some(place) => Err(no_letter(place).into()),
        None => Ok(letters),
    }
}

/// Divides letters by function, and loads the versions.
fn jobs(desk: &Desk<'_>, letters: Vec<Head>, version: Option<&str>) -> anyhow::Result<Vec<Job>> {
    let mut functions: BTreeMap<String, BTreeSet<Place>> = BTreeMap::new();
    for head in letters {
        functions.entry(head.function).or_default().insert(head.place);
    }
    if version.is_some() && functions.len() > 1 {
        let names: Vec<&str> = functions.keys().map(String::as_str).collect();
        let message = format!("--version is for one function, and these are letters of {}", names.join(", "));
        return Err(Failure::new(exit::USAGE, message).into());
    }
    let job = |(function, places): (String, _)| Ok(Job { program: version::load(desk, &function, version)?, places });
    functions.into_iter().map(job).collect()
}

fn question(jobs: &[Job], total: usize) -> String {
    let versions: Vec<String> = jobs
        .iter()
        .map(|job| format!("{} (version {})", job.program.name(), version::short(&job.program.digest)))
        .collect();
    format!("Replay {} dead letters through {}?", number(total as u64), versions.join(", "))
}

fn replay(
    desk: &Desk<'_>,
    wanted: &Wanted,
    job: Job,
    args: &ReplayArgs,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<Tally> {
    let ways = Ways { renew: args.dead_letter_again, dry: args.dry_run };
    let mut session = Session::open(desk, job.program, ways, bar)?;
    // Read again: in transactions nobody else can mark any from now on, and who did before is heard here.
    let marks = Marks::read(desk)?;
    scan(desk, &wanted.only(job.places), &indicatif::ProgressBar::hidden(), |head, message| {
        if args.again || marks.of(&head).is_none() {
            session.add(Letter::new(head, message))?;
        }
        Ok(true)
    })?;
    session.finish(marks.obsolete(desk, wanted)?)
}

fn summary(Tally { replayed, failed, renewed }: Tally) -> String {
    let mut parts = vec![format!("{} replayed", number(replayed))];
    if failed > 0 {
        parts.push(format!("{} failed again and stay listed", number(failed)));
    }
    if renewed > 0 {
        parts.push(format!("{} failed again and became new letters", number(renewed)));
    }
    parts.join(", ")
}
