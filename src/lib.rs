//! Eddyline runs JavaScript and TypeScript functions on Kafka topics.

pub mod kafka;
