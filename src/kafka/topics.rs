//! Looking at topics and making them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{EmbeddedBroker, Result, Settings};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    pub name: String,
    pub partitions: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    pub partitions: i32,
    /// `None`: the broker's default.
    pub replication: Option<i32>,
    pub configs: BTreeMap<String, String>,
}

/// One for each node. Its calls wait for Kafka, at most as long as the given timeout.
pub struct Topics {}

impl Topics {
    pub fn new(_settings: &Settings, _embedded: Option<Arc<EmbeddedBroker>>) -> Result<Self> {
        todo!()
    }
    /// All topics that we may see, internal ones included.
    pub fn list(&self, _timeout: Duration) -> Result<Vec<TopicInfo>> {
        todo!()
    }
    /// The named topics in the given order, `None` where absent; creates nothing.
    pub fn describe(&self, _names: &[&str], _timeout: Duration) -> Result<Vec<Option<TopicInfo>>> {
        todo!()
    }
    /// Makes the topics that are missing and waits until every one is seen.
    pub fn create(&self, _topics: &[NewTopic], _timeout: Duration) -> Result<()> {
        todo!()
    }
    /// The topic's `max.message.bytes`, where we may ask for it.
    pub fn max_message_bytes(&self, _topic: &str, _timeout: Duration) -> Option<u64> {
        todo!()
    }
}
