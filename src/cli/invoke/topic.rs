//! Records from a topic, taken without joining the function's group.

use std::time::Duration;

use anyhow::Context as _;

use super::record::Given;
use crate::{
    cli::{
        exit,
        failure::Failure,
        traffic::{Reader, settings},
    },
    config::NodeConfig,
    kafka::{Message, Position, TopicPartition, Topics},
};

const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn read(
    config: &NodeConfig,
    topic: &str,
    partition: i32,
    offset: i64,
    count: usize,
) -> anyhow::Result<Vec<Given>> {
    let settings = settings(config)?;
    let topics = Topics::new(&settings, None)?;
    let found = topics.describe(&[topic], TIMEOUT).map_err(|error| {
        Failure::new(exit::BROKER_UNREACHABLE, format!("cannot reach {}: {error}", settings.brokers))
            .with_hint("check that Kafka runs there, and `kafka.brokers` and `kafka.properties`")
    })?;
    let exists = found.iter().flatten().any(|topic| (0..topic.partitions).contains(&partition));
    if !exists {
        return Err(Failure::new(exit::FAILURE, format!("there is no partition {topic}/{partition}")).into());
    }
    let place = TopicPartition::new(topic, partition);
    let mut reader = Reader::new(&settings, &[(place, Position::Offset(offset))])?;
    for ends in reader.ends(TIMEOUT)? {
        if !(ends.low..ends.high).contains(&offset) {
            let message = format!("{topic}/{partition} has no offset {offset}");
            let hint = if ends.low == ends.high {
                "it holds no records".to_owned()
            } else {
                format!("it holds {} to {}", ends.low, ends.high - 1)
            };
            return Err(Failure::new(exit::FAILURE, message).with_hint(hint).into());
        }
    }
    let mut records = Vec::new();
    reader
        .read(TIMEOUT, |record| {
            if records.len() < count {
                records.push(copy(record));
            }
            records.len() < count
        })
        .context("the records could not be read")?;
    Ok(records)
}

fn copy(record: &Message) -> Given {
    Given {
        topic: record.topic().to_owned(),
        partition: record.partition(),
        offset: record.offset(),
        timestamp: record.timestamp().unwrap_or(-1),
        key: record.key().map(<[u8]>::to_vec),
        value: record.value().map(<[u8]>::to_vec),
        headers: record.headers().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect(),
    }
}
