//! The job as Kafka remembers it: one group for where it is, and one for where it ends.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::places::nothing_between;
use crate::{
    cli::{exit, failure::Failure, table::number, traffic::Reader},
    kafka::{self, Outsider, Position, Settings, Start, TopicInfo, TopicPartition, Topics},
    manifest::Manifest,
    moves::Target,
};

const CALL: Duration = Duration::from_secs(20);
/// One that was killed may have left a transaction with its positions open. Kafka says nothing of them until it ends that,
/// some time after [`kafka::TRANSACTION_TIMEOUT`].
const UNFINISHED: Duration = Duration::from_secs(40);

/// Where a job begins.
pub(super) enum Begin {
    /// Where it was interrupted.
    GoOn,
    At {
        from: Target,
        to: Target,
        /// Also where it was interrupted.
        anew: bool,
    },
}

pub(super) struct Job {
    function: String,
    pub(super) group: String,
    pub(super) topics: Vec<String>,
    partitions: Vec<TopicPartition>,
    /// Where each begins in this run, and where it ends.
    from: Vec<i64>,
    to: Vec<i64>,
    resumed: bool,
    outsider: Outsider,
}

impl Job {
    /// Looks for a job that was interrupted, and settles where this one begins and ends. `apart` is what a pattern does not
    /// match: what the function writes to when it runs by itself, and dead letters.
    pub(super) fn begin(
        settings: &Settings,
        topics: &Topics,
        manifest: &Manifest,
        apart: &BTreeSet<String>,
        begin: &Begin,
    ) -> anyhow::Result<Job> {
        let group = manifest.source.group.clone();
        let all = topics.list(CALL).map_err(|error| unreachable(settings, &error))?;
        let by_pattern = matches!(manifest.source.topics, crate::manifest::Topics::Pattern(_));
        let is_apart = |topic: &TopicInfo| by_pattern && apart.contains(&topic.name);
        let sources: Vec<&TopicInfo> =
            all.iter().filter(|topic| manifest.reads(&topic.name) && !is_apart(topic)).collect();
        missing(manifest, &all)?;
        let partitions: Vec<TopicPartition> = sources
            .iter()
            .flat_map(|topic| (0..topic.partitions).map(|number| TopicPartition::new(topic.name.as_str(), number)))
            .collect();
        let mut job = Job {
            function: manifest.name.clone(),
            topics: sources.iter().map(|topic| topic.name.clone()).collect(),
            from: vec![0; partitions.len()],
            to: vec![0; partitions.len()],
            partitions,
            resumed: false,
            outsider: Outsider::new(settings, &group)?,
            group,
        };
        let ends = Outsider::new(settings, &format!("{}.to", job.group))?;
        let interrupted = job.find(&ends)?;
        match (begin, interrupted) {
            (Begin::GoOn, true) => job.resumed = true,
            (Begin::GoOn, false) => {
                let message = format!("{} has no backfill that was interrupted", job.function);
                let hint = "begin one with --from and --to; --job names another one";
                return Err(Failure::new(exit::FAILURE, message).with_hint(hint).into());
            }
            (Begin::At { anew: false, .. }, true) => {
                let left = number(job.left());
                let message =
                    format!("a backfill of {} was interrupted, or runs, with {left} records left", job.function);
                let hint = "--resume goes on with it, --restart begins anew, --job NAME begins another one beside it";
                return Err(Failure::new(exit::FAILURE, message).with_hint(hint).into());
            }
            (Begin::At { from, to, .. }, _) => job.settle(&ends, *from, *to)?,
        }
        Ok(job)
    }

    /// Fills in where a job of this name stands. Returns whether there is one with something left to do.
    fn find(&mut self, ends: &Outsider) -> kafka::Result<bool> {
        let to = ends.committed(&self.partitions, CALL)?;
        let at = self.outsider.committed(&self.partitions, UNFINISHED)?;
        // Partitions that have come since are not part of it.
        self.to = to.iter().map(|end| end.unwrap_or(0)).collect();
        self.from = at.iter().zip(&self.to).map(|(at, end)| at.unwrap_or(*end)).collect();
        Ok(self.left() > 0)
    }

    fn settle(&mut self, ends: &Outsider, from: Target, to: Target) -> anyhow::Result<()> {
        let low = self.outsider.offsets(&self.partitions, Start::Earliest, CALL)?;
        let high = self.outsider.offsets(&self.partitions, Start::Latest, CALL)?;
        let within = |index: usize, offset: i64| offset.clamp(low[index], high[index].max(low[index]));
        let (begin, end) = (self.places(from, &low, &high)?, self.places(to, &low, &high)?);
        let is_reversed = begin.iter().zip(&end).any(|(begin, end)| begin > end);
        if is_reversed && begin.iter().zip(&end).all(|(begin, end)| begin >= end) {
            return Err(nothing_between(from, to).into());
        }
        let from: Vec<i64> = begin.into_iter().enumerate().map(|(index, offset)| within(index, offset)).collect();
        // In a partition whose stretch ends before it begins there is nothing to do.
        let to: Vec<i64> =
            end.into_iter().enumerate().map(|(index, offset)| within(index, offset).max(from[index])).collect();
        let positions = |offsets: &[i64]| -> Vec<(TopicPartition, i64)> {
            self.partitions.iter().cloned().zip(offsets.iter().copied()).collect()
        };
        // The end first: should only one of them be there, the other says that there is nothing to do.
        let moved = self.outsider.commit(&positions(&to), CALL)?
            && ends.commit(&positions(&to), CALL)?
            && self.outsider.commit(&positions(&from), CALL)?;
        if !moved {
            let message = format!("a backfill of {} is running in the group {}", self.function, self.group);
            let hint = "wait for it, or give this one another name with --job";
            return Err(Failure::new(exit::FAILURE, message).with_hint(hint).into());
        }
        (self.from, self.to) = (from, to);
        Ok(())
    }

    /// Where such a place is in each partition.
    fn places(&self, target: Target, low: &[i64], high: &[i64]) -> kafka::Result<Vec<i64>> {
        Ok(match target {
            Target::Earliest => low.to_vec(),
            Target::Latest => high.to_vec(),
            Target::Offset(offset) => vec![offset; high.len()],
            Target::Time(time) => {
                let found = self.outsider.offsets(&self.partitions, Start::Time(time.as_millisecond()), CALL)?;
                // Records may have come since the ends were asked for.
                found.into_iter().zip(high).map(|(offset, high)| offset.min(*high)).collect()
            }
        })
    }

    /// Nothing is left, also where the end of a stretch held no records that could be committed behind.
    pub(super) fn finish(&self) -> kafka::Result<()> {
        if self.left() == 0 {
            return Ok(());
        }
        let positions: Vec<(TopicPartition, i64)> =
            self.partitions.iter().cloned().zip(self.to.iter().copied()).collect();
        self.outsider.commit(&positions, CALL).map(|_| ())
    }

    pub(super) fn ends(&self) -> HashMap<TopicPartition, i64> {
        self.partitions.iter().cloned().zip(self.to.iter().copied()).collect()
    }

    /// Offsets between where it began and where it ends.
    pub(super) fn total(&self) -> u64 {
        distance(&self.from, &self.to)
    }

    /// Offsets that are left, wherever the job runs. Nothing where Kafka does not say.
    pub(super) fn left_now(&self) -> Option<u64> {
        let at = self.outsider.committed(&self.partitions, CALL).ok()?;
        let at: Vec<i64> = at.iter().zip(&self.to).map(|(at, end)| at.unwrap_or(*end)).collect();
        Some(distance(&at, &self.to))
    }

    /// Whether no record is left, as where compaction or transactions leave offsets without one. Looks at every partition
    /// that is not at its end.
    pub(super) fn holds_nothing_more(&self, settings: &Settings) -> anyhow::Result<bool> {
        let at = self.outsider.committed(&self.partitions, CALL)?;
        for ((partition, at), to) in self.partitions.iter().zip(at).zip(&self.to) {
            let Some(at) = at.filter(|at| at < to) else { continue };
            let mut first = None;
            Reader::new(settings, &[(partition.clone(), Position::Offset(at))])?.read(CALL, |record| {
                first = Some(record.offset());
                false
            })?;
            if first.is_some_and(|offset| offset < *to) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same; where Kafka does not say, all that was left at the beginning.
    pub(super) fn left(&self) -> u64 {
        self.left_now().unwrap_or_else(|| self.total())
    }

    pub(super) fn describe(&self) -> String {
        let verb = if self.resumed { "going on with the backfill of" } else { "backfilling" };
        let partitions = self.from.iter().zip(&self.to).filter(|(from, to)| from < to).count();
        format!(
            "{verb} {}: {} records of {partitions} partitions, in the group {}",
            self.function,
            number(self.total()),
            self.group
        )
    }
}

fn distance(from: &[i64], to: &[i64]) -> u64 {
    from.iter().zip(to).map(|(from, to)| u64::try_from(to - from).unwrap_or(0)).sum()
}

/// Everything that the function reads and writes has to be there.
fn missing(manifest: &Manifest, all: &[TopicInfo]) -> Result<(), Failure> {
    let named = match &manifest.source.topics {
        crate::manifest::Topics::Named(names) => names.as_slice(),
        crate::manifest::Topics::Pattern(_) => &[],
    };
    let letter = manifest.dead_letter.enabled.then_some(manifest.dead_letter.topic.as_str());
    let wanted = named.iter().map(String::as_str).chain(manifest.sink.topics()).chain(letter);
    match wanted.into_iter().find(|name| all.iter().all(|topic| topic.name != *name)) {
        None => Ok(()),
        Some(name) => Err(Failure::new(exit::FAILURE, format!("topic {name:?} does not exist"))
            .with_hint("create it; a sink best with as many partitions as the source, so that keys stay together")),
    }
}

fn unreachable(settings: &Settings, error: &kafka::Error) -> Failure {
    Failure::new(exit::BROKER_UNREACHABLE, format!("cannot reach {}: {error}", settings.brokers))
        .with_hint("check that Kafka runs there, and `kafka.brokers` and `kafka.properties`")
}
