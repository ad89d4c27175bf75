//! From our settings to librdkafka's properties.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::native::check_properties;
use super::{Batching, Result};

/// How to reach Kafka, and how a node's clients differ from librdkafka's defaults.
#[derive(Clone, Default)]
pub struct Settings {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Any librdkafka property but the reserved ones. They win over our tuning,
    /// and what the promises rest on wins over them.
    pub properties: BTreeMap<String, String>,
    /// Shows in the broker's logs and quotas; empty for librdkafka's default.
    pub client_id: String,
    /// Static membership: a restart within the session timeout moves no partitions.
    pub group_instance_id: Option<String>,
}

/// One client's properties; a later value for a name replaces an earlier one.
pub(super) type Properties = BTreeMap<String, String>;

/// What every client gets unless the user says otherwise.
const COMMON: &[(&str, &str)] = &[
    ("enable.metrics.push", "false"),
    // New partitions and leaders show within a minute.
    ("topic.metadata.refresh.interval.ms", "60000"),
    ("reconnect.backoff.max.ms", "5000"),
    // A client that no broker answers, or that knows of none, asks the bootstrap servers again.
    ("metadata.recovery.rebootstrap.trigger.ms", "10000"),
    // The default of 100 MB would refuse a fetch with one larger record.
    ("receive.message.max.bytes", "536870912"),
];

/// Limits hold for each partition, because each has its own queue.
const CONSUMER: &[(&str, &str)] = &[
    ("queued.max.messages.kbytes", "8192"),
    ("queued.min.messages", "20000"),
    // The default of a second stalls a partition whose small queue has just been emptied.
    ("fetch.queue.backoff.ms", "10"),
    // While a full partition pauses, the broker holds the request for the empty ones so long,
    // and nothing is fetched meanwhile: at the default of 500 a skewed topic loses most of its speed.
    ("fetch.wait.max.ms", "100"),
    ("fetch.error.backoff.ms", "200"),
    ("auto.commit.interval.ms", "1000"),
];

const CONSUMER_PROMISES: &[(&str, &str)] = &[
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("enable.auto.commit", "true"),
    // Only what we store is committed.
    ("enable.auto.offset.store", "false"),
    // Partitions without an offset and offsets out of range; never silently the end.
    ("auto.offset.reset", "earliest"),
    ("isolation.level", "read_committed"),
    ("allow.auto.create.topics", "false"),
    ("enable.partition.eof", "false"),
];

/// How many milliseconds records without a key stay with a partition; without it, each would go to another.
const STICKY: (&str, f64) = ("sticky.partitioning.linger.ms", 10.0);
/// The property's name, and its older one.
const LINGER: [&str; 2] = ["linger.ms", "queue.buffering.max.ms"];

const PRODUCER: &[(&str, &str)] = &[
    ("compression.type", "lz4"),
    // Of each partition one request is underway, and what comes meanwhile goes with the next: that fills them better than
    // waiting, which only leaves the broker idle.
    ("linger.ms", "0"),
    (STICKY.0, "10"),
    // A topic's own limit decides, not the producer's.
    ("message.max.bytes", "268435456"),
    // Must exceed the largest record, or it could never be queued.
    ("queue.buffering.max.kbytes", "1048576"),
    ("queue.buffering.max.messages", "500000"),
    // Never: a record that came back would be written behind younger ones.
    ("message.timeout.ms", "0"),
];

const PRODUCER_PROMISES: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    // As Java's clients choose partitions.
    ("partitioner", "murmur2_random"),
    // librdkafka calls it a consumer's property, yet producers obey it too.
    ("allow.auto.create.topics", "false"),
];

/// How long a transaction may be open before Kafka ends it. While it is open, nobody who reads committed records only
/// gets past it, so a node that stops holds them up for so long.
pub const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);

/// What the promises rest on besides the lists above: also under their older names.
const FURTHER_RESERVED: &[&str] = &[
    "auto.commit.enable",
    "bootstrap.servers",
    "delivery.report.only.error",
    "enable.gapless.guarantee",
    "enabled_events",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "log.queue",
    "metadata.broker.list",
    "request.required.acks",
    "test.mock.num.brokers",
    "transactional.id",
];

impl Settings {
    pub fn new(brokers: impl Into<String>) -> Self {
        Self { brokers: brokers.into(), ..Self::default() }
    }

    /// Whether a property is ours to set, because the promises rest on it.
    pub fn is_reserved(name: &str) -> bool {
        FURTHER_RESERVED.contains(&name)
            || CONSUMER_PROMISES.iter().chain(PRODUCER_PROMISES).any(|(reserved, _)| *reserved == name)
    }

    /// Tries the properties without connecting. The error names the property, never its value.
    pub fn check(&self) -> Result<()> {
        check_properties(pairs(&self.consumer("check")))?;
        check_properties(pairs(&self.producer(Batching::Shared)))
    }

    pub(super) fn consumer(&self, group: &str) -> Properties {
        let mut properties = self.layers(CONSUMER, CONSUMER_PROMISES);
        properties.insert("group.id".to_owned(), group.to_owned());
        if let Some(id) = &self.group_instance_id {
            properties.insert("group.instance.id".to_owned(), id.clone());
        }
        properties
    }

    pub(super) fn producer(&self, batching: Batching) -> Properties {
        let mut properties = self.layers(PRODUCER, PRODUCER_PROMISES);
        if batching == Batching::Alone {
            properties.insert("batch.num.messages".to_owned(), "1".to_owned());
            properties.insert("linger.ms".to_owned(), "0".to_owned());
        } else if self.lingers() && !self.properties.contains_key(STICKY.0) {
            properties.remove(STICKY.0);
        }
        properties
    }

    /// Whether the user has records linger for so long that librdkafka would leave those without a key with a partition for
    /// longer than we do: for twice that.
    fn lingers(&self) -> bool {
        let linger = LINGER.iter().find_map(|name| self.properties.get(*name)?.trim().parse().ok());
        linger.is_some_and(|millis: f64| 2.0 * millis > STICKY.1)
    }

    /// For a producer whose records become visible only with its transaction.
    pub(super) fn transactional(&self, id: &str, batching: Batching) -> Properties {
        let mut properties = self.producer(batching);
        let timeout = TRANSACTION_TIMEOUT.as_millis().to_string();
        properties.insert("transactional.id".to_owned(), id.to_owned());
        // A record that is not delivered in time fails its transaction, which could not be committed any more.
        properties.insert("message.timeout.ms".to_owned(), timeout.clone());
        properties.insert("transaction.timeout.ms".to_owned(), timeout);
        // By default a little less than that; librdkafka refuses more.
        properties.remove("socket.timeout.ms");
        properties
    }

    /// For questions about topics and groups. It never joins one.
    pub(super) fn admin(&self) -> Properties {
        self.layers(&[], CONSUMER_PROMISES)
    }

    fn layers(&self, ours: &[(&str, &str)], promises: &[(&str, &str)]) -> Properties {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let mut properties: Properties = COMMON.iter().chain(ours).map(owned).collect();
        properties.extend(self.properties.clone());
        properties.extend(promises.iter().map(owned));
        properties.insert("bootstrap.servers".to_owned(), self.brokers.clone());
        if !self.client_id.is_empty() {
            properties.insert("client.id".to_owned(), self.client_id.clone());
        }
        properties
    }
}

/// Property values may be secrets, so only names are shown.
impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("brokers", &self.brokers)
            .field("properties", &self.properties.keys())
            .field("client_id", &self.client_id)
            .field("group_instance_id", &self.group_instance_id)
            .finish()
    }
}

pub(super) fn pairs(properties: &Properties) -> impl Iterator<Item = (&str, &str)> {
    properties.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Error;

    fn with(name: &str, value: &str) -> Settings {
        let mut settings = Settings::new("localhost:9092");
        settings.properties.insert(name.to_owned(), value.to_owned());
        settings
    }

    #[test]
    fn our_own_properties_are_known_to_librdkafka() {
        Settings::new("localhost:9092").check().unwrap();
    }

    #[test]
    fn security_properties_pass_through() {
        let settings = with("security.protocol", "sasl_ssl");
        settings.check().unwrap();
        assert_eq!(settings.consumer("g")["security.protocol"], "sasl_ssl");
        assert_eq!(settings.producer(Batching::Shared)["security.protocol"], "sasl_ssl");
    }

    #[test]
    fn a_users_tuning_wins_over_ours() {
        assert_eq!(with("linger.ms", "50").producer(Batching::Shared)["linger.ms"], "50");
    }

    #[test]
    fn where_a_user_has_records_linger_those_without_a_key_stay_with_a_partition_for_longer() {
        let sticky = |settings: &Settings| settings.producer(Batching::Shared).get(STICKY.0).cloned();
        assert_eq!(sticky(&Settings::new("b")).as_deref(), Some("10"));
        let mut settings = with("linger.ms", "50");
        assert_eq!(sticky(&settings), None, "librdkafka makes it 100");
        assert_eq!(sticky(&with("queue.buffering.max.ms", "50")), None);
        assert_eq!(sticky(&with("linger.ms", "0")).as_deref(), Some("10"), "twice that would be nothing");
        settings.properties.insert(STICKY.0.to_owned(), "7".to_owned());
        assert_eq!(sticky(&settings).as_deref(), Some("7"));
    }

    #[test]
    fn a_promise_wins_over_the_user_and_its_name_is_reserved() {
        let settings = with("enable.auto.offset.store", "true");
        assert_eq!(settings.consumer("g")["enable.auto.offset.store"], "false");
        assert!(Settings::is_reserved("enable.auto.offset.store"));
        assert!(Settings::is_reserved("transactional.id"));
        assert!(!Settings::is_reserved("linger.ms"));
    }

    #[test]
    fn a_transactional_producer_can_be_made_whatever_the_users_time_outs_are() {
        let settings = with("socket.timeout.ms", "60000");
        let properties = settings.transactional("eddyline.f.node", Batching::Shared);
        crate::kafka::native::Client::new(
            crate::kafka::native::Kind::Producer,
            pairs(&properties),
            0,
            Box::new(|_, _, _| {}),
        )
        .unwrap();
        assert_eq!(properties["transactional.id"], "eddyline.f.node");
    }

    #[test]
    fn an_unknown_property_is_refused_by_name_and_its_value_is_not_shown() {
        let error = with("sasl.pasword", "hunter2").check().unwrap_err();
        assert!(matches!(&error, Error::Property { name, .. } if name == "sasl.pasword"));
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_is_allowed() {
        let error = with("security.protocol", "sasl-ssl").check().unwrap_err();
        assert!(error.to_string().contains("security.protocol"), "{error}");
    }

    #[test]
    fn every_way_to_authenticate_is_built_in() {
        let sasl = |mechanism: &str, more: &[(&str, &str)]| {
            let mut settings = with("security.protocol", "sasl_ssl");
            let pairs = [("sasl.mechanism", mechanism), ("sasl.username", "u")];
            for (name, value) in pairs.iter().chain(&[("sasl.password", "p")]).chain(more) {
                let (name, value) = (name.to_string(), value.to_string());
                settings.properties.insert(name, value);
            }
            crate::kafka::Topics::new(&settings, None).map(drop)
        };
        sasl("PLAIN", &[]).unwrap();
        sasl("SCRAM-SHA-256", &[]).unwrap();
        sasl("SCRAM-SHA-512", &[]).unwrap();
        let oidc = [
            ("sasl.oauthbearer.method", "oidc"),
            ("sasl.oauthbearer.client.id", "c"),
            ("sasl.oauthbearer.client.secret", "s"),
            ("sasl.oauthbearer.token.endpoint.url", "http://127.0.0.1:1/token"),
        ];
        sasl("OAUTHBEARER", &oidc).unwrap();
    }

    #[test]
    fn debug_output_shows_no_values() {
        let shown = format!("{:?}", with("sasl.password", "hunter2"));
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"));
    }
}
