//! Making and changing topics.

use std::future::Future;

use rdkafka::TopicPartitionList;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

use super::client::config;
use super::reading;
use super::wait::eventually;

pub struct Topics {
    brokers: String,
    admin: AdminClient<DefaultClientContext>,
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

impl Topics {
    pub fn new(brokers: &str) -> Topics {
        Topics { brokers: brokers.to_owned(), admin: config(brokers).create().expect("an admin client") }
    }

    /// Makes a topic, if it is missing, and waits until it is there.
    #[track_caller]
    pub fn create(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        // Some tests write records of long ago, which Kafka would delete.
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
        let topic = configs.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
        let answers = wait(self.admin.create_topics([&topic], &AdminOptions::new())).expect("topics are created");
        match &answers[0] {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => panic!("cannot create {name}: {code}"),
        }
        eventually(&format!("topic {name} shows"), || {
            reading::partitions(&self.brokers, name).filter(|count| *count >= partitions)
        });
    }

    /// Makes many topics of one partition at once.
    #[track_caller]
    pub fn create_all(&self, names: &[String]) {
        self.create_unseen(names);
        for name in names {
            eventually(&format!("topic {name} shows"), || reading::partitions(&self.brokers, name));
        }
    }

    /// The same, without looking whether they show, which takes long for thousands.
    #[track_caller]
    pub fn create_unseen(&self, names: &[String]) {
        let topics: Vec<NewTopic<'_>> =
            names.iter().map(|name| NewTopic::new(name, 1, TopicReplication::Fixed(1))).collect();
        let answers = wait(self.admin.create_topics(&topics, &AdminOptions::new())).expect("topics are created");
        for answer in answers {
            answer.unwrap_or_else(|(name, code)| panic!("cannot create {name}: {code}"));
        }
    }

    #[track_caller]
    pub fn grow(&self, name: &str, partitions: i32) {
        let wanted = NewPartitions::new(name, partitions as usize);
        let answers = wait(self.admin.create_partitions([&wanted], &AdminOptions::new())).expect("an answer");
        answers[0].as_ref().expect("partitions are created");
        eventually(&format!("topic {name} has {partitions} partitions"), || {
            reading::partitions(&self.brokers, name).filter(|count| *count == partitions)
        });
    }

    #[track_caller]
    pub fn configure(&self, name: &str, key: &str, value: &str) {
        let change = AlterConfig::new(ResourceSpecifier::Topic(name)).set(key, value);
        let answers = wait(self.admin.alter_configs([&change], &AdminOptions::new())).expect("an answer");
        answers[0].as_ref().expect("the topic is configured");
        eventually(&format!("{name} has {key} = {value}"), || (self.config(name, key)? == value).then_some(()));
    }

    pub fn config(&self, name: &str, key: &str) -> Option<String> {
        let answers =
            wait(self.admin.describe_configs([&ResourceSpecifier::Topic(name)], &AdminOptions::new())).ok()?;
        answers[0].as_ref().ok()?.get(key)?.value.clone()
    }

    #[track_caller]
    pub fn delete(&self, name: &str) {
        let answers = wait(self.admin.delete_topics(&[name], &AdminOptions::new())).expect("an answer");
        answers[0].as_ref().expect("the topic is deleted");
        eventually(&format!("topic {name} is gone"), || {
            reading::partitions(&self.brokers, name).is_none().then_some(())
        });
    }

    /// Deletes everything before `offset`.
    #[track_caller]
    pub fn delete_records(&self, name: &str, partition: i32, offset: i64) {
        let mut before = TopicPartitionList::new();
        before.add_partition_offset(name, partition, rdkafka::Offset::Offset(offset)).expect("a partition");
        wait(self.admin.delete_records(&before, &AdminOptions::new())).expect("records are deleted");
    }
}
