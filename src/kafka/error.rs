//! What Kafka refuses, and how we say it.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error number of Kafka's (positive) or of librdkafka's own (negative).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Code({})", self.0)
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
    /// A name holds a zero byte, which librdkafka's C strings cannot carry.
    #[error("{0:?} contains a zero byte, which no Kafka name may")]
    Name(String),
    /// Kafka, or librdkafka on its behalf, refused or failed an operation.
    #[error("{operation} failed: {reason}")]
    Kafka { operation: &'static str, code: Code, reason: String },
}
