//! What came of the job, for people and programs.

use std::time::Instant;

use serde_json::json;

use super::{job::Job, progress::Ending};
use crate::{
    cli::{context::Context, exit, failure::Failure, table::number},
    function::Program,
    status::Counters,
};

pub(super) struct Report {
    function: String,
    group: String,
    sink: Option<String>,
    begun: Instant,
    /// Nothing was left to do, if there is none.
    pub(super) ending: Option<Ending>,
    pub(super) counters: Counters,
    /// Offsets that are left.
    pub(super) left: u64,
}

impl Report {
    pub(super) fn new(job: &Job, program: &Program) -> Report {
        Report {
            function: program.name().to_owned(),
            group: job.group.clone(),
            sink: program.manifest.sink.topic.clone(),
            begun: Instant::now(),
            ending: None,
            counters: Counters::default(),
            left: 0,
        }
    }

    pub(super) fn show(&self, context: &Context) -> anyhow::Result<()> {
        let complete = matches!(self.ending, None | Some(Ending::Complete));
        let seconds = self.begun.elapsed().as_secs_f64();
        let Counters { records_in, records_out, done, filtered, dead_lettered, retried, .. } = self.counters;
        if context.is_json() {
            context.print_json(&json!({
                "function": self.function, "group": self.group, "sink": self.sink, "complete": complete,
                "in": records_in, "out": records_out, "done": done, "filtered": filtered, "retried": retried,
                "dead_lettered": dead_lettered, "left": self.left, "seconds": seconds,
            }))?;
        } else {
            context.print(&format!(
                "{}: {} records in {seconds:.1} s: {} done, {} filtered, {} dead letters; {} results{}\n",
                self.function,
                number(records_in),
                number(done),
                number(filtered),
                number(dead_lettered),
                number(records_out),
                self.sink.as_ref().map(|sink| format!(" to {sink}")).unwrap_or_default(),
            ))?;
        }
        let resume = "the same command with --resume instead of --from and --to goes on where it was";
        match &self.ending {
            Some(Ending::Interrupted) => {
                let message = format!("interrupted, with {} records left", number(self.left));
                Err(Failure::new(exit::FAILURE, message).with_hint(resume).into())
            }
            Some(Ending::Stuck(reason)) => {
                let message = format!("the job cannot go on: {reason}");
                Err(Failure::new(exit::FAILURE, message).with_hint(format!("when that is mended, {resume}")).into())
            }
            _ if dead_lettered > 0 => {
                let message = format!("{} records ended as dead letters", number(dead_lettered));
                Err(Failure::new(exit::FAILURE, message)
                    .with_hint("everything else was done; their headers say why")
                    .into())
            }
            _ => Ok(()),
        }
    }
}
