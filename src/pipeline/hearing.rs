//! What isolates say, and what their silence means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::isolates::Arrival;
use super::partition::Partition;
use super::settling::{Ended, SettleError, Settling};
use super::subscription::{Subscription, problem_line};
use crate::pool::IsolateEvent;
use crate::protocol::control::Problem;
use crate::protocol::settled::{Entry, How, SettledReader};
use crate::protocol::wire::WireError;

/// How long beyond its own limits an isolate may be silent before its worker is taken for stuck.
const SILENCE: Duration = Duration::from_secs(10);
/// How often a job tries to load its modules: one failure may be for want of memory or time.
const LOADS: u32 = 5;

impl Subscription {
    pub(super) fn isolate_event(&mut self, tag: u64, event: IsolateEvent) {
        match event {
            IsolateEvent::Loaded(loaded) => {
                if loaded.result.is_ok() {
                    self.setup.metrics.cold_start.observe(Duration::from_micros(loaded.took_us));
                }
                match self.isolates.arrived(tag, loaded.result.map(|_| ())) {
                    Arrival::Ready => {
                        let newest = self.isolates.version().program.version;
                        if self.isolates.by_tag(tag).is_some_and(|held| held.version.program.version == newest) {
                            self.announce();
                        }
                    }
                    Arrival::Stale => {}
                    Arrival::Failed(problem) => {
                        self.reporter.cannot_load(&problem, false);
                        self.give_up_loading(&problem);
                    }
                    Arrival::UpdateFailed(problem) => self.reporter.cannot_load(&problem, true),
                }
            }
            IsolateEvent::Settled(body) => self.settled(tag, body),
            // What it had settled before it ended counts.
            IsolateEvent::Unloaded(unloaded) => {
                self.settle_deferred();
                self.unloaded(tag, &unloaded.reason.unwrap_or_default());
            }
            IsolateEvent::Died(death) => {
                self.settle_deferred();
                self.died(tag, &death);
            }
            IsolateEvent::Log(log) => {
                self.setup.metrics.log_lines_dropped.add(log.dropped);
                self.reporter.log(&log);
            }
        }
    }

    /// A function waits for a version that can be loaded; to a job none comes.
    fn give_up_loading(&mut self, problem: &Problem) {
        if self.setup.stretch.is_some() && self.isolates.failed_loads() >= LOADS {
            self.end_for(problem_line(problem));
        }
    }

    /// Says that the newest version runs, once.
    pub(super) fn announce(&mut self) {
        let version = self.isolates.version();
        if self.announced < version.program.version {
            self.announced = version.program.version;
            self.reporter.installed(version);
        }
    }

    /// Settles what an isolate says, and ends its worker if that cannot be.
    pub(super) fn settle_or_end(&mut self, tag: u64, body: &[u8]) {
        if let Err(violation) = self.settle(tag, body) {
            tracing::error!(error = %violation, "a worker broke the protocol");
            if let Some(held) = self.isolates.by_tag(tag) {
                held.isolate.link().kill("sent outcomes that cannot be");
            }
        }
    }

    /// Isolate → sink: invocations have ended.
    fn settle(&mut self, tag: u64, body: &[u8]) -> Result<(), Violation> {
        let Some(held) = self.isolates.by_tag(tag) else { return Ok(()) };
        let mut reader = SettledReader::new(body)?;
        held.memory = (reader.heap, reader.external);
        let version = Arc::clone(&held.version);
        self.setup.metrics.spent_cpu(Duration::from_nanos(reader.cpu_ns));
        let now = Instant::now();
        self.last_busy = now;
        let mut ran = Settling {
            sink: &mut self.sink,
            version: &version,
            metrics: &self.setup.metrics,
            now,
            told: &mut self.told,
        };
        let mut took = self.setup.metrics.invocation.tally();
        while let Some(Entry { id, lane, how }) = reader.entry()? {
            let Some(partition) = self.partitions.get_mut(&self.homes.of(lane)) else {
                // Partitions that were taken away may still be spoken of; others never existed.
                if lane < self.next_lane { continue } else { return Err(Violation::Lane(lane)) }
            };
            if partition.bound != Some(tag) {
                return Err(Violation::Lane(lane));
            }
            match how {
                How::NotRun => partition.not_run(id, now).map_err(SettleError::from)?,
                How::Whole { wall_ns, failure } => {
                    took.observe(Duration::from_nanos(wall_ns));
                    partition.lanes.ran(Duration::from_nanos(wall_ns));
                    partition.settle(id, Ended::Whole(failure), &mut ran)?;
                }
                How::Each { wall_ns, verdicts } => {
                    took.observe(Duration::from_nanos(wall_ns));
                    partition.lanes.ran(Duration::from_nanos(wall_ns));
                    partition.settle(id, Ended::Each(verdicts), &mut ran)?;
                }
            }
        }
        Ok(())
    }

    /// A worker ends what runs too long by itself. One that says nothing for longer than that is stuck.
    pub(super) fn end_stuck_workers(&self, now: Instant) {
        for held in self.isolates.held() {
            let limits = &held.version.program.manifest.limits;
            let stuck = if held.ready {
                let mut flying =
                    self.partitions.values().filter(|one| one.bound == Some(held.tag) && one.lanes.is_flying());
                let silent = |one: &Partition| now.saturating_duration_since(one.moved_at) > limits.wall + SILENCE;
                flying.clone().next().is_some() && flying.all(silent)
            } else {
                now.saturating_duration_since(held.asked_at) > limits.load + SILENCE * 3
            };
            if stuck {
                tracing::error!(pid = held.isolate.worker_pid(), "a worker is stuck and is replaced");
                held.isolate.link().kill("settled nothing in time");
            }
        }
    }
}

/// A worker said something that cannot be, and is ended for it.
#[derive(Debug, thiserror::Error)]
enum Violation {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Settle(#[from] SettleError),
    #[error("lane {0} does not exist or is not in this isolate")]
    Lane(u32),
}
