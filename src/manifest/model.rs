//! The manifest as the rest of the program sees it: every key has a value, every value was checked.
//!
//! The defaults live here and nowhere else; `reference.toml` documents them and a test compares the two.

use std::{collections::BTreeMap, time::Duration};

use super::{Limits, Pattern, Places, Secret};
use crate::fetch::HostPattern;
use crate::filter::Filter;

const MIB: u64 = 1 << 20;

#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The folder's name.
    pub name: String,
    /// Functions of different tenants never share a worker process, nor do those of a tenant and of none.
    pub tenant: Option<String>,
    pub source: Source,
    /// The records that the function wants; without it, all of them.
    pub filter: Option<Filter>,
    /// Used only with a `batch` handler; whether `[batch]` was written says `places.has("batch")`.
    pub batch: Batch,
    pub sink: Sink,
    pub delivery: Delivery,
    pub retry: Retry,
    pub dead_letter: DeadLetter,
    pub limits: Limits,
    pub permissions: Permissions,
    pub env: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, Secret>,
    /// Where each key was written, for diagnostics of later stages.
    pub places: Places,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub topics: Topics,
    /// Applies only to partitions without a committed offset.
    pub start: Start,
    /// The consumer group.
    pub group: String,
    /// Records older than this go to the dead letter unrun.
    pub skip_older_than: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Topics {
    /// At least one, without duplicates.
    Named(Vec<String>),
    Pattern(Pattern),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    Earliest,
    #[default]
    Latest,
    Time(jiff::Timestamp),
    /// So long before the positions are settled.
    Ago(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub max_records: u32,
    pub max_bytes: u64,
    pub max_wait: Duration,
}

/// Where results may go. Without a topic, a handler may only `emit` to the further topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sink {
    pub topic: Option<String>,
    pub also: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub guarantee: Guarantee,
    pub order: Order,
    /// Invocations in flight for each partition.
    pub concurrency: u32,
    pub commit_interval: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guarantee {
    #[default]
    AtLeastOnce,
    ExactlyOnce,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Partition,
    Key,
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// All runs, the first included.
    pub max_attempts: u32,
    pub backoff: Backoff,
    /// Since the first attempt.
    pub max_age: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub enabled: bool,
    pub topic: String,
}

/// Hosts that `fetch` may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// At public addresses.
    pub net: Vec<HostPattern>,
    /// At private, loopback and link-local addresses.
    pub private_net: Vec<HostPattern>,
}

impl Default for Batch {
    fn default() -> Self {
        Batch { max_records: 100, max_bytes: MIB, max_wait: Duration::ZERO }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Delivery {
            guarantee: Guarantee::default(),
            order: Order::default(),
            concurrency: 1,
            commit_interval: Duration::from_millis(100),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Retry { max_attempts: 3, backoff: Backoff::default(), max_age: Duration::from_secs(24 * 60 * 60) }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { initial: Duration::from_millis(200), max: Duration::from_secs(30) }
    }
}

impl Source {
    /// The source of a manifest that names only its topics.
    pub fn new(function: &str, topics: Topics) -> Self {
        Source { topics, start: Start::default(), group: format!("eddyline.{function}"), skip_older_than: None }
    }
}

impl DeadLetter {
    /// The dead letter of a manifest that says nothing about it.
    pub fn of(function: &str) -> Self {
        DeadLetter { enabled: true, topic: format!("{function}.dead-letter") }
    }
}

impl Sink {
    /// Every topic that results may go to, the default one first.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.topic.iter().chain(&self.also).map(String::as_str)
    }
}

impl Manifest {
    /// The manifest of a function that gives nothing but its source.
    pub fn new(name: &str, topics: Topics) -> Self {
        Manifest {
            name: name.to_owned(),
            tenant: None,
            source: Source::new(name, topics),
            filter: None,
            batch: Batch::default(),
            sink: Sink::default(),
            delivery: Delivery::default(),
            retry: Retry::default(),
            dead_letter: DeadLetter::of(name),
            limits: Limits::default(),
            permissions: Permissions::default(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            places: Places::default(),
        }
    }

    /// Whether the function takes records from `topic`.
    ///
    /// A pattern never matches internal topics, nor what the function itself writes;
    /// the dead-letter topics of other functions are for the caller to leave out.
    pub fn reads(&self, topic: &str) -> bool {
        match &self.source.topics {
            Topics::Named(names) => names.iter().any(|name| name == topic),
            Topics::Pattern(pattern) => {
                pattern.matches(topic)
                    && !topic.starts_with('_')
                    && topic != self.dead_letter.topic
                    && self.sink.topics().all(|written| written != topic)
            }
        }
    }
}
