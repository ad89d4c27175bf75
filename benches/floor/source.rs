//! Records of some partitions, through one queue, as many at once as are there.

use std::ffi::CString;
use std::ptr;
use std::time::Duration;

use rdkafka_sys as sys;
use sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

use super::sink::client;
use crate::contract::Contract;

/// What we read ahead of each partition, and of all together.
const AHEAD: usize = 20_000;
const AHEAD_KIB: usize = 8192;
const MOST_AHEAD_KIB: usize = 85 * 1024;

pub struct Source {
    client: *mut sys::rd_kafka_t,
    queue: *mut sys::rd_kafka_queue_t,
    topic: CString,
    /// The offset behind the last record that was taken, by partition; -1 where none was.
    next: Vec<i64>,
    room: Vec<*mut sys::rd_kafka_message_t>,
}

/// A record in librdkafka's own memory, which goes when this does.
pub struct Taken(*mut sys::rd_kafka_message_t);

impl Taken {
    pub fn raw(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: the message is ours until it is dropped.
        unsafe { &*self.0 }
    }

    pub fn value(&self) -> &[u8] {
        let raw = self.raw();
        if raw.payload.is_null() {
            return &[];
        }
        // SAFETY: the payload belongs to the message and is so long.
        unsafe { std::slice::from_raw_parts(raw.payload.cast(), raw.len) }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // SAFETY: ours, and used by nobody else.
        unsafe { sys::rd_kafka_message_destroy(self.0) }
    }
}

impl Source {
    pub fn new(contract: &Contract, partitions: &[i32]) -> Source {
        let share = partitions.len();
        let client = client(
            sys::rd_kafka_type_t::RD_KAFKA_CONSUMER,
            0,
            &[
                ("bootstrap.servers", &contract.brokers),
                ("group.id", &contract.group),
                ("enable.auto.offset.store", "false"),
                ("auto.commit.interval.ms", "1000"),
                ("auto.offset.reset", "earliest"),
                ("enable.metrics.push", "false"),
                // As far ahead as we read ourselves, in one queue for all partitions. By default it is 64 MiB: in the part of
                // a run that is measured, much of what is copied would have been fetched and unpacked before.
                ("queued.max.messages.kbytes", &(AHEAD_KIB * share).min(MOST_AHEAD_KIB).to_string()),
                ("queued.min.messages", &(AHEAD * share).to_string()),
                // As we have them, for the reasons given in src/kafka/settings.rs.
                ("fetch.queue.backoff.ms", "10"),
                ("fetch.wait.max.ms", "100"),
            ],
        );
        let topic = CString::new(contract.input.as_str()).expect("a topic's name");
        let next = vec![-1; contract.partitions as usize];
        // SAFETY: the client is live; the list and the references to queues are ours and given back.
        let queue = unsafe {
            let queue = sys::rd_kafka_queue_new(client);
            let list = sys::rd_kafka_topic_partition_list_new(contract.partitions);
            for &partition in partitions {
                // Never through the consumer's own queue, which cannot be taken from in batches.
                let own = sys::rd_kafka_queue_get_partition(client, topic.as_ptr(), partition);
                sys::rd_kafka_queue_forward(own, queue);
                sys::rd_kafka_queue_destroy(own);
                let entry = sys::rd_kafka_topic_partition_list_add(list, topic.as_ptr(), partition);
                (*entry).offset = i64::from(sys::RD_KAFKA_OFFSET_STORED);
            }
            let answer = sys::rd_kafka_assign(client, list);
            assert_eq!(answer, RD_KAFKA_RESP_ERR_NO_ERROR, "the partitions are assigned");
            sys::rd_kafka_topic_partition_list_destroy(list);
            queue
        };
        Source { client, queue, topic, next, room: Vec::new() }
    }

    /// Adds up to `most` records, and waits only if there is none.
    pub fn take(&mut self, most: usize, wait: Duration, out: &mut Vec<Taken>) {
        if self.batch(most, 0, out) == 0 && self.batch(1, wait.as_millis() as i32, out) == 1 {
            self.batch(most - 1, 0, out);
        }
    }

    fn batch(&mut self, most: usize, timeout: i32, out: &mut Vec<Taken>) -> usize {
        self.room.resize(most, ptr::null_mut());
        // SAFETY: the queue is live and there is room for so many.
        let count = unsafe { sys::rd_kafka_consume_batch_queue(self.queue, timeout, self.room.as_mut_ptr(), most) };
        let count = usize::try_from(count).expect("the queue can be read");
        for message in &self.room[..count] {
            let taken = Taken(*message);
            let raw = taken.raw();
            // What is no record is an error that librdkafka gets over by itself.
            if raw.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                self.next[raw.partition as usize] = raw.offset + 1;
                out.push(taken);
            }
        }
        count
    }

    pub fn next(&self) -> impl Iterator<Item = (i32, i64)> {
        let known = |(partition, next): (usize, &i64)| (*next >= 0).then_some((partition as i32, *next));
        self.next.iter().enumerate().filter_map(known)
    }

    /// Leaves offsets to the commit in the background.
    pub fn store(&self, next: &[(i32, i64)]) {
        // SAFETY: the client is live, and the list is ours.
        unsafe {
            let list = sys::rd_kafka_topic_partition_list_new(next.len() as i32);
            for (partition, offset) in next {
                let entry = sys::rd_kafka_topic_partition_list_add(list, self.topic.as_ptr(), *partition);
                (*entry).offset = *offset;
            }
            let answer = sys::rd_kafka_offsets_store(self.client, list);
            assert_eq!(answer, RD_KAFKA_RESP_ERR_NO_ERROR, "offsets are stored");
            sys::rd_kafka_topic_partition_list_destroy(list);
        }
    }
}
