//! Eddyline runs JavaScript and TypeScript functions on Kafka topics.

pub mod outcome;
pub mod pool;
pub mod protocol;
