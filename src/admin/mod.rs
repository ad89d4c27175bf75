//! The admin HTTP interface: health, metrics and the state of everything, on a thread and a runtime of its own.
//!
//! It only reads copies, so that it answers however busy the data plane is; what it is asked to do it hands on.

mod api;
mod commands;
mod error;
mod health;
mod router;
mod server;

pub use server::Admin;
