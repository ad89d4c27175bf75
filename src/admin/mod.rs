//! The admin HTTP interface: health, metrics and the state of everything, on a thread and a runtime of its own.
//!
//! It only reads copies, so that it answers however busy the data plane is.

mod api;
mod error;
mod health;
mod router;
mod server;

pub use server::Admin;
