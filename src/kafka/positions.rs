//! Where a group that never ran begins.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::consumer::committed;
use super::log::plain_log_of;
use super::native::{Client, Kind, PartitionList, Spec};
use super::settings::pairs;
use super::{Code, Error, Result, Settings, TopicInfo, TopicPartition};

const RETRY_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
    /// The first record at or after this time, milliseconds since 1970; the end if there is none.
    Time(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The group has committed before; nothing was changed.
    Existing,
    /// These positions are now the group's.
    Committed(Vec<(TopicPartition, i64)>),
    /// The group has members already: another node was faster.
    Active,
}

/// Commits the start of a group on these topics, unless it has an offset on any of them.
///
/// Afterwards `Position::Committed` is right for every partition: one without an offset
/// appeared later, and begins at the earliest.
pub fn ensure_start(
    settings: &Settings,
    group: &str,
    topics: &[TopicInfo],
    start: Start,
    timeout: Duration,
) -> Result<Resolved> {
    let deadline = Instant::now() + timeout;
    let partitions: Vec<TopicPartition> = topics.iter().flat_map(partitions_of).collect();
    if partitions.is_empty() {
        return Ok(Resolved::Existing);
    }
    let mut properties = settings.consumer(group);
    // It only asks and commits; joining would hold up the members.
    properties.remove("group.instance.id");
    // An offset that a transaction is about to replace is one, too; a node that was killed leaves such for a while.
    properties.insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
    let log = plain_log_of(format!("start of {group}"));
    let client = Client::new(Kind::Consumer, pairs(&properties), 0, log)?;
    client.abandon();

    let known = committed(&client, &partitions, until(deadline))?;
    if known.iter().any(|(_, offset)| offset.is_some()) {
        return Ok(Resolved::Existing);
    }
    let positions = resolve_patiently(&client, &partitions, start, deadline)?;
    let mut list = PartitionList::new(positions.len());
    for (partition, offset) in &positions {
        list.add_partition(partition, *offset);
    }
    match client.commit(&list, until(deadline)) {
        Ok(()) => Ok(Resolved::Committed(positions)),
        Err(Error::Kafka { code, .. }) if has_members(code) => Ok(Resolved::Active),
        Err(error) => Err(error),
    }
}

fn partitions_of(topic: &TopicInfo) -> impl Iterator<Item = TopicPartition> {
    let name: Arc<str> = topic.name.as_str().into();
    (0..topic.partitions).map(move |partition| TopicPartition::new(Arc::clone(&name), partition))
}

pub(super) fn has_members(code: Code) -> bool {
    [Code::UNKNOWN_MEMBER, Code::ILLEGAL_GENERATION, Code::REBALANCE_IN_PROGRESS].contains(&code)
}

/// Asks again while leaders of partitions change, which is usual just after topics are made.
pub(super) fn resolve_patiently(
    client: &Arc<Client>,
    partitions: &[TopicPartition],
    start: Start,
    deadline: Instant,
) -> Result<Vec<(TopicPartition, i64)>> {
    loop {
        match resolve(client, partitions, start, until(deadline)) {
            Err(Error::Kafka { code, .. }) if code.is_leader_change() && until(deadline) > RETRY_INTERVAL => {
                thread::sleep(RETRY_INTERVAL);
            }
            result => return result,
        }
    }
}

fn until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The offset of every partition, in the given order.
fn resolve(
    client: &Arc<Client>,
    partitions: &[TopicPartition],
    start: Start,
    timeout: Duration,
) -> Result<Vec<(TopicPartition, i64)>> {
    let found = match start {
        Start::Earliest => offsets(client, partitions, Spec::Earliest, timeout)?,
        Start::Latest => offsets(client, partitions, Spec::Latest, timeout)?,
        Start::Time(time) => {
            // Where no record is late enough, what arrives from now on is. The ends are asked for first, or what arrives
            // between the two questions would be skipped.
            let mut ends = offsets(client, partitions, Spec::Latest, timeout)?;
            ends.extend(offsets(client, partitions, Spec::Time(time), timeout)?);
            ends
        }
    };
    partitions
        .iter()
        .map(|partition| match found.get(partition) {
            Some(&offset) => Ok((partition.clone(), offset)),
            None => Err(Error::Client(format!("{partition} has no {start:?} offset"))),
        })
        .collect()
}

fn offsets(
    client: &Arc<Client>,
    partitions: &[TopicPartition],
    spec: Spec,
    timeout: Duration,
) -> Result<HashMap<TopicPartition, i64>> {
    let entries = client.list_offsets(partitions, spec, timeout)?;
    if let Some(failed) = entries.iter().find(|entry| entry.code != Code(0)) {
        return Err(Error::Kafka {
            operation: "asking for offsets",
            code: failed.code,
            reason: format!("{}: {}", failed.partition, failed.code),
        });
    }
    Ok(entries.into_iter().filter_map(|entry| Some((entry.partition.clone(), entry.known()?))).collect())
}
