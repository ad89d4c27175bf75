//! Eddyline runs JavaScript and TypeScript functions on Kafka topics.

pub mod outcome;
pub mod protocol;
pub mod worker;
