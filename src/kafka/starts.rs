//! Where many groups begin that never ran, settled together: one client, and requests of all groups at once.

use std::collections::{BTreeSet, HashMap};
use std::thread;
use std::time::{Duration, Instant};

use super::groups::{GroupPartitions, Groups};
use super::native::{PartitionList, Spec, c_name};
use super::positions::{Resolved, Start, has_members};
use super::{Code, Error, Result, TopicPartition};

/// How long we wait for partitions without a leader, which is usual just after topics are made. What begins on others
/// waits with them.
const LEADERS: Duration = Duration::from_secs(2);
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// A group that is to begin somewhere on these partitions, unless it has an offset on any of them.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub asked: GroupPartitions,
    pub start: Start,
}

/// A group whose beginning is settled.
#[derive(Clone, Debug)]
pub struct Settled {
    pub resolved: Resolved,
    /// What it has committed of each of the partitions; nothing if another node is at it.
    pub committed: Option<Vec<Option<i64>>>,
}

type Offsets = HashMap<TopicPartition, Result<i64, Code>>;

impl Groups {
    /// Does for many groups what [`ensure_start`](super::ensure_start) does for one; what fails for one says nothing of
    /// the others. The answers are in the given order.
    pub fn ensure_starts(&self, all: &[Beginning], timeout: Duration) -> Vec<Result<Settled>> {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        let asked: Vec<GroupPartitions> = all.iter().map(|one| one.asked.clone()).collect();
        let mut results: Vec<Option<Result<Settled>>> = Vec::with_capacity(all.len());
        let mut fresh = Vec::new();
        for (place, answer) in self.committed(&asked, left()).into_iter().enumerate() {
            results.push(match answer {
                Ok(known) if known.is_empty() || known.iter().any(Option::is_some) => {
                    Some(Ok(Settled { resolved: Resolved::Existing, committed: Some(known) }))
                }
                Ok(_) => {
                    fresh.push(place);
                    None
                }
                Err(error) => Some(Err(error)),
            });
        }
        let offsets = self.resolve(fresh.iter().map(|&place| &all[place]), deadline);
        let (mut places, mut wanted, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        for place in fresh {
            match positions(&all[place], &offsets).and_then(|positions| {
                let name = c_name(&all[place].asked.group)?;
                Ok((name, positions))
            }) {
                Ok((name, positions)) => {
                    let mut list = PartitionList::new(positions.len());
                    positions.iter().for_each(|(partition, offset)| list.add_partition(partition, *offset));
                    places.push(place);
                    wanted.push((name, list));
                    moved.push(positions);
                }
                Err(error) => results[place] = Some(Err(error)),
            }
        }
        let answers = self.client.alter_group_offsets(&wanted, left());
        for ((place, positions), answer) in places.into_iter().zip(moved).zip(answers) {
            let failed = answer.and_then(|entries| match entries.iter().find(|entry| entry.code != Code(0)) {
                None => Ok(()),
                Some(entry) => Err(failure("committing offsets", &entry.partition, entry.code)),
            });
            results[place] = Some(match failed {
                Ok(()) => {
                    let committed = positions.iter().map(|(_, offset)| Some(*offset)).collect();
                    Ok(Settled { resolved: Resolved::Committed(positions), committed: Some(committed) })
                }
                Err(Error::Kafka { code, .. }) if has_members(code) => {
                    Ok(Settled { resolved: Resolved::Active, committed: None })
                }
                Err(error) => Err(error),
            });
        }
        let missing = || Err(Error::Client("an answer is missing".to_owned()));
        results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
    }

    /// Where all of them begin, by start. Where no record is late enough for a time, what arrives from now on is: the
    /// ends are asked for first, or what arrives between the two questions would be skipped.
    fn resolve<'a>(
        &self,
        all: impl Iterator<Item = &'a Beginning> + Clone,
        deadline: Instant,
    ) -> Vec<(Start, Offsets)> {
        let mut resolved: Vec<(Start, Offsets)> = Vec::new();
        for one in all.clone() {
            if resolved.iter().any(|(start, _)| *start == one.start) {
                continue;
            }
            let same = all.clone().filter(|other| other.start == one.start);
            let partitions: BTreeSet<&TopicPartition> = same.flat_map(|other| &other.asked.partitions).collect();
            let partitions: Vec<TopicPartition> = partitions.into_iter().cloned().collect();
            let offsets = match one.start {
                Start::Earliest => self.ask(&partitions, Spec::Earliest, deadline),
                Start::Latest => self.ask(&partitions, Spec::Latest, deadline),
                Start::Time(time) => {
                    let mut ends = self.ask(&partitions, Spec::Latest, deadline);
                    for (partition, found) in self.ask(&partitions, Spec::Time(time), deadline) {
                        match (found, ends.get_mut(&partition)) {
                            (Ok(offset), Some(end)) if offset < 0 && end.is_ok() => {}
                            (found, Some(end)) => *end = found,
                            (_, None) => {}
                        }
                    }
                    ends
                }
            };
            resolved.push((one.start, offsets));
        }
        resolved
    }

    /// Asks again for a moment while leaders of partitions change.
    fn ask(&self, partitions: &[TopicPartition], spec: Spec, deadline: Instant) -> Offsets {
        let until = deadline.min(Instant::now() + LEADERS);
        let mut found = Offsets::new();
        let mut open = partitions.to_vec();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.client.list_known_offsets(&open, spec, left) {
                Ok(entries) => {
                    for entry in entries {
                        let offset = if entry.code == Code(0) { Ok(entry.offset) } else { Err(entry.code) };
                        found.insert(entry.partition, offset);
                    }
                }
                Err(error) => {
                    let code = error.code().unwrap_or(Code::TIMED_OUT);
                    found.extend(open.iter().map(|partition| (partition.clone(), Err(code))));
                }
            }
            open.retain(|partition| {
                found.get(partition).is_some_and(|found| found.is_err_and(|code| code.is_leader_change()))
            });
            if open.is_empty() || Instant::now() + RETRY_INTERVAL > until {
                return found;
            }
            thread::sleep(RETRY_INTERVAL);
        }
    }
}

fn positions(one: &Beginning, resolved: &[(Start, Offsets)]) -> Result<Vec<(TopicPartition, i64)>> {
    let offsets = resolved.iter().find(|(start, _)| *start == one.start).map(|(_, offsets)| offsets);
    let position = |partition: &TopicPartition| match offsets.and_then(|offsets| offsets.get(partition)) {
        Some(Ok(offset)) if *offset >= 0 => Ok((partition.clone(), *offset)),
        Some(Err(code)) => Err(failure("asking for offsets", partition, *code)),
        _ => Err(Error::Client(format!("{partition} has no {:?} offset", one.start))),
    };
    one.asked.partitions.iter().map(position).collect()
}

fn failure(operation: &'static str, partition: &TopicPartition, code: Code) -> Error {
    Error::Kafka { operation, code, reason: format!("{partition}: {code}") }
}
