//! The calls that a transaction is made of. All but beginning may block for as long as Kafka does not answer, and
//! librdkafka refuses two of them at once on one client.

use std::ptr::NonNull;
use std::time::Duration;

use rdkafka_sys as sys;

use super::queue::millis;
use super::text::{code, text};
use super::{Client, PartitionList};
use crate::kafka::{Failure, TransactionError};

/// A group's member at one moment, by which Kafka tells whether offsets in a transaction still come from it.
pub struct GroupMetadata(NonNull<sys::rd_kafka_consumer_group_metadata_t>);

// SAFETY: the object is a copy that nobody else has, and reading it needs no thread in particular.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    /// Whether it names a member of a generation. Kafka fences nothing that comes without them.
    pub(in crate::kafka) fn is_member(&self) -> bool {
        // SAFETY: the object is live, and so are its strings.
        unsafe {
            let generation = sys::rd_kafka_consumer_group_metadata_generation_id(self.0.as_ptr());
            generation >= 0 && !text(sys::rd_kafka_consumer_group_metadata_member_id(self.0.as_ptr())).is_empty()
        }
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: the object is ours.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) }
    }
}

impl Client {
    /// What this consumer is in its group now; one exchange with a thread of librdkafka's, no network.
    pub(in crate::kafka) fn group_metadata(&self) -> Option<GroupMetadata> {
        // SAFETY: the client is live; what is returned is ours.
        NonNull::new(unsafe { sys::rd_kafka_consumer_group_metadata(self.raw()) }).map(GroupMetadata)
    }

    pub(in crate::kafka) fn init_transactions(&self, timeout: Duration) -> Result<(), TransactionError> {
        // SAFETY: the client is live, and the error is ours.
        unsafe {
            let error = sys::rd_kafka_init_transactions(self.raw(), millis(timeout));
            self.check_call("taking over the transactional id", error)
        }
    }

    pub(in crate::kafka) fn begin_transaction(&self) -> Result<(), TransactionError> {
        // SAFETY: as above.
        unsafe {
            let error = sys::rd_kafka_begin_transaction(self.raw());
            self.check_call("beginning a transaction", error)
        }
    }

    pub(in crate::kafka) fn send_offsets(
        &self,
        next: &PartitionList,
        group: &GroupMetadata,
        timeout: Duration,
    ) -> Result<(), TransactionError> {
        // SAFETY: client, list and metadata are live, both are copied, and the error is ours.
        unsafe {
            let error =
                sys::rd_kafka_send_offsets_to_transaction(self.raw(), next.raw(), group.0.as_ptr(), millis(timeout));
            self.check_call("adding offsets to a transaction", error)
        }
    }

    pub(in crate::kafka) fn commit_transaction(&self, timeout: Duration) -> Result<(), TransactionError> {
        // SAFETY: the client is live, and the error is ours.
        unsafe {
            let error = sys::rd_kafka_commit_transaction(self.raw(), millis(timeout));
            self.check_call("committing a transaction", error)
        }
    }

    pub(in crate::kafka) fn abort_transaction(&self, timeout: Duration) -> Result<(), TransactionError> {
        // SAFETY: as above.
        unsafe {
            let error = sys::rd_kafka_abort_transaction(self.raw(), millis(timeout));
            self.check_call("aborting a transaction", error)
        }
    }

    /// Turns an error object into a result and frees it.
    ///
    /// # Safety
    /// `error` is null or an error object that librdkafka gave to us to own.
    unsafe fn check_call(
        &self,
        operation: &'static str,
        error: *mut sys::rd_kafka_error_t,
    ) -> Result<(), TransactionError> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: the object is ours until it is destroyed below, and its text is copied before.
        unsafe {
            let told = code(sys::rd_kafka_error_code(error));
            // Once a client has failed for good, every call names only that.
            let cause = self.fatal().and_then(|fatal| fatal.code()).unwrap_or(told);
            let failure = Failure::of(
                cause,
                sys::rd_kafka_error_is_fatal(error) != 0,
                sys::rd_kafka_error_txn_requires_abort(error) != 0,
                sys::rd_kafka_error_is_retriable(error) != 0,
            );
            let reason = text(sys::rd_kafka_error_string(error)).into_owned();
            sys::rd_kafka_error_destroy(error);
            Err(TransactionError { operation, code: cause, reason, failure })
        }
    }
}
