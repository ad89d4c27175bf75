//! What a group consumer asks of its group.

use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;

use super::queue::millis;
use super::text::{check, check_error, text};
use super::{Client, Entry, PartitionList, Queue};
use crate::kafka::{Code, Error, Result};

impl Client {
    pub(in crate::kafka) fn subscribe(&self, topics: &PartitionList) -> Result<()> {
        // SAFETY: client and list are live; the list is copied.
        check("subscribing", unsafe { sys::rd_kafka_subscribe(self.raw(), topics.raw()) })
    }

    /// Whether partitions come and go one by one. False also where no protocol is settled yet.
    fn cooperative(&self) -> bool {
        // SAFETY: the client is live; the name is a static string or null.
        unsafe { text(sys::rd_kafka_rebalance_protocol(self.raw())) == "COOPERATIVE" }
    }

    pub(in crate::kafka) fn assign(&self, partitions: &PartitionList) -> Result<()> {
        const OPERATION: &str = "taking over partitions";
        if self.cooperative() {
            // SAFETY: client and list are live, the list is copied, the error is ours.
            unsafe {
                let error = sys::rd_kafka_incremental_assign(self.raw(), partitions.raw());
                check_error(OPERATION, error)
            }
        } else {
            // SAFETY: as above.
            check(OPERATION, unsafe { sys::rd_kafka_assign(self.raw(), partitions.raw()) })
        }
    }

    pub(in crate::kafka) fn unassign(&self, partitions: &PartitionList) -> Result<()> {
        const OPERATION: &str = "giving up partitions";
        if self.cooperative() {
            // SAFETY: client and list are live, the list is copied, the error is ours.
            unsafe {
                let error = sys::rd_kafka_incremental_unassign(self.raw(), partitions.raw());
                check_error(OPERATION, error)
            }
        } else {
            self.unassign_all()
        }
    }

    pub(in crate::kafka) fn unassign_all(&self) -> Result<()> {
        // SAFETY: the client is live; no list means no partitions.
        check("giving up all partitions", unsafe { sys::rd_kafka_assign(self.raw(), std::ptr::null()) })
    }

    pub(in crate::kafka) fn assignment_lost(&self) -> bool {
        // SAFETY: the client is live.
        unsafe { sys::rd_kafka_assignment_lost(self.raw()) != 0 }
    }

    pub(in crate::kafka) fn store(&self, next: &PartitionList) -> Result<()> {
        // SAFETY: client and list are live; only the list's error fields change.
        check("storing offsets", unsafe { sys::rd_kafka_offsets_store(self.raw(), next.raw()) })
    }

    /// Commits and waits for the answer.
    pub(in crate::kafka) fn commit(self: &Arc<Self>, next: &PartitionList, timeout: Duration) -> Result<()> {
        const OPERATION: &str = "committing offsets";
        let answers = Queue::new(self);
        // SAFETY: everything is live; the answer comes to our queue as an event.
        check(OPERATION, unsafe {
            sys::rd_kafka_commit_queue(self.raw(), next.raw(), answers.raw(), None, std::ptr::null_mut())
        })?;
        let answer = answers.poll(timeout).ok_or_else(|| timed_out(OPERATION))?;
        answer.result(OPERATION)?;
        first_failure(OPERATION, &answer.partitions())
    }

    /// Commits without waiting; how it went comes as an event.
    pub(in crate::kafka) fn commit_later(&self, next: &PartitionList) -> Result<()> {
        // SAFETY: client and list are live; the list is copied.
        check("committing offsets", unsafe { sys::rd_kafka_commit(self.raw(), next.raw(), 1) })
    }

    /// The group's committed offsets.
    pub(in crate::kafka) fn committed(&self, partitions: &PartitionList, timeout: Duration) -> Result<Vec<Entry>> {
        // SAFETY: client and list are live; the list's offsets and errors are filled in.
        check("asking for committed offsets", unsafe {
            sys::rd_kafka_committed(self.raw(), partitions.raw(), millis(timeout))
        })?;
        Ok(partitions.entries())
    }

    /// The offsets behind the last records taken.
    pub(in crate::kafka) fn positions(&self, partitions: &PartitionList) -> Result<Vec<Entry>> {
        // SAFETY: as above.
        check("asking for positions", unsafe { sys::rd_kafka_position(self.raw(), partitions.raw()) })?;
        Ok(partitions.entries())
    }

    pub(in crate::kafka) fn seek(&self, to: &PartitionList, timeout: Duration) -> Result<()> {
        const OPERATION: &str = "going to another offset";
        // SAFETY: client and list are live, and the error is ours.
        unsafe {
            let error = sys::rd_kafka_seek_partitions(self.raw(), to.raw(), millis(timeout));
            check_error(OPERATION, error)?;
        }
        first_failure(OPERATION, &to.entries())
    }

    pub(in crate::kafka) fn pause(&self, partitions: &PartitionList) -> Result<()> {
        // SAFETY: client and list are live; only the list's error fields change.
        check("pausing", unsafe { sys::rd_kafka_pause_partitions(self.raw(), partitions.raw()) })
    }

    pub(in crate::kafka) fn resume(&self, partitions: &PartitionList) -> Result<()> {
        // SAFETY: as above.
        check("resuming", unsafe { sys::rd_kafka_resume_partitions(self.raw(), partitions.raw()) })
    }

    /// Low and high watermark as of the last answer of the broker.
    pub(in crate::kafka) fn watermarks(&self, topic: &CStr, partition: i32) -> Option<(i64, i64)> {
        let (mut low, mut high) = (-1, -1);
        // SAFETY: the client is live, the name terminated, the numbers ours.
        let answer = unsafe {
            sys::rd_kafka_get_watermark_offsets(self.raw(), topic.as_ptr(), partition, &raw mut low, &raw mut high)
        };
        check("asking for watermarks", answer).ok()?;
        (low >= 0 && high >= 0).then_some((low, high))
    }

    /// Begins to leave the group; `closed` tells when it has left.
    pub(in crate::kafka) fn begin_close(&self, events: &Queue) -> Result<()> {
        // SAFETY: client and queue are live, and the error is ours.
        unsafe {
            let error = sys::rd_kafka_consumer_close_queue(self.raw(), events.raw());
            check_error("leaving the group", error)
        }
    }

    pub(in crate::kafka) fn closed(&self) -> bool {
        // SAFETY: the client is live.
        unsafe { sys::rd_kafka_consumer_closed(self.raw()) == 1 }
    }
}

pub(super) fn timed_out(operation: &'static str) -> Error {
    super::text::failure(operation, sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TIMED_OUT)
}

pub(super) fn first_failure(operation: &'static str, entries: &[Entry]) -> Result<()> {
    match entries.iter().find(|entry| entry.code != Code(0)) {
        None => Ok(()),
        Some(entry) => {
            Err(Error::Kafka { operation, code: entry.code, reason: format!("{}: {}", entry.partition, entry.code) })
        }
    }
}
