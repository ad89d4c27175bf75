//! From our settings to librdkafka's properties.

use std::collections::BTreeMap;

/// How to reach Kafka, and how one client of a node differs from librdkafka's defaults.
#[derive(Clone, Default)]
pub struct Settings {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Any librdkafka property; applied first, so that what promises rest on is ours.
    pub properties: BTreeMap<String, String>,
    /// Shows in the broker's logs and quotas.
    pub client_id: String,
    /// Static membership: a restart within the session timeout moves no partitions.
    pub group_instance_id: Option<String>,
}
