//! A Kafka client that shares nothing with the program under test but librdkafka.

use rdkafka::ClientConfig;

pub fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("broker.address.family", "v4")
        .set("enable.metrics.push", "false")
        .set("socket.nagle.disable", "true")
        .set_log_level(rdkafka::config::RDKafkaLogLevel::Error);
    config
}
