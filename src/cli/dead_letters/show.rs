//! `eddyline dead-letters show`.

use std::collections::BTreeSet;

use clap::Args;

use super::{
    desk::Desk,
    head::{Origin, Place},
    letter::Letter,
    list::as_json,
    marks::{Mark, Marks},
    readable,
    scan::{no_letter, scan},
    select::Selection,
};
use crate::cli::{args::NodeFlags, context::Context, invoke, style::Paint};

/// Show dead letters whole: the error with its stack, and the record that it is about
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline dead-letters show enrich-orders.dead-letter/0/17\n  \
    eddyline dead-letters show enrich-orders.dead-letter/0/17 --output json\n\n\
    What is no text is shown in hexadecimal, and as {\"base64\": \"…\"} in JSON, one line for each letter.\n\
    `record` in the JSON is what `eddyline invoke --file` takes.")]
pub(super) struct ShowArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &ShowArgs) -> anyhow::Result<()> {
    args.selection.require()?;
    let desk = Desk::open(context, &args.flags)?;
    let wanted = args.selection.resolve(&desk)?;
    let marks = Marks::read(&desk)?;
    let mut missing: BTreeSet<Place> = wanted.places.clone();
    let bar = desk.bar("looking for dead letters");
    scan(&desk, &wanted, &bar, |head, message| {
        missing.remove(&head.place);
        let letter = Letter::new(head, message);
        let mark = marks.of(&letter.head);
        let text = if context.is_json() { json(&letter, mark) } else { human(context.paint, &letter, mark) };
        bar.suspend(|| context.print(&text))?;
        Ok(true)
    })?;
    bar.finish_and_clear();
    missing.first().map_or(Ok(()), |place| Err(no_letter(place).into()))
}

fn json(letter: &Letter, mark: Option<&Mark>) -> String {
    let mut json = as_json(&letter.head, mark);
    json["record"] = invoke::record_json(&letter.record);
    format!("{json}\n")
}

fn human(paint: Paint, letter: &Letter, mark: Option<&Mark>) -> String {
    let head = &letter.head;
    let state = match mark {
        None => paint.warning("open"),
        Some(mark) => paint.good(format!("{} at {}", mark.state.name(), mark.at)),
    };
    let mut text = format!("{}  {state}\n", paint.strong(&head.place));
    let mut line = |name: &str, value: &str| {
        let name = paint.faint(format!("{name:<9}"));
        // Further lines stand below the first.
        text.push_str(&format!("  {name} {}\n", value.trim_end().replace('\n', "\n            ")));
    };
    line(
        "function",
        &format!("{}, version {}", readable::line(&head.function, 200), readable::line(&head.version, 40)),
    );
    line("error", &format!("{}  {}", readable::line(&head.code, 40), readable::harmless(&head.message, true)));
    if !head.stack.is_empty() {
        line("stack", &readable::harmless(head.stack.trim_start(), true));
    }
    line("failed", &format!("{:.3}, attempt {}", head.time(), head.attempts));
    let Origin { topic, partition, offset, timestamp } = &head.record;
    let time = timestamp.map(|time| format!(", {time:.3}")).unwrap_or_default();
    line("record", &format!("{}/{partition}/{offset}{time}", readable::line(topic, 300)));
    line("key", &readable::short(letter.record.key.as_deref()));
    for (name, value) in &letter.record.headers {
        line("header", &format!("{}: {}", readable::short(Some(name)), readable::short(value.as_deref())));
    }
    line("value", &readable::value(letter.record.value.as_deref()));
    text + "\n"
}
