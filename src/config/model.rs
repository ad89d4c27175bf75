//! The configuration as the rest of the program sees it: every key has a value, every value was checked.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer};

use super::KafkaProperties;
use crate::{manifest::Allowance, quantity};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NodeConfig {
    #[serde(default)]
    pub kafka: KafkaConfig,
    pub functions: FunctionsConfig,
    pub topics: TopicsConfig,
    #[serde(default)]
    pub node: NodeIdentity,
    pub workers: WorkersConfig,
    pub source: SourceConfig,
    /// What functions get that say nothing, and what none may exceed.
    pub limits: Allowance,
    pub fetch: FetchConfig,
    pub admin: AdminConfig,
    pub logging: LoggingConfig,
    pub shutdown: ShutdownConfig,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port`, several with commas between. Without them `run` refuses, `dev` and `demo` bring their own.
    pub brokers: Option<String>,
    #[serde(default)]
    pub properties: KafkaProperties,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FunctionsConfig {
    /// The folder of function folders; relative to the working folder.
    pub path: PathBuf,
    /// For how long a function's sources are without a new record until it sleeps; without it, none does.
    #[serde(deserialize_with = "quantity::patience")]
    pub sleep_after: Option<Duration>,
    /// How often the group of a function that sleeps or is paused is visited.
    #[serde(deserialize_with = "quantity::duration")]
    pub keep_positions: Duration,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TopicsConfig {
    /// Whether missing topics are created; not given, the command decides (`dev` and `demo` create).
    pub create: Option<bool>,
    /// Partitions of a created source topic.
    pub partitions: u32,
    /// Of every created topic; 0 leaves it to the broker.
    pub replication_factor: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NodeIdentity {
    /// As configured; `NodeConfig::node_id` falls back to the host's name.
    pub id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkersConfig {
    /// 0: one for each core; `NodeConfig::worker_count` says how many that is.
    pub count: u32,
    /// How long a new worker process may take until it answers.
    #[serde(deserialize_with = "quantity::duration")]
    pub start_timeout: Duration,
    pub sandbox: SandboxDemand,
    /// What one worker may hold; `NodeConfig::worker_memory` says how much that is where it is not given.
    #[serde(default, deserialize_with = "some_size")]
    pub memory: Option<u64>,
    /// Crashes after which a function gets a worker of its own.
    pub quarantine_after: u32,
    /// Further crashes after which it is paused.
    pub pause_after: u32,
    /// How long a crash counts, and how long a function in quarantine has to be calm.
    #[serde(deserialize_with = "quantity::duration")]
    pub crash_window: Duration,
}

/// What becomes of a node whose machine refuses a layer of the workers' sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxDemand {
    /// It goes on with the others.
    #[default]
    BestEffort,
    /// It does not start.
    Required,
}

/// What records may take in memory until they are committed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceConfig {
    /// Of all functions, with what is fetched ahead.
    #[serde(deserialize_with = "quantity::size")]
    pub memory: u64,
    /// Of one partition of one function.
    pub max_in_flight_records: u32,
    #[serde(deserialize_with = "quantity::size")]
    pub max_in_flight_bytes: u64,
}

/// What the fetches of all functions may take.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FetchConfig {
    pub max_concurrent: u32,
    pub max_concurrent_per_function: u32,
    #[serde(deserialize_with = "quantity::duration")]
    pub timeout: Duration,
    #[serde(deserialize_with = "quantity::size")]
    pub max_request: u64,
    #[serde(deserialize_with = "quantity::size")]
    pub max_response: u64,
    /// Further certificates to trust, as PEM.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdminConfig {
    /// `host:port`.
    pub listen: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoggingConfig {
    /// A level, or directives such as `"info,eddyline=debug"`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    Pretty,
    Json,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShutdownConfig {
    /// How long records in flight may take to finish.
    #[serde(deserialize_with = "quantity::duration")]
    pub timeout: Duration,
}

impl Default for FunctionsConfig {
    fn default() -> Self {
        FunctionsConfig {
            path: PathBuf::from("functions"),
            sleep_after: Some(Duration::from_secs(60)),
            keep_positions: Duration::from_secs(86_400),
        }
    }
}

impl Default for TopicsConfig {
    fn default() -> Self {
        TopicsConfig { create: None, partitions: 4, replication_factor: 0 }
    }
}

impl Default for WorkersConfig {
    fn default() -> Self {
        WorkersConfig {
            count: 0,
            start_timeout: Duration::from_secs(30),
            quarantine_after: 2,
            pause_after: 5,
            crash_window: Duration::from_secs(600),
            sandbox: SandboxDemand::BestEffort,
            memory: None,
        }
    }
}

impl Default for SourceConfig {
    fn default() -> Self {
        SourceConfig { memory: 128 << 20, max_in_flight_records: 4000, max_in_flight_bytes: 4 << 20 }
    }
}

impl Default for FetchConfig {
    fn default() -> Self {
        FetchConfig {
            max_concurrent: 256,
            max_concurrent_per_function: 64,
            timeout: Duration::from_secs(30),
            max_request: 16 << 20,
            max_response: 16 << 20,
            ca_file: None,
        }
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        AdminConfig { listen: "127.0.0.1:9640".to_owned() }
    }
}

impl Default for LoggingConfig {
    fn default() -> Self {
        LoggingConfig { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        ShutdownConfig { timeout: Duration::from_secs(30) }
    }
}

fn some_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    quantity::size(deserializer).map(Some)
}
