//! The control plane: which functions should run, and one path that brings it about, at the start and at each change.
//!
//! - [`folder`] finds functions and reads their files;
//! - [`watch`] notices that something has changed;
//! - [`prepare`] has a short-lived child turn the files into modules;
//! - [`plan`] decides which topics a function reads, writes and lacks;
//! - [`reconcile`] compares what should run with what runs, and starts, changes and ends subscriptions;
//! - [`check`] does the first half of all this for `eddyline validate`, without Kafka.

mod check;
mod folder;
mod plan;
mod prepare;
mod reconcile;
mod state;
mod versions;
mod watch;

pub use check::{FunctionReport, check_folder, check_function};
pub use folder::{Files, Found, read, scan};
pub use plan::Defaults;
pub use prepare::{PrepareLimits, prepare};
pub use reconcile::{Control, ControlOptions, Surroundings};
