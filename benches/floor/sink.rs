//! Results to the producer, a chunk at a time, and its reports.

use std::ffi::{CStr, CString};
use std::ptr;

use rdkafka_sys as sys;
use sys::rd_kafka_resp_err_t::{RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR_NO_ERROR};

use super::{Epochs, Results};
use crate::contract::Contract;

/// Records of each partition between source and acknowledgement.
const UNDERWAY: i32 = 4000;

pub struct Sink {
    topic: *mut sys::rd_kafka_topic_t,
    reports: *mut sys::rd_kafka_queue_t,
    room: Vec<*const sys::rd_kafka_message_t>,
}

impl Sink {
    pub fn new(contract: &Contract) -> Sink {
        let client = client(
            sys::rd_kafka_type_t::RD_KAFKA_PRODUCER,
            sys::RD_KAFKA_EVENT_DR,
            &[
                ("bootstrap.servers", &contract.brokers),
                ("compression.type", "lz4"),
                ("enable.idempotence", "true"),
                ("linger.ms", "0"),
                // As many as we have underway. By default 100,000 wait here: in the part of a run that is measured, many of
                // those that are acknowledged would have been fetched before.
                ("queue.buffering.max.messages", &(UNDERWAY * contract.partitions).min(100_000).to_string()),
                ("enable.metrics.push", "false"),
            ],
        );
        let topic = CString::new(contract.output.as_str()).expect("a topic's name");
        // SAFETY: the client is live; it owns what is asked of it here until the process ends.
        let (topic, reports) = unsafe {
            (sys::rd_kafka_topic_new(client, topic.as_ptr(), ptr::null_mut()), sys::rd_kafka_queue_get_main(client))
        };
        assert!(!topic.is_null(), "the producer knows the topic");
        Sink { topic, reports, room: Vec::new() }
    }

    /// Hands over all results, in their order, and waits while the producer is full.
    pub fn produce(&mut self, results: &mut Results, epochs: &mut Epochs) {
        let epoch = epochs.current();
        let mut rest = results.messages(epoch);
        while !rest.is_empty() {
            let flags = sys::RD_KAFKA_MSG_F_COPY | sys::RD_KAFKA_MSG_F_PARTITION;
            // SAFETY: the topic is live, and so are keys and values, which are copied.
            let taken =
                unsafe { sys::rd_kafka_produce_batch(self.topic, 0, flags, rest.as_mut_ptr(), rest.len() as i32) }
                    as usize;
            epochs.produced(taken);
            // What does not fit any more are the last ones.
            rest = &mut rest[taken..];
            if let Some(first) = rest.first() {
                assert_eq!(first.err, RD_KAFKA_RESP_ERR__QUEUE_FULL, "the producer takes records");
                self.wait_for_reports(epochs, 10);
            }
        }
        results.clear();
    }

    /// Notes what has been acknowledged, without waiting.
    pub fn serve(&mut self, epochs: &mut Epochs) {
        while self.wait_for_reports(epochs, 0) {}
    }

    fn wait_for_reports(&mut self, epochs: &mut Epochs, timeout: i32) -> bool {
        // SAFETY: the queue is live and the event ours; its messages live as long as it.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.reports, timeout);
            if event.is_null() {
                return false;
            }
            let count = sys::rd_kafka_event_message_count(event);
            self.room.resize(count, ptr::null());
            let count = sys::rd_kafka_event_message_array(event, self.room.as_mut_ptr(), count);
            for message in &self.room[..count] {
                assert_eq!((**message).err, RD_KAFKA_RESP_ERR_NO_ERROR, "results are acknowledged");
                epochs.acknowledged((**message)._private.addr());
            }
            sys::rd_kafka_event_destroy(event);
        }
        true
    }
}

/// A client that lives until the process ends.
pub fn client(kind: sys::rd_kafka_type_t, events: i32, properties: &[(&str, &str)]) -> *mut sys::rd_kafka_t {
    let mut reason = [0; 512];
    // SAFETY: the strings are terminated, the buffer is as long as stated, and the configuration becomes the client's.
    unsafe {
        let conf = sys::rd_kafka_conf_new();
        for (name, value) in properties {
            let (name, value) =
                (CString::new(*name).expect("no zero byte"), CString::new(*value).expect("no zero byte"));
            let answer = sys::rd_kafka_conf_set(conf, name.as_ptr(), value.as_ptr(), reason.as_mut_ptr(), reason.len());
            assert_eq!(answer, sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK, "{:?}", CStr::from_ptr(reason.as_ptr()));
        }
        sys::rd_kafka_conf_set_events(conf, events);
        let client = sys::rd_kafka_new(kind, conf, reason.as_mut_ptr(), reason.len());
        assert!(!client.is_null(), "{:?}", CStr::from_ptr(reason.as_ptr()));
        client
    }
}
