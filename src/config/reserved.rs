//! Properties of librdkafka that a configuration may not set, each with the reason.

const OFFSETS: &str = "offsets are committed only behind records whose results Kafka has acknowledged";
const START: &str = "a function's `source.start` decides where it begins";
const PRODUCER: &str = "the producer is idempotent and waits for all replicas, so that nothing is lost or reordered";
const TRANSACTIONS: &str = "Eddyline runs the transactions itself";
const GROUP: &str = "each function has its own consumer group, set by `source.group` in its function.toml";
const ASSIGNMENT: &str = "partitions change hands only after their records in flight have settled";
const ISOLATION: &str = "records of aborted transactions must not be handled";
const PARTITIONER: &str = "keys go to the partitions that every other client would choose";
const CREATION: &str = "topics are created by `topics.create`, never by producing or reading";
const BROKERS: &str = "the brokers are set by `kafka.brokers`";
const SIZES: &str = "what is too large for a topic is decided by the topic's own limit";
const REPORTS: &str = "every result's acknowledgement is awaited";
const READING: &str = "the end of a partition would be taken for a record";
const EMBEDDED: &str = "it would replace Kafka by a broker in memory";

pub(super) const RESERVED: &[(&str, &str)] = &[
    ("acks", PRODUCER),
    ("allow.auto.create.topics", CREATION),
    ("auto.commit.enable", OFFSETS),
    ("auto.commit.interval.ms", OFFSETS),
    ("auto.offset.reset", START),
    ("bootstrap.servers", BROKERS),
    ("delivery.report.only.error", REPORTS),
    ("delivery.timeout.ms", PRODUCER),
    ("enable.auto.commit", OFFSETS),
    ("enable.auto.offset.store", OFFSETS),
    ("enable.gapless.guarantee", PRODUCER),
    ("enable.idempotence", PRODUCER),
    ("enable.partition.eof", READING),
    ("enabled_events", REPORTS),
    ("group.id", GROUP),
    ("group.protocol", ASSIGNMENT),
    ("group.protocol.type", ASSIGNMENT),
    ("group.remote.assignor", ASSIGNMENT),
    ("isolation.level", ISOLATION),
    ("max.in.flight", PRODUCER),
    ("max.in.flight.requests.per.connection", PRODUCER),
    ("message.max.bytes", SIZES),
    ("message.send.max.retries", PRODUCER),
    ("message.timeout.ms", PRODUCER),
    ("metadata.broker.list", BROKERS),
    ("msg_order_cmp", PRODUCER),
    ("offset.store.method", OFFSETS),
    ("offset.store.path", OFFSETS),
    ("partition.assignment.strategy", ASSIGNMENT),
    ("partitioner", PARTITIONER),
    ("queuing.strategy", PRODUCER),
    ("request.required.acks", PRODUCER),
    ("retries", PRODUCER),
    ("test.mock.*", EMBEDDED),
    ("transactional.id", TRANSACTIONS),
];

/// Why the property cannot be set, if it cannot.
pub(super) fn reason(property: &str) -> Option<&'static str> {
    let property = property.trim().to_ascii_lowercase();
    let found = RESERVED.iter().find(|(name, _)| match name.strip_suffix('*') {
        Some(prefix) => property.starts_with(prefix),
        None => *name == property,
    });
    found.map(|(_, reason)| *reason)
}
