//! A group seen from outside: where it stands, what its partitions hold, and moving it while it has no members.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::consumer::committed;
use super::log::plain_log_of;
use super::native::{Client, Kind, PartitionList};
use super::positions::{has_members, resolve_patiently};
use super::settings::pairs;
use super::{Error, Result, Settings, Start, TopicPartition};

/// Asks and commits for a group without ever joining it. Each call takes no longer than its time.
pub struct Outsider {
    client: Arc<Client>,
}

impl Outsider {
    pub fn new(settings: &Settings, group: &str) -> Result<Self> {
        let mut properties = settings.consumer(group);
        // It would be taken for the member of that name.
        properties.remove("group.instance.id");
        let client = Client::new(Kind::Consumer, pairs(&properties), 0, plain_log_of(format!("positions of {group}")))?;
        client.abandon();
        Ok(Self { client })
    }

    /// Where the group stands, in the given order.
    pub fn committed(&self, partitions: &[TopicPartition], timeout: Duration) -> Result<Vec<Option<i64>>> {
        let known = committed(&self.client, partitions, timeout)?;
        Ok(known.into_iter().map(|(_, offset)| offset).collect())
    }

    /// The offsets of such a place, in the given order.
    pub fn offsets(&self, partitions: &[TopicPartition], place: Start, timeout: Duration) -> Result<Vec<i64>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let found = resolve_patiently(&self.client, partitions, place, Instant::now() + timeout)?;
        Ok(found.into_iter().map(|(_, offset)| offset).collect())
    }

    /// Moves the group, unless it has members: Kafka leaves that to them. Returns whether it has moved.
    pub fn commit(&self, positions: &[(TopicPartition, i64)], timeout: Duration) -> Result<bool> {
        if positions.is_empty() {
            return Ok(true);
        }
        let mut list = PartitionList::new(positions.len());
        for (partition, offset) in positions {
            list.add_partition(partition, *offset);
        }
        match self.client.commit(&list, timeout) {
            Ok(()) => Ok(true),
            Err(Error::Kafka { code, .. }) if has_members(code) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
