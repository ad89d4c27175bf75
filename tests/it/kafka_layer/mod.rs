//! The Kafka layer against a real Kafka, and against the embedded broker.

mod embedded;
mod group;
mod nameless;
mod positions;
mod produce;
mod records;
mod support;
