//! The broker of a measurement and its topics.

use std::time::Duration;

use anyhow::Result;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;

pub const PATIENCE: Duration = Duration::from_secs(120);

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
}

pub fn client(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address)
        .set("enable.metrics.push", "false")
        .set("allow.auto.create.topics", "false");
    config
}
