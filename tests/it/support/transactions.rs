//! Writing records in transactions, some of which come to nothing.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::client::config;
use super::reading;
use super::record::Record;

const CALL: Duration = Duration::from_secs(30);

pub struct Transactions {
    producer: BaseProducer,
}

impl Transactions {
    pub fn new(brokers: &str, id: &str) -> Transactions {
        let producer: BaseProducer = config(brokers)
            .set("transactional.id", id)
            .set("transaction.timeout.ms", "600000")
            .set("linger.ms", "0")
            .create()
            .expect("a producer");
        producer.init_transactions(CALL).expect("a transactional id");
        Transactions { producer }
    }

    /// Writes key and value of these records in one transaction, which is committed or aborted.
    pub fn write(&mut self, topic: &str, records: impl IntoIterator<Item = Record>, commit: bool) {
        self.producer.begin_transaction().expect("a transaction");
        for record in records {
            let to = BaseRecord::<[u8], [u8]>::to(topic)
                .key(record.key.as_deref().unwrap_or_default())
                .payload(record.value.as_deref().unwrap_or_default());
            self.producer.send(to).map_err(|(error, _)| error).expect("a record is taken");
        }
        self.producer.flush(CALL).expect("the broker takes the records");
        if commit {
            self.producer.commit_transaction(CALL).expect("the transaction is committed");
        } else {
            self.producer.abort_transaction(CALL).expect("the transaction is aborted");
        }
    }

    /// Begins a transaction that is to move a group without members, and leaves it open.
    pub fn hold(&mut self, brokers: &str, group: &str, topic: &str, partition: i32, offset: i64) {
        let mut position = TopicPartitionList::new();
        position.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("a partition");
        let group = reading::consumer(brokers, group).group_metadata().expect("a group");
        self.producer.begin_transaction().expect("a transaction");
        self.producer.send_offsets_to_transaction(&position, &group, CALL).expect("the offsets are taken");
    }

    pub fn let_go(&mut self) {
        self.producer.abort_transaction(CALL).expect("the transaction is aborted");
    }
}
