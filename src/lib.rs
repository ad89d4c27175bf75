//! Eddyline runs JavaScript and TypeScript functions on Kafka topics.

pub mod admin;
pub mod cli;
pub mod commands;
pub mod config;
pub mod control;
pub mod diagnostic;
mod document;
pub mod fetch;
pub mod filter;
pub mod function;
mod ids;
pub mod kafka;
mod machine;
pub mod manifest;
pub mod moves;
pub mod node;
pub mod outcome;
pub mod pipeline;
pub mod pool;
pub mod protocol;
pub mod quantity;
pub mod shutdown;
pub mod status;
pub mod telemetry;
pub mod worker;
