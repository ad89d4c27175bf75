//! Metadata and administration, each call waiting for its answer.

use std::collections::HashMap;
use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_admin_op_t as op;

use super::group::timed_out;
use super::queue::millis;
use super::text::{ErrorText, c_name, check, code, text};
use super::{Client, Event, Queue};
use crate::kafka::{Code, Error, NewTopic, Result, TopicInfo};

/// A topic of the cluster as one broker sees it.
pub(in crate::kafka) struct TopicMetadata {
    pub(in crate::kafka) info: TopicInfo,
    /// Why its partitions are unknown, if they are.
    pub(in crate::kafka) code: Code,
    /// Whether every partition can be written and read.
    pub(in crate::kafka) led: bool,
}

impl Client {
    /// All topics. Asking for all never creates any.
    pub(in crate::kafka) fn topics(&self, timeout: Duration) -> Result<Vec<TopicMetadata>> {
        let mut metadata = ptr::null();
        // SAFETY: the client is live; the answer is ours, copied and then freed.
        unsafe {
            let answer = sys::rd_kafka_metadata(self.raw(), 1, ptr::null_mut(), &raw mut metadata, millis(timeout));
            check("asking for the topics", answer)?;
            let topics = array((*metadata).topics, (*metadata).topic_cnt)
                .iter()
                .map(|topic| {
                    let partitions = array(topic.partitions, topic.partition_cnt);
                    TopicMetadata {
                        info: TopicInfo { name: text(topic.topic).into_owned(), partitions: topic.partition_cnt },
                        code: code(topic.err),
                        led: partitions.iter().all(|partition| partition.leader >= 0),
                    }
                })
                .collect();
            sys::rd_kafka_metadata_destroy(metadata);
            Ok(topics)
        }
    }

    /// Asks the controller for topics; the answer for each in the given order.
    pub(in crate::kafka) fn create_topics(
        self: &Arc<Self>,
        topics: &[NewTopic],
        timeout: Duration,
    ) -> Result<Vec<(Code, String)>> {
        const OPERATION: &str = "creating topics";
        let wanted = topics.iter().map(Wanted::new).collect::<Result<Vec<_>>>()?;
        let mut pointers: Vec<_> = wanted.iter().map(|topic| topic.0.as_ptr()).collect();
        let answers = Queue::new(self);
        let options = Options::new(self, op::RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
        // SAFETY: everything lives through the call, which copies the topics.
        unsafe {
            sys::rd_kafka_CreateTopics(self.raw(), pointers.as_mut_ptr(), pointers.len(), options.0, answers.raw());
        }
        let answer = answer(OPERATION, &answers, timeout)?;
        // SAFETY: the event holds this answer, whose texts are copied.
        unsafe {
            let result = sys::rd_kafka_event_CreateTopics_result(answer.raw());
            let mut count = 0;
            let results = sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
            Ok(array(results, count)
                .iter()
                .map(|&one| {
                    let code = code(sys::rd_kafka_topic_result_error(one));
                    let reason = text(sys::rd_kafka_topic_result_error_string(one));
                    (code, reason.into_owned())
                })
                .collect())
        }
    }

    /// One configuration value of a topic.
    pub(in crate::kafka) fn topic_configs(
        self: &Arc<Self>,
        topic: &str,
        timeout: Duration,
    ) -> Result<HashMap<String, String>> {
        const OPERATION: &str = "asking for a topic's configuration";
        let topic = c_name(topic)?;
        let answers = Queue::new(self);
        let options = Options::new(self, op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout);
        // SAFETY: everything lives through the call, which copies the resource.
        unsafe {
            let mut resource =
                sys::rd_kafka_ConfigResource_new(sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, topic.as_ptr());
            sys::rd_kafka_DescribeConfigs(self.raw(), &raw mut resource, 1, options.0, answers.raw());
            sys::rd_kafka_ConfigResource_destroy(resource);
        }
        let answer = answer(OPERATION, &answers, timeout)?;
        let mut configs = HashMap::new();
        // SAFETY: the event holds this answer, whose texts are copied.
        unsafe {
            let result = sys::rd_kafka_event_DescribeConfigs_result(answer.raw());
            let mut count = 0;
            let resources = sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
            for &resource in array(resources, count) {
                check(OPERATION, sys::rd_kafka_ConfigResource_error(resource))?;
                let mut count = 0;
                let entries = sys::rd_kafka_ConfigResource_configs(resource, &raw mut count);
                for &entry in array(entries, count) {
                    let value = sys::rd_kafka_ConfigEntry_value(entry);
                    if !value.is_null() {
                        configs
                            .insert(text(sys::rd_kafka_ConfigEntry_name(entry)).into_owned(), text(value).into_owned());
                    }
                }
            }
        }
        Ok(configs)
    }
}

fn answer(operation: &'static str, answers: &Queue, timeout: Duration) -> Result<Event> {
    // The request has the same limit; a little more lets its own error arrive.
    let event = answers.poll(timeout + Duration::from_secs(1)).ok_or_else(|| timed_out(operation))?;
    event.result(operation)?;
    Ok(event)
}

/// # Safety
/// `start` is null or points to `count` values that live for `'a`.
pub(super) unsafe fn array<'a, T, N: TryInto<usize>>(start: *const T, count: N) -> &'a [T] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: the caller promises it.
    unsafe { slice::from_raw_parts(start, count.try_into().unwrap_or(0)) }
}

pub(super) struct Options(pub(super) *mut sys::rd_kafka_AdminOptions_t);

impl Options {
    pub(super) fn new(client: &Client, operation: op, timeout: Duration) -> Self {
        let mut ignored = ErrorText::new();
        // SAFETY: the client is live and the options are ours. A timeout out of librdkafka's
        // range leaves its default in place.
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client.raw(), operation);
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options,
                millis(timeout),
                ignored.as_mut_ptr(),
                ignored.len(),
            );
            Self(options)
        }
    }

    /// What the answer is told apart by from others that come to the same queue: [`Event::number`].
    pub(super) fn number(&mut self, number: usize) {
        // SAFETY: the options are ours; the pointer is only handed back.
        unsafe { sys::rd_kafka_AdminOptions_set_opaque(self.0, ptr::without_provenance_mut(number)) }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the options are ours.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0) }
    }
}

/// A topic to be made, in librdkafka's form.
struct Wanted(NonNull<sys::rd_kafka_NewTopic_t>);

impl Wanted {
    fn new(topic: &NewTopic) -> Result<Self> {
        let name = c_name(&topic.name)?;
        let configs = topic
            .configs
            .iter()
            .map(|(name, value)| Ok((c_name(name)?, c_name(value)?)))
            .collect::<Result<Vec<(CString, CString)>>>()?;
        let mut reason = ErrorText::new();
        // SAFETY: the strings are terminated and copied, the buffer is as long as stated.
        unsafe {
            let wanted = sys::rd_kafka_NewTopic_new(
                name.as_ptr(),
                topic.partitions,
                topic.replication.unwrap_or(-1),
                reason.as_mut_ptr(),
                reason.len(),
            );
            let wanted = Self(NonNull::new(wanted).ok_or_else(|| Error::Kafka {
                operation: "creating topics",
                code: Code(sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__INVALID_ARG as i32),
                reason: format!("{}: {reason}", topic.name),
            })?);
            for (name, value) in &configs {
                let answer = sys::rd_kafka_NewTopic_set_config(wanted.0.as_ptr(), name.as_ptr(), value.as_ptr());
                check("creating topics", answer)?;
            }
            Ok(wanted)
        }
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        // SAFETY: the topic is ours.
        unsafe { sys::rd_kafka_NewTopic_destroy(self.0.as_ptr()) }
    }
}
