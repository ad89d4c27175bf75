//! Eddyline runs JavaScript and TypeScript functions on Kafka topics.

pub mod config;
pub mod diagnostic;
mod document;
pub mod kafka;
pub mod manifest;
pub mod outcome;
pub mod pool;
pub mod protocol;
pub mod quantity;
