//! What people see while records flow: a table that is drawn again and again, or a line now and then.

use std::{
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{feeder, flow::Flow, stage::Stage};
use crate::{
    cli::{
        context::Context,
        table::{self, number},
    },
    shutdown::Shutdown,
    telemetry::quantile_of,
};

const FRAME: Duration = Duration::from_millis(500);
/// Where nobody watches, a line after so many frames.
const FRAMES_PER_LINE: u32 = 6;

/// How fast it went, over the whole time.
#[derive(Debug, Serialize)]
pub(super) struct Speed {
    pub(super) seconds: f64,
    /// Written to the topics by the demo itself.
    pub(super) records_fed: u64,
    /// Taken by all functions.
    pub(super) records_handled: u64,
    pub(super) records_per_second: f64,
    /// From taking a record until its results are acknowledged.
    pub(super) latency_ms: Latency,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Latency {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
}

/// The numbers of one function at one moment.
#[derive(Clone, Default)]
struct Mark {
    records_in: u64,
    latencies: Vec<u64>,
}

/// Feeds records for some time and shows what happens meanwhile.
pub(super) fn feed_and_watch(
    context: &Context,
    stage: &Stage,
    shutdown: &Shutdown,
    time: Duration,
) -> anyhow::Result<Speed> {
    let begin = Instant::now();
    let first = marks(&stage.flow);
    thread::scope(|scope| {
        let feeding = thread::Builder::new()
            .name("feeder".to_owned())
            .spawn_scoped(scope, || feeder::feed(stage, shutdown, time))?;
        let mut screen = Screen::default();
        let (mut last, mut last_time) = (first.clone(), begin);
        for frame in 1_u32.. {
            // A signal ends the feeding; until it has ended there is still something to see.
            if feeding.is_finished() {
                break;
            }
            thread::park_timeout(FRAME);
            let now = Instant::now();
            if context.is_watched() {
                let current = marks(&stage.flow);
                let lines = frame_text(context, &stage.flow, &last, &current, now - last_time, now - begin);
                screen.draw(&lines);
                (last, last_time) = (current, now);
            } else if frame % FRAMES_PER_LINE == 0 {
                let current = marks(&stage.flow);
                context.note(&line(&last, &current, now - last_time, now - begin));
                (last, last_time) = (current, now);
            }
        }
        feeding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    Ok(speed(&stage.flow, &first, begin.elapsed()))
}

fn marks(flow: &Flow) -> Vec<Mark> {
    let mark = |function| {
        let numbers = flow.numbers(function);
        Mark { records_in: numbers.records_in.get(), latencies: numbers.settle.counts() }
    };
    flow.functions().iter().map(mark).collect()
}

fn speed(flow: &Flow, first: &[Mark], time: Duration) -> Speed {
    let last = marks(flow);
    let handled = handled(first, &last);
    Speed {
        seconds: time.as_secs_f64(),
        records_fed: flow.total_fed(),
        records_handled: handled,
        records_per_second: handled as f64 / time.as_secs_f64(),
        latency_ms: latency(first, &last),
    }
}

fn handled(from: &[Mark], to: &[Mark]) -> u64 {
    from.iter().zip(to).map(|(from, to)| to.records_in - from.records_in).sum()
}

/// Quantiles over all given functions together.
fn latency(from: &[Mark], to: &[Mark]) -> Latency {
    let mut counts: Vec<u64> = Vec::new();
    for (from, to) in from.iter().zip(to) {
        counts.resize(counts.len().max(to.latencies.len()), 0);
        for (index, count) in to.latencies.iter().enumerate() {
            counts[index] += count - from.latencies.get(index).copied().unwrap_or(0);
        }
    }
    let quantile = |share| quantile_of(&counts, share).map(|time| time.as_secs_f64() * 1e3);
    Latency { p50: quantile(0.5), p99: quantile(0.99) }
}

fn line(from: &[Mark], to: &[Mark], passed: Duration, total: Duration) -> String {
    let Latency { p50, p99 } = latency(from, to);
    format!(
        "{:>4.0} s  {:>9} records/s  p50 {:>9}  p99 {:>9}",
        total.as_secs_f64(),
        number(per_second(handled(from, to), passed)),
        milliseconds(p50),
        milliseconds(p99),
    )
}

fn frame_text(context: &Context, flow: &Flow, from: &[Mark], to: &[Mark], passed: Duration, total: Duration) -> String {
    let mut rows = table::table_for_stderr(&[
        "function",
        ">records/s",
        ">p50",
        ">p99",
        ">in",
        ">done",
        ">filtered",
        ">dead letters",
        ">in flight",
    ]);
    for ((function, from), to) in flow.functions().iter().zip(from).zip(to) {
        let counters = flow.counters(function);
        let Latency { p50, p99 } = latency(std::slice::from_ref(from), std::slice::from_ref(to));
        rows.add_row([
            function.name.clone(),
            number(per_second(to.records_in - from.records_in, passed)),
            milliseconds(p50),
            milliseconds(p99),
            number(counters.records_in),
            number(counters.done),
            number(counters.filtered),
            number(counters.dead_lettered),
            number(u64::try_from(flow.numbers(function).in_flight.get()).unwrap_or(0)),
        ]);
    }
    let paint = context.paint_error;
    format!("\n{}{}\n", table::text(&rows), paint.strong(line(from, to, passed, total)))
}

fn per_second(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64().max(1e-3)).round() as u64
}

pub(super) fn milliseconds(time: Option<f64>) -> String {
    match time {
        None => "-".to_owned(),
        Some(time) if time < 10.0 => format!("{time:.2} ms"),
        Some(time) => format!("{time:.0} ms"),
    }
}

/// The place on the terminal that is drawn over and over.
#[derive(Default)]
struct Screen {
    lines: usize,
}

impl Screen {
    fn draw(&mut self, text: &str) {
        let mut frame = String::new();
        if self.lines > 0 {
            frame.push_str(&format!("\u{1b}[{}A\u{1b}[J", self.lines));
        }
        frame.push_str(text);
        self.lines = text.matches('\n').count();
        // Nobody may be watching any more, and that is all right.
        let _ = io::stderr().write_all(frame.as_bytes());
    }
}
