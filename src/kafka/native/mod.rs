//! The one place with unsafe code of the Kafka layer: thin, safe wrappers over librdkafka's C API.
//!
//! Every wrapper keeps its `Client` alive, because librdkafka's objects must not outlive theirs.

mod admin;
mod bootstrap;
mod client;
mod event;
mod group;
mod list;
mod memory;
mod mock;
mod offsets;
mod patience;
mod produce;
mod queue;
mod record;
mod text;
mod transaction;

pub(super) use admin::TopicMetadata;
pub(super) use client::{Client, Kind, Log, check_properties};
pub(super) use event::Event;
pub(super) use list::{Entry, PartitionList};
pub use memory::keep_memory;
pub(super) use mock::MockCluster;
pub(super) use offsets::Spec;
pub(super) use produce::{Refusal, TopicHandle};
pub(super) use queue::Queue;
pub use record::{Headers, Message, Report};
pub(super) use text::c_name;
pub use transaction::GroupMetadata;
