//! Reaching the brokers that the configuration names.

use std::time::{Duration, Instant};

use super::Feed;
use crate::{
    cli::{exit, failure::Failure},
    config::NodeConfig,
    kafka::{NewTopic, Settings, Topics},
};

const CREATE_TIMEOUT: Duration = Duration::from_secs(30);

/// The brokers, or what to do to name some.
pub(in crate::cli) fn require_brokers(config: &NodeConfig) -> Result<&str, Failure> {
    config.kafka.brokers.as_deref().ok_or_else(|| {
        Failure::new(exit::BAD_CONFIGURATION, "no Kafka brokers are configured").with_hint(
            "set `kafka.brokers` in eddyline.toml, or the environment variable EDDYLINE__KAFKA__BROKERS, or \
             --brokers localhost:9092; to try it out without Kafka: `eddyline dev`",
        )
    })
}

/// How to reach the configured brokers.
pub(in crate::cli) fn settings(config: &NodeConfig) -> Result<Settings, Failure> {
    let properties = config.kafka.properties.iter();
    Ok(Settings {
        brokers: require_brokers(config)?.to_owned(),
        properties: properties.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        client_id: "eddyline".to_owned(),
        group_instance_id: None,
    })
}

/// Makes the topics of feeds where they are missing; gives the names of those it made.
/// Brokers that do not answer get `patience`, because they may be starting.
pub(in crate::cli) fn create_topics(
    topics: &Topics,
    feeds: &[Feed],
    config: &NodeConfig,
    patience: Duration,
) -> anyhow::Result<Vec<String>> {
    let names: Vec<&str> = feeds.iter().map(|feed| feed.topic.as_str()).collect();
    let deadline = Instant::now() + patience;
    let found = loop {
        match topics.describe(&names, Duration::from_secs(5)) {
            Ok(found) => break found,
            Err(_) if Instant::now() < deadline => {}
            Err(error) => {
                let brokers = config.kafka.brokers.as_deref().unwrap_or("the embedded broker");
                return Err(Failure::new(exit::BROKER_UNREACHABLE, format!("cannot reach {brokers}: {error}"))
                    .with_hint("check that Kafka runs there, and `kafka.brokers` and `kafka.properties`")
                    .into());
            }
        }
    };
    let replication = i32::from(config.topics.replication_factor);
    let missing: Vec<NewTopic> = feeds
        .iter()
        .zip(found)
        .filter(|(_, found)| found.is_none())
        .map(|(feed, _)| NewTopic {
            name: feed.topic.clone(),
            partitions: feed.partitions,
            replication: (replication > 0).then_some(replication),
            configs: Default::default(),
        })
        .collect();
    topics.create(&missing, CREATE_TIMEOUT)?;
    Ok(missing.into_iter().map(|topic| topic.name).collect())
}
