//! What the demo has to say in the end.

use std::path::Path;

use serde::Serialize;

use super::{
    account::Account,
    letters::Letters,
    live::{Speed, milliseconds},
    samples::Sample,
};
use crate::cli::{
    context::Context,
    table::{self, number},
};

/// Samples shown to people; programs get all.
const SHOWN_SAMPLES: usize = 4;
const SHOWN_REASONS: usize = 4;
/// Lines of one sample.
const SHOWN_LINES: usize = 14;

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) complete: bool,
    pub(super) speed: Speed,
    pub(super) accounts: Vec<Account>,
    pub(super) letters: Vec<Letters>,
    pub(super) samples: Vec<Sample>,
}

impl Report {
    pub(super) fn print(&self, context: &Context, path: &Path) -> anyhow::Result<()> {
        if context.is_json() {
            return context.print_json(self);
        }
        let sections = [self.samples(context), self.letters(context), self.accounts(context), self.speed(context)];
        context.print(&sections.join("\n"))?;
        if self.complete {
            context.print(&next_steps(context, path))?;
        }
        Ok(())
    }

    fn samples(&self, context: &Context) -> String {
        let mut text = title(context, "What functions made of records");
        // Functions that read what was fed come first: their inputs tell most.
        for sample in self.chosen_samples() {
            let mut rows = table::table(&[&sample.source, &sample.sink]);
            table::share_width(&mut rows);
            rows.add_row([excerpt(&sample.input), excerpt(&sample.output)]);
            text.push_str(&format!("{}\n{}\n", context.paint.name(&sample.function), table::text(&rows)));
        }
        text
    }

    fn chosen_samples(&self) -> Vec<&Sample> {
        let is_first = |sample: &&Sample| self.samples.iter().all(|other| other.sink != sample.source);
        let mut chosen: Vec<&Sample> = self.samples.iter().filter(is_first).collect();
        chosen.extend(self.samples.iter().filter(|sample| !is_first(sample)));
        chosen.truncate(SHOWN_SAMPLES);
        chosen
    }

    fn letters(&self, context: &Context) -> String {
        let mut text = title(context, "Where dead letters went, and why");
        if self.letters.is_empty() {
            text.push_str("there were none\n");
            return text;
        }
        let mut rows = table::table(&["dead-letter topic", "code", ">records", "reason"]);
        for letters in &self.letters {
            let more = letters.reasons.len().saturating_sub(SHOWN_REASONS);
            for (index, (reason, records)) in letters.reasons.iter().take(SHOWN_REASONS).enumerate() {
                let first = index == 0;
                let (topic, code) = if first { (&*letters.topic, &*letters.code) } else { ("", "") };
                rows.add_row([topic, code, &number(*records), reason]);
            }
            if more > 0 {
                let shown: u64 = letters.reasons.iter().take(SHOWN_REASONS).map(|reason| reason.1).sum();
                rows.add_row(["", "", &number(letters.records - shown), &format!("… {more} more reasons")]);
            }
        }
        text.push_str(&table::text(&rows));
        text
    }

    fn accounts(&self, context: &Context) -> String {
        let mut text = title(context, "The account: every record of every source topic");
        let mut rows =
            table::table(&["function", ">in topics", ">in", ">done", ">filtered", ">dead letters", ">results", ""]);
        for account in &self.accounts {
            let counters = account.counters;
            let verdict = account.difference().unwrap_or_else(|| "complete".to_owned());
            rows.add_row([
                account.function.clone(),
                number(account.held_by_sources),
                number(counters.records_in),
                number(counters.done),
                number(counters.filtered),
                number(counters.dead_lettered),
                number(counters.records_out),
                verdict,
            ]);
        }
        text.push_str(&table::text(&rows));
        text
    }

    fn speed(&self, context: &Context) -> String {
        let Speed { seconds, records_fed, records_handled, records_per_second, latency_ms } = &self.speed;
        let paint = context.paint;
        let verdict = if self.complete {
            paint.good("Every record is accounted for.")
        } else {
            paint.bad("Records are missing or doubled: see the account.")
        };
        format!(
            "{verdict} In {seconds:.0} s, {} records were fed and handled {} times by {} functions: {} a second, \
             latency p50 {}, p99 {}.\n",
            number(*records_fed),
            number(*records_handled),
            self.accounts.len(),
            number(records_per_second.round() as u64),
            milliseconds(latency_ms.p50),
            milliseconds(latency_ms.p99),
        )
    }
}

fn title(context: &Context, text: &str) -> String {
    format!("\n{}\n", context.paint.strong(text))
}

fn next_steps(context: &Context, path: &Path) -> String {
    let paint = context.paint;
    let at = if path == Path::new(".") { String::new() } else { format!(" --functions {}/functions", path.display()) };
    let steps = [
        (format!("eddyline graph{at}"), "see how the functions are joined"),
        ("eddyline new my-function".to_owned(), "write one of your own"),
        (format!("eddyline dev{at}"), "run them, with a broker inside; edit a handler and watch it reload"),
        (format!("eddyline run --brokers localhost:9092{at}"), "run them on your Kafka"),
    ];
    let mut text = title(context, "What to try next");
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    for (command, what) in &steps {
        text.push_str(&format!("  {}{}  {what}\n", paint.name(command), " ".repeat(width - command.len())));
    }
    text
}

/// A value as people read it: JSON over several lines, cut where it gets long.
fn excerpt(value: &str) -> String {
    let pretty = serde_json::from_str::<serde_json::Value>(value).and_then(|json| serde_json::to_string_pretty(&json));
    let text = pretty.unwrap_or_else(|_| value.to_owned());
    let mut lines: Vec<&str> = text.lines().take(SHOWN_LINES).collect();
    if text.lines().count() > SHOWN_LINES {
        lines.push("…");
    }
    lines.join("\n")
}
