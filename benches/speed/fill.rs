//! What is written into topics before a measurement.

use std::time::Duration;

use anyhow::{Result, ensure};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::broker::{Broker, PATIENCE, client};
use crate::loads::Load;
use crate::orders;

impl Broker {
    /// Writes so many records into the topics of a load, in turn.
    pub fn fill(&self, load: &Load, records: u64, topics: &[String]) -> Result<()> {
        self.create(topics, load.partitions)?;
        let producer: BaseProducer = client(&self.address)
            .set("compression.type", "lz4")
            .set("enable.idempotence", "true")
            // As every other client chooses them.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "20")
            .create()?;
        let (mut key, mut value) = (String::new(), String::new());
        for id in 0..records {
            orders::key(id, &mut key);
            orders::order(id, load.bytes, &mut value);
            // By customer, so that a customer's orders stay in one topic and in their order.
            let topic = &topics[(orders::customer(id) % topics.len() as u64) as usize];
            let mut record = BaseRecord::to(topic).key(&key).payload(&value);
            while let Err((error, back)) = producer.send(record) {
                let full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
                ensure!(full, "filling {topic}: {error}");
                producer.poll(Duration::from_millis(10));
                record = back;
            }
            if id % 1024 == 0 {
                producer.poll(Duration::ZERO);
            }
        }
        producer.flush(PATIENCE)?;
        Ok(())
    }
}
