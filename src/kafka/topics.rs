//! Looking at topics and making them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::log::plain_log_of;
use super::native::{Client, Kind, TopicMetadata};
use super::positions::resolve_patiently;
use super::settings::pairs;
use super::{Code, EmbeddedBroker, Error, Result, Settings, Start, TopicPartition};

/// How often a new topic is looked for until it shows.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

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
pub struct Topics {
    client: Arc<Client>,
    /// Makes the topics where the broker itself has no call for it.
    embedded: Option<Arc<EmbeddedBroker>>,
}

impl Topics {
    pub fn new(settings: &Settings, embedded: Option<Arc<EmbeddedBroker>>) -> Result<Self> {
        let log = plain_log_of("topics".to_owned());
        let properties = settings.admin();
        let client = Client::new(Kind::Consumer, pairs(&properties), 0, log)?;
        Ok(Self { client, embedded })
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// All topics that we may see, internal ones included.
    pub fn list(&self, timeout: Duration) -> Result<Vec<TopicInfo>> {
        Ok(self.known(timeout)?.map(|topic| topic.info).collect())
    }

    fn known(&self, timeout: Duration) -> Result<impl Iterator<Item = TopicMetadata> + use<>> {
        let topics = self.client.topics(timeout)?.into_iter();
        Ok(topics.filter(|topic| topic.code == Code(0) && topic.info.partitions > 0))
    }

    /// The named topics in the given order, `None` where absent; creates nothing.
    pub fn describe(&self, names: &[&str], timeout: Duration) -> Result<Vec<Option<TopicInfo>>> {
        let topics = self.list(timeout)?.into_iter();
        let mut topics: HashMap<String, TopicInfo> = topics.map(|topic| (topic.name.clone(), topic)).collect();
        Ok(names.iter().map(|name| topics.remove(*name)).collect())
    }

    /// The first offset of each partition that is at or after `at`, in the given order.
    pub fn offsets(
        &self,
        partitions: &[TopicPartition],
        at: Start,
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, i64)>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        resolve_patiently(&self.client, partitions, at, Instant::now() + timeout)
    }

    /// Makes the topics that are missing and waits until every one is seen.
    pub fn create(&self, topics: &[NewTopic], timeout: Duration) -> Result<()> {
        if topics.is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + timeout;
        match &self.embedded {
            Some(broker) => {
                for topic in topics {
                    broker.create_topic(&topic.name, topic.partitions)?;
                }
            }
            None => self.ask_for(topics, timeout)?,
        }
        self.wait_for(topics, deadline)
    }

    fn ask_for(&self, topics: &[NewTopic], timeout: Duration) -> Result<()> {
        let answers = self.client.create_topics(topics, timeout)?;
        for (topic, (code, reason)) in topics.iter().zip(answers) {
            if code != Code(0) && code != Code::TOPIC_EXISTS {
                return Err(Error::Kafka {
                    operation: "creating topics",
                    code,
                    reason: format!("{}: {reason}", topic.name),
                });
            }
        }
        Ok(())
    }

    /// Until each topic shows and every partition of it has a leader.
    fn wait_for(&self, topics: &[NewTopic], deadline: Instant) -> Result<()> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let led: HashSet<String> =
                self.known(left)?.filter(|topic| topic.led).map(|topic| topic.info.name).collect();
            let Some(missing) = topics.iter().find(|topic| !led.contains(&topic.name)) else {
                return Ok(());
            };
            if left < LOOK_INTERVAL {
                return Err(Error::Kafka {
                    operation: "creating topics",
                    code: Code::TIMED_OUT,
                    reason: format!("{} does not show yet", missing.name),
                });
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// What records the topic takes, where we may ask for it.
    pub fn takes(&self, topic: &str, timeout: Duration) -> Takes {
        if self.embedded.is_some() {
            return Takes::default();
        }
        self.client.topic_configs(topic, timeout).map_or_else(|_| Takes::default(), |configs| Takes::of(&configs))
    }
}

/// What records a topic takes, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// Kafka compares it with whole batches as sent, that is compressed.
    pub max_message_bytes: Option<u64>,
    /// It is compacted, which takes a key.
    pub keyed: bool,
    /// How far from the broker's clock a record's own time may be, in milliseconds: before it, and behind it.
    pub before: Option<i64>,
    pub after: Option<i64>,
}

impl Takes {
    fn of(configs: &HashMap<String, String>) -> Takes {
        let number = |name| configs.get(name).and_then(|value| value.parse::<i64>().ok());
        let own_time = configs.get("message.timestamp.type").is_some_and(|kind| kind == "CreateTime");
        let distance = |name| number(name).filter(|most| own_time && *most < i64::MAX);
        Takes {
            max_message_bytes: number("max.message.bytes").and_then(|max| u64::try_from(max).ok()),
            keyed: configs.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")),
            before: distance("message.timestamp.before.max.ms"),
            after: distance("message.timestamp.after.max.ms"),
        }
    }
}
