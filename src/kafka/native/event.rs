//! What a queue hands out.

use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

use super::list::{Entry, read};
use super::text::{code, text};
use super::{Client, Report};
use crate::kafka::{Code, Error, Result};

pub(in crate::kafka) struct Event {
    event: NonNull<sys::rd_kafka_event_t>,
    _client: Arc<Client>,
}

impl Event {
    pub(super) fn own(client: &Arc<Client>, event: *mut sys::rd_kafka_event_t) -> Option<Self> {
        Some(Self { event: NonNull::new(event)?, _client: Arc::clone(client) })
    }

    pub(super) fn raw(&self) -> *mut sys::rd_kafka_event_t {
        self.event.as_ptr()
    }

    /// One of librdkafka's `RD_KAFKA_EVENT_` numbers.
    pub(in crate::kafka) fn kind(&self) -> i32 {
        // SAFETY: the event is live.
        unsafe { sys::rd_kafka_event_type(self.raw()) }
    }

    pub(in crate::kafka) fn code(&self) -> Code {
        // SAFETY: the event is live.
        code(unsafe { sys::rd_kafka_event_error(self.raw()) })
    }

    /// The event's own error, if it carries one.
    pub(in crate::kafka) fn result(&self, operation: &'static str) -> Result<()> {
        // SAFETY: the event is live, and its text is copied.
        unsafe {
            let err = sys::rd_kafka_event_error(self.raw());
            if err == RD_KAFKA_RESP_ERR_NO_ERROR {
                return Ok(());
            }
            Err(Error::Kafka {
                operation,
                code: code(err),
                reason: text(sys::rd_kafka_event_error_string(self.raw())).into_owned(),
            })
        }
    }

    pub(in crate::kafka) fn is_fatal(&self) -> bool {
        // SAFETY: the event is live.
        unsafe { sys::rd_kafka_event_error_is_fatal(self.raw()) != 0 }
    }

    /// The number that the request was given.
    pub(super) fn number(&self) -> usize {
        // SAFETY: the event is live; the pointer is none.
        unsafe { sys::rd_kafka_event_opaque(self.raw()) }.addr()
    }

    /// The partitions of a rebalance or of a commit.
    pub(in crate::kafka) fn partitions(&self) -> Vec<Entry> {
        // SAFETY: the event is live; the list belongs to it and is copied.
        unsafe { read(sys::rd_kafka_event_topic_partition_list(self.raw())) }
    }

    /// Lends the delivery reports of this event, all at once.
    pub(in crate::kafka) fn with_reports(&self, receive: impl FnOnce(&[Report<'_>])) {
        // SAFETY: the event is live; its messages live as long as it does, and the array has room
        // for as many pointers as stated.
        let reports = unsafe {
            let count = sys::rd_kafka_event_message_count(self.raw());
            let mut pointers = vec![ptr::null(); count];
            let count = sys::rd_kafka_event_message_array(self.raw(), pointers.as_mut_ptr(), count);
            pointers.truncate(count);
            Report::wrap(pointers)
        };
        receive(&reports);
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event is ours.
        unsafe { sys::rd_kafka_event_destroy(self.raw()) }
    }
}
