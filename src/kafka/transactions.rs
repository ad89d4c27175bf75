//! Transactions of a producer: results and a group's offsets become visible together, or not at all.
//!
//! Every call but `begin` may block; they are for a thread that has nothing else to do, one after the other.

use std::time::Duration;

use super::native::{GroupMetadata, PartitionList};
use super::{Code, Producer, TopicPartition};

/// What is left to do after a call of a transaction has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Make the same call again; nothing else may be called before it has an answer.
    Retriable,
    /// The transaction has to be aborted; the producer is sound.
    Abortable,
    /// Somebody else uses the transactional id, or the transaction was open for longer than Kafka allows.
    Fenced,
    /// The producer is of no more use.
    Fatal,
}

impl Failure {
    pub(super) fn of(cause: Code, fatal: bool, requires_abort: bool, retriable: bool) -> Failure {
        match (fatal, requires_abort, retriable) {
            (true, ..) if cause.is_fenced() => Failure::Fenced,
            (true, ..) => Failure::Fatal,
            (_, true, _) => Failure::Abortable,
            (_, _, true) => Failure::Retriable,
            // An error without advice is one that librdkafka has no way out of.
            _ => Failure::Fatal,
        }
    }
}

/// Why a call of a transaction failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} failed: {reason}")]
pub struct TransactionError {
    pub operation: &'static str,
    pub code: Code,
    pub reason: String,
    pub failure: Failure,
}

impl Producer {
    /// Whether it is of no more use because its transactional id was taken over.
    pub fn is_fenced(&self) -> bool {
        let cause = self.client().fatal().and_then(|fatal| fatal.code());
        cause.is_some_and(Code::is_fenced)
    }

    /// Takes over the transactional id: whoever had it before is fenced, and what it left open is finished or aborted
    /// when this returns.
    pub fn init_transactions(&self, timeout: Duration) -> Result<(), TransactionError> {
        self.client().init_transactions(timeout)
    }

    /// Begins a transaction; Kafka hears of it only with the first record.
    pub fn begin_transaction(&self) -> Result<(), TransactionError> {
        self.client().begin_transaction()
    }

    /// The group goes on behind these offsets if the transaction is committed.
    pub fn send_offsets(
        &self,
        next: &[(TopicPartition, i64)],
        group: &GroupMetadata,
        timeout: Duration,
    ) -> Result<(), TransactionError> {
        let mut list = PartitionList::new(next.len());
        for (partition, offset) in next {
            list.add_partition(partition, *offset);
        }
        self.client().send_offsets(&list, group, timeout)
    }

    /// Once it has been called, the transaction may be committed whatever the answer is: a retriable one only says that
    /// the same call has to be made again.
    pub fn commit_transaction(&self, timeout: Duration) -> Result<(), TransactionError> {
        self.client().commit_transaction(timeout)
    }

    /// Gives up what was not sent, waits for what was, and has Kafka discard all of it.
    pub fn abort_transaction(&self, timeout: Duration) -> Result<(), TransactionError> {
        self.client().abort_transaction(timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        let other = Code(1);
        assert_eq!(Failure::of(Code::FENCED, true, false, false), Failure::Fenced);
        assert_eq!(Failure::of(Code::PRODUCER_FENCED, true, true, true), Failure::Fenced);
        assert_eq!(Failure::of(other, true, false, false), Failure::Fatal);
        assert_eq!(Failure::of(other, false, true, true), Failure::Abortable);
        assert_eq!(Failure::of(other, false, false, true), Failure::Retriable);
        assert_eq!(Failure::of(other, false, false, false), Failure::Fatal, "no advice is no way out");
    }
}
