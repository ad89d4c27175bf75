//! Feeds the data in a loop, as fast as the functions follow.

use std::time::{Duration, Instant};

use super::{flow::Flow, samples::SAMPLE_LINES, stage::Stage};
use crate::{
    cli::traffic::{Feed, Writer},
    shutdown::Shutdown,
};

/// Records that may wait for a function: the embedded broker drops what it cannot keep, 5 MiB for each partition.
const MAX_BEHIND: u64 = 4_000;
/// Records written to one topic before the next has its turn.
const TURN: usize = 50;
const PAUSE: Duration = Duration::from_millis(1);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// One feed and the line that comes next.
struct Loop<'a> {
    feed: &'a Feed,
    next: usize,
}

/// Writes until the time is over or the end is asked for, and until Kafka has everything.
pub(super) fn feed(stage: &Stage, shutdown: &Shutdown, time: Duration) -> anyhow::Result<()> {
    let end = Instant::now() + time;
    let mut writer = Writer::new(&stage.node.settings)?;
    let mut loops: Vec<Loop<'_>> =
        stage.feeds.iter().map(|feed| Loop { feed, next: SAMPLE_LINES.min(feed.lines.len()) }).collect();
    while Instant::now() < end && !shutdown.is_requested() {
        if stage.flow.behind() > MAX_BEHIND {
            shutdown.wait_for(PAUSE);
            continue;
        }
        for one in &mut loops {
            one.turn(&mut writer, &stage.flow)?;
        }
    }
    writer.finish(FLUSH_TIMEOUT)?;
    Ok(())
}

impl Loop<'_> {
    fn turn(&mut self, writer: &mut Writer, flow: &Flow) -> anyhow::Result<()> {
        for _ in 0..TURN {
            let line = &self.feed.lines[self.next % self.feed.lines.len()];
            writer.write(&self.feed.topic, line, None)?;
            self.next += 1;
        }
        flow.count_fed(&self.feed.topic, TURN as u64);
        Ok(())
    }
}
