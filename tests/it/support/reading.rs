//! Reading whole topics back.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::ptr;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use rdkafka_sys as sys;

use super::client::config;
use super::record::{Headers, Record};
use super::wait::patience;

const CALL: Duration = Duration::from_secs(20);

pub fn consumer(brokers: &str, group: &str) -> BaseConsumer {
    consumer_of("read_committed", brokers, group)
}

fn consumer_of(isolation: &str, brokers: &str, group: &str) -> BaseConsumer {
    config(brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation)
        .set("fetch.wait.max.ms", "50")
        .set("fetch.message.max.bytes", "4194304")
        .set("allow.auto.create.topics", "false")
        .create()
        .expect("a consumer")
}

/// The number of a topic's partitions; nothing where the topic does not exist.
pub fn partitions(brokers: &str, topic: &str) -> Option<i32> {
    let metadata = consumer(brokers, "eddyline-tests").fetch_metadata(Some(topic), CALL).ok()?;
    let topic = metadata.topics().first().filter(|topic| topic.error().is_none())?;
    (!topic.partitions().is_empty()).then(|| topic.partitions().len() as i32)
}

/// Everything that a topic holds now, partition by partition, each in its order.
#[track_caller]
pub fn read_all(brokers: &str, topic: &str) -> Vec<Record> {
    read(consumer(brokers, "eddyline-tests"), brokers, topic)
}

/// The same with what belongs to transactions that were aborted.
#[track_caller]
pub fn read_even_aborted(brokers: &str, topic: &str) -> Vec<Record> {
    read(consumer_of("read_uncommitted", brokers, "eddyline-tests"), brokers, topic)
}

#[track_caller]
fn read(consumer: BaseConsumer, brokers: &str, topic: &str) -> Vec<Record> {
    let count = partitions(brokers, topic).unwrap_or_else(|| panic!("topic {topic} does not exist"));
    let mut wanted = TopicPartitionList::new();
    for partition in 0..count {
        wanted.add_partition_offset(topic, partition, Offset::Beginning).expect("a partition");
    }
    consumer.assign(&wanted).expect("partitions are assigned");
    let mut left: BTreeSet<i32> = (0..count).collect();
    let mut records = Vec::new();
    while !left.is_empty() {
        match consumer.poll(patience()) {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                left.remove(&partition);
            }
            Some(Err(error)) => eprintln!("reading {topic}: {error}"),
            None => panic!("partitions {left:?} of {topic} do not end"),
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        partition: Some(message.partition()),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers(message),
    }
}

/// Through librdkafka itself: names need not be text.
pub fn headers(message: &BorrowedMessage<'_>) -> Headers {
    let mut headers = Headers::new();
    let mut native = ptr::null_mut();
    // SAFETY: the message lives through this function, and its headers with it.
    let answer = unsafe { sys::rd_kafka_message_headers(message.ptr(), &mut native) };
    if answer != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return headers;
    }
    let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the calls write to our own variables, and stop with an error behind the last header.
    while unsafe { sys::rd_kafka_header_get_all(native, headers.len(), &mut name, &mut value, &mut size) }
        == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
    {
        // SAFETY: the name ends with NUL, and the value has `size` bytes where it is not null.
        let header = unsafe {
            let bytes = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec());
            (CStr::from_ptr(name).to_bytes().to_vec(), bytes)
        };
        headers.push(header);
    }
    headers
}

/// A group's committed offsets on a topic, by partition; `None` where it has committed none.
pub fn committed(brokers: &str, group: &str, topic: &str) -> Vec<Option<i64>> {
    let count = partitions(brokers, topic).unwrap_or(0);
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(topic, 0, count - 1);
    let answer = consumer(brokers, group).committed_offsets(asked, CALL).expect("committed offsets");
    let offset_of = |partition| match answer.find_partition(topic, partition)?.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    };
    (0..count).map(offset_of).collect()
}

/// The text that a group has committed with its offset on a topic's first partition.
pub fn note(brokers: &str, group: &str, topic: &str) -> String {
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let answer = consumer(brokers, group).committed_offsets(asked, CALL).expect("committed offsets");
    answer.find_partition(topic, 0).map_or_else(String::new, |one| one.metadata().to_owned())
}

/// The offsets behind the last record of each partition.
pub fn ends(brokers: &str, topic: &str) -> Vec<i64> {
    let count = partitions(brokers, topic).unwrap_or(0);
    let consumer = consumer(brokers, "eddyline-tests");
    (0..count).map(|partition| consumer.fetch_watermarks(topic, partition, CALL).expect("watermarks").1).collect()
}
