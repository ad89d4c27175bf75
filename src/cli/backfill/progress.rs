//! Watching the job until it ends: a bar for people, a line now and then for logs.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{engine::Engine, job::Job};
use crate::{
    cli::{context::Context, table::number},
    kafka::Settings,
    shutdown::Shutdown,
    status::FunctionState,
};

/// How often Kafka is asked how far the job is.
const LOOK: Duration = Duration::from_millis(500);
/// How often a line is written where nobody watches.
const LINE: Duration = Duration::from_secs(5);
/// So long nothing has come and nothing is underway: what is left may hold no records, since they were compacted away.
const SILENCE: Duration = Duration::from_secs(20);

/// How a job has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Complete,
    Interrupted,
    /// It cannot go on by itself.
    Stuck(String),
}

pub(super) fn watch(context: &Context, engine: &Engine, job: &Job, settings: &Settings, shutdown: &Shutdown) -> Ending {
    let bar = bar(context, job.total());
    let begun = Instant::now();
    let mut said = begun;
    let mut moved = (begun, 0);
    loop {
        if shutdown.wait_for(LOOK) {
            bar.abandon();
            return Ending::Interrupted;
        }
        if engine.has_ended() {
            bar.abandon();
            return Ending::Stuck("its worker processes kept dying".to_owned());
        }
        let status = engine.status();
        if status.state == FunctionState::Stopped {
            bar.abandon();
            return Ending::Stuck(status.state_reason.unwrap_or_default());
        }
        let Some(left) = job.left_now() else { continue };
        if left == 0 {
            bar.finish_and_clear();
            return Ending::Complete;
        }
        let done = job.total().saturating_sub(left);
        let seen = engine.metrics.records_in.get() + done;
        if seen != moved.1 || status.in_flight > 0 || status.assignment.is_empty() {
            moved = (Instant::now(), seen);
        } else if moved.0.elapsed() > SILENCE {
            match job.holds_nothing_more(settings) {
                Ok(true) => {
                    bar.finish_and_clear();
                    return Ending::Complete;
                }
                Ok(false) => {
                    bar.suspend(|| context.note("records are left, and Kafka has sent none for a while; waiting"))
                }
                Err(error) => bar.suspend(|| context.note(&format!("waiting for Kafka: {error:#}"))),
            }
            moved.0 = Instant::now();
        }
        bar.set_position(done);
        bar.set_message(letters(engine));
        if bar.is_hidden() && said.elapsed() >= LINE {
            said = Instant::now();
            context.note(&line(engine, job, done, begun.elapsed()));
        }
    }
}

fn line(engine: &Engine, job: &Job, done: u64, time: Duration) -> String {
    let speed = (done as f64 / time.as_secs_f64().max(1e-3)).round() as u64;
    format!(
        "{:>3} %  {} of {}  {} records/s  {}",
        done * 100 / job.total().max(1),
        number(done),
        number(job.total()),
        number(speed),
        letters(engine)
    )
}

fn letters(engine: &Engine) -> String {
    format!("{} dead letters", number(engine.metrics.counters().dead_lettered))
}

fn bar(context: &Context, total: u64) -> ProgressBar {
    let target = if context.is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style =
        ProgressStyle::with_template("{bar:30} {percent:>3} %  {human_pos}/{human_len}  {per_sec}  {eta}  {msg}");
    ProgressBar::with_draw_target(Some(total), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
