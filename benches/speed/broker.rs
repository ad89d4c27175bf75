//! The broker of a measurement, its topics, and what is written into them before.

use std::time::Duration;

use anyhow::{Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::loads::Load;
use crate::orders;

const PATIENCE: Duration = Duration::from_secs(120);

pub struct Broker {
    pub address: String,
    admin: AdminClient<DefaultClientContext>,
    waiting: tokio::runtime::Runtime,
}

impl Broker {
    pub fn at(address: &str) -> Result<Broker> {
        let admin = client(address).create()?;
        let waiting = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(Broker { address: address.to_owned(), admin, waiting })
    }

    pub fn create(&self, topics: &[String], partitions: i32) -> Result<()> {
        let new: Vec<NewTopic<'_>> =
            topics.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1))).collect();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
        for answer in self.waiting.block_on(self.admin.create_topics(&new, &options))? {
            match answer {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => anyhow::bail!("the topic {topic} cannot be made: {code}"),
            }
        }
        Ok(())
    }

    /// Gives up what was written for a run; the disk would fill otherwise.
    pub fn delete(&self, topics: &[String]) -> Result<()> {
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        self.waiting.block_on(self.admin.delete_topics(&topics, &AdminOptions::new()))?;
        Ok(())
    }

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

pub fn client(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address)
        .set("enable.metrics.push", "false")
        .set("allow.auto.create.topics", "false");
    config
}
