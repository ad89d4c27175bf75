//! Writing records in transactions, some of which come to nothing.

use std::time::Duration;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::client::config;
use super::record::Record;

const CALL: Duration = Duration::from_secs(30);

pub struct Transactions {
    producer: BaseProducer,
}

impl Transactions {
    pub fn new(brokers: &str, id: &str) -> Transactions {
        let producer: BaseProducer =
            config(brokers).set("transactional.id", id).set("linger.ms", "0").create().expect("a producer");
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
}
