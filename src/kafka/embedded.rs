//! librdkafka's in-process broker, for `demo` and `dev`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::log::plain_log_of;
use super::native::{Client, Kind, MockCluster};
use super::{Error, Result};

/// Nobody else joins a group of the embedded broker at the same moment.
const REBALANCE_DELAY: Duration = Duration::from_millis(50);

/// Listens on loopback until it is dropped. It has no admin calls, no lookup by time and no
/// transactions, and keeps 5 MiB or 100,000 records of a partition.
pub struct EmbeddedBroker {
    cluster: MockCluster,
    bootstrap_servers: String,
    topics: Mutex<HashMap<String, i32>>,
}

impl EmbeddedBroker {
    pub fn start(brokers: usize) -> Result<Self> {
        let log = plain_log_of("embedded broker".to_owned());
        let client = Client::new(Kind::Producer, [], 0, log)?;
        let cluster = MockCluster::new(client, brokers)?;
        cluster.set_initial_rebalance_delay(REBALANCE_DELAY);
        let bootstrap_servers = cluster.bootstrap_servers();
        Ok(Self { cluster, bootstrap_servers, topics: Mutex::default() })
    }

    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// A topic that exists already is left as it is.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if topics.contains_key(name) {
            return Ok(());
        }
        match self.cluster.create_topic(name, partitions) {
            Err(Error::Kafka { code, .. }) if code == super::Code::TOPIC_EXISTS => {}
            done => done?,
        }
        topics.insert(name.to_owned(), partitions);
        Ok(())
    }
}
