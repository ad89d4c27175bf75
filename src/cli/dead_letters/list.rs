//! `eddyline dead-letters list`.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    desk::Desk,
    head::{Head, Place},
    marks::{Mark, Marks},
    readable,
    scan::scan,
    select::Selection,
};
use crate::cli::{
    args::NodeFlags,
    context::Context,
    table::{number, table, text},
};

/// Letters that a table shows, unless `--limit` says otherwise.
const SHOWN: usize = 100;
const MESSAGE_WIDTH: usize = 80;

/// List dead letters: those that wait for somebody, or all
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline dead-letters list\n  \
    eddyline dead-letters list enrich-orders --since 2h --code E2001\n  \
    eddyline dead-letters list enrich-orders --all --output json | jq .message\n\n\
    Without a function, those of all functions in the folder. As JSON, one line for each letter.")]
pub(super) struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    /// Also those that were replayed or discarded, with what became of them
    #[arg(long)]
    all: bool,
    /// The newest so many; by default 100 as a table, and all as JSON
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    #[command(flatten)]
    flags: NodeFlags,
}

/// The newest letters, sorted by time.
struct Newest {
    limit: usize,
    letters: BTreeMap<(Timestamp, Place), (Head, Option<Mark>)>,
    found: u64,
}

impl Newest {
    fn add(&mut self, head: Head, mark: Option<Mark>) {
        self.found += 1;
        self.letters.insert((head.time(), head.place.clone()), (head, mark));
        if self.letters.len() > self.limit {
            self.letters.pop_first();
        }
    }
}

pub(super) fn run(context: &Context, args: &ListArgs) -> anyhow::Result<()> {
    let desk = Desk::open(context, &args.flags)?;
    let wanted = args.selection.resolve(&desk)?;
    let marks = Marks::read(&desk)?;
    // As JSON without a limit, nothing is kept.
    let streams = context.is_json() && args.limit.is_none();
    let mut newest = Newest { limit: args.limit.unwrap_or(SHOWN), letters: BTreeMap::new(), found: 0 };
    let bar = desk.bar("looking for dead letters");
    let others = scan(&desk, &wanted, &bar, |head, _| {
        let mark = marks.of(&head);
        if mark.is_some() && !args.all {
            return Ok(true);
        }
        if streams {
            newest.found += 1;
            bar.suspend(|| print(context, &head, mark))?;
        } else {
            newest.add(head, mark.cloned());
        }
        Ok(true)
    })?;
    bar.finish_and_clear();
    if context.is_json() {
        newest.letters.values().try_for_each(|(head, mark)| print(context, head, mark.as_ref()))?;
    } else if !newest.letters.is_empty() {
        context.print(&rows(newest.letters.values(), args.all))?;
    }
    if others > 0 {
        context.note(&format!("{} records are no dead letters", number(others)));
    }
    context.note(&summary(&newest, streams));
    Ok(())
}

fn print(context: &Context, head: &Head, mark: Option<&Mark>) -> anyhow::Result<()> {
    Ok(context.print(&format!("{}\n", as_json(head, mark)))?)
}

/// A letter and what became of it, for programs.
pub(super) fn as_json(head: &Head, mark: Option<&Mark>) -> Value {
    let mut json = head.as_json();
    json["state"] = mark.map_or("open", |mark| mark.state.name()).into();
    json["mark"] = json!(mark);
    json
}

fn rows<'l>(letters: impl Iterator<Item = &'l (Head, Option<Mark>)>, all: bool) -> String {
    let mut columns = vec!["function", "letter", "code", "failed at", ">attempts", "message"];
    if all {
        columns.insert(2, "state");
    }
    let mut rows = table(&columns);
    for (head, mark) in letters {
        let mut cells = vec![
            readable::line(&head.function, MESSAGE_WIDTH),
            head.place.to_string(),
            readable::line(&head.code, MESSAGE_WIDTH),
            format!("{:.0}", head.time()),
            head.attempts.to_string(),
            readable::line(&head.message, MESSAGE_WIDTH),
        ];
        if all {
            cells.insert(2, mark.as_ref().map_or("open", |mark| mark.state.name()).to_owned());
        }
        rows.add_row(cells);
    }
    text(&rows)
}

fn summary(newest: &Newest, streams: bool) -> String {
    let shown = if streams { newest.found } else { newest.letters.len() as u64 };
    match (newest.found, shown) {
        (0, _) => "no dead letters".to_owned(),
        (1, _) => "1 dead letter".to_owned(),
        (found, shown) if found > shown => {
            format!("the newest {} of {} dead letters; --limit shows more", number(shown), number(found))
        }
        (found, _) => format!("{} dead letters", number(found)),
    }
}
