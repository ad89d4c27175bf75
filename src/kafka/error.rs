//! What Kafka refuses, and how we say it.

use std::fmt;

use rdkafka_sys::rd_kafka_resp_err_t as native;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error number of Kafka's (positive) or of librdkafka's own (negative).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

impl Code {
    /// One record, or the batch that it was sent in, exceeds what the topic takes.
    pub const TOO_LARGE: Self = Self(native::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE as i32);
    /// The whole request exceeds what the broker takes.
    pub const RECORD_LIST_TOO_LARGE: Self = Self(native::RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE as i32);
    pub const TIMED_OUT: Self = Self(native::RD_KAFKA_RESP_ERR__TIMED_OUT as i32);
    /// A produced record waited longer than `message.timeout.ms`.
    pub const RECORD_TIMED_OUT: Self = Self(native::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT as i32);
    pub const TOPIC_EXISTS: Self = Self(native::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS as i32);
    pub const UNKNOWN_TOPIC: Self = Self(native::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC as i32);
    pub const UNKNOWN_TOPIC_OR_PARTITION: Self = Self(native::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART as i32);
    pub const UNKNOWN_PARTITION: Self = Self(native::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION as i32);
    pub const OFFSET_OUT_OF_RANGE: Self = Self(native::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE as i32);
    /// Only a member may commit now, because the group has some.
    pub const UNKNOWN_MEMBER: Self = Self(native::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID as i32);
    pub const REBALANCE_IN_PROGRESS: Self = Self(native::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS as i32);
    pub const ILLEGAL_GENERATION: Self = Self(native::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION as i32);
    /// Failed by a purge, for example because the producer ended.
    pub const PURGED: Self = Self(native::RD_KAFKA_RESP_ERR__PURGE_QUEUE as i32);
    pub const PURGED_IN_FLIGHT: Self = Self(native::RD_KAFKA_RESP_ERR__PURGE_INFLIGHT as i32);

    /// A transaction that is not finished has offsets for the partition.
    pub const UNSTABLE_OFFSET: Self = Self(native::RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT as i32);
    /// Another producer has taken over the transactional id, as librdkafka says it,
    pub const FENCED: Self = Self(native::RD_KAFKA_RESP_ERR__FENCED as i32);
    /// as Kafka says it,
    pub const PRODUCER_FENCED: Self = Self(native::RD_KAFKA_RESP_ERR_PRODUCER_FENCED as i32);
    /// and as older brokers do.
    pub const INVALID_PRODUCER_EPOCH: Self = Self(native::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH as i32);

    pub(super) const ASSIGN_PARTITIONS: Self = Self(native::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS as i32);
    pub(super) const QUEUE_FULL: Self = Self(native::RD_KAFKA_RESP_ERR__QUEUE_FULL as i32);
    pub(super) const NO_OFFSET: Self = Self(native::RD_KAFKA_RESP_ERR__NO_OFFSET as i32);
    pub(super) const FATAL: Self = Self(native::RD_KAFKA_RESP_ERR__FATAL as i32);
    pub(super) const TRANSPORT: Self = Self(native::RD_KAFKA_RESP_ERR__TRANSPORT as i32);
    pub(super) const RESOLVE: Self = Self(native::RD_KAFKA_RESP_ERR__RESOLVE as i32);
    pub(super) const ALL_BROKERS_DOWN: Self = Self(native::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN as i32);

    /// A broker has said so, and not Kafka's client, whose own codes are negative.
    pub fn is_from_broker(self) -> bool {
        self.0 > 0
    }

    /// We may not do so with this topic, or in this cluster.
    pub fn is_denied(self) -> bool {
        let codes = [
            native::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            native::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        ];
        codes.iter().any(|&known| known as i32 == self.0)
    }

    /// No connection to Kafka; librdkafka keeps trying.
    pub fn is_unreachable(self) -> bool {
        [Self::TRANSPORT, Self::RESOLVE, Self::ALL_BROKERS_DOWN].contains(&self)
    }

    /// Whether somebody else has the transactional id now.
    pub(super) fn is_fenced(self) -> bool {
        [Self::FENCED, Self::PRODUCER_FENCED, Self::INVALID_PRODUCER_EPOCH].contains(&self)
    }

    /// The broker that was asked does not lead the partition (yet, or any more).
    pub(super) fn is_leader_change(self) -> bool {
        [
            native::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
            native::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            native::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            native::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
            native::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
        ]
        .iter()
        .any(|&known| known as i32 == self.0)
    }

    /// The broker that was asked does not look after the group (yet, or any more).
    pub(super) fn is_coordinator_change(self) -> bool {
        [
            native::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            native::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            native::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        ]
        .iter()
        .any(|&known| known as i32 == self.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match native::try_from(self.0) {
            Ok(known) => {
                let name = format!("{known:?}");
                out.write_str(name.trim_start_matches("RD_KAFKA_RESP_ERR_"))
            }
            Err(_) => write!(out, "error {}", self.0),
        }
    }
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A property that librdkafka does not know or whose value it refuses.
    #[error("kafka property {name:?}: {reason}")]
    Property { name: String, reason: String },
    /// The client could not be made, for example because certificates cannot be read.
    #[error("cannot start a Kafka client: {0}")]
    Client(String),
    /// librdkafka's C strings cannot carry it.
    #[error("{0:?} contains a zero byte, which no name or value in Kafka may")]
    Name(String),
    /// The partition is not assigned to this consumer (any more).
    #[error("the partition is not assigned to this consumer")]
    NotAssigned,
    /// Kafka, or librdkafka on its behalf, refused or failed an operation.
    #[error("{operation} failed: {reason}")]
    Kafka { operation: &'static str, code: Code, reason: String },
}

impl Error {
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Kafka { code, .. } => Some(*code),
            _ => None,
        }
    }
}
