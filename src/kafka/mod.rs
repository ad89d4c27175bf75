//! Everything that touches Kafka: blocking types, owned by threads, over librdkafka.
//!
//! A [`Consumer`] takes records, partition by partition, for one function's group.
//! A [`Producer`] writes results and reports their delivery in batches.
//! [`Topics`] looks at topics and makes them, [`ensure_start`] settles where a new group begins,
//! and [`EmbeddedBroker`] stands in for Kafka where none is configured.
//! All unsafe code is in `native`; the rest is ordinary Rust.

mod asking;
mod back;
mod consumer;
mod embedded;
mod error;
mod groups;
mod log;
mod native;
mod outsider;
mod partition;
mod positions;
mod producer;
mod settings;
mod slots;
mod starts;
mod topics;
mod transactions;
mod visit;

pub use asking::Question;
pub use consumer::{Committed, Consumer, ConsumerEvent};
pub use embedded::EmbeddedBroker;
pub use error::{Code, Error, Result};
pub use groups::{GroupPartitions, Groups};
pub use native::{GroupMetadata, Headers, Message, Report, keep_memory};
pub use outsider::Outsider;
pub use partition::{Position, TopicPartition};
pub use positions::{Resolved, Start, ensure_start};
pub use producer::{Batching, Deliveries, Outgoing, ProduceError, Producer, Topic};
pub use settings::{Settings, TRANSACTION_TIMEOUT};
pub use slots::{Next, Slot, Wake};
pub use starts::{Beginning, Settled};
pub use topics::{NewTopic, Takes, TopicInfo, Topics};
pub use transactions::{Failure, TransactionError};
pub use visit::visit;
