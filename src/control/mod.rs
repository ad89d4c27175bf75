//! The control plane: which functions should run, and one path that brings it about, at the start and at each change.
//!
//! - [`folder`] finds functions and reads their files;
//! - [`watch`] notices that something has changed;
//! - [`prepare`] has a short-lived child turn the files into modules, [`late`] where many come at once that have nothing
//!   to do;
//! - [`conflicts`] decides which new versions may come in beside the others;
//! - [`plan`] decides which topics a function reads, writes and lacks, [`letters`] which of them no pattern matches, and
//!   [`create`] which to make;
//! - [`settle`] decides who may start, now that it is known where it begins;
//! - [`reconcile`] compares what should run with what runs, and starts, changes and ends subscriptions, [`rest`] leaves
//!   those asleep that have nothing to do;
//! - [`pause`] keeps functions from running that somebody, or what they did to workers, has paused;
//! - [`asleep`] keeps functions from running that have nothing to do, as [`sleep`] sees it in Kafka;
//! - [`wishes`] is what all nodes of the cluster know of such wishes, and [`seek`] moves positions with their help;
//! - [`check`] does the first half of all this for `eddyline validate`, without Kafka.

mod asleep;
mod check;
mod conflicts;
mod create;
mod folder;
mod late;
mod letters;
mod pause;
mod plan;
mod prepare;
mod reconcile;
mod rest;
#[cfg(test)]
mod samples;
mod seek;
mod service;
mod settle;
mod sleep;
mod state;
mod versions;
mod watch;
mod wishes;

pub use check::{FunctionReport, check_folder, check_function};
pub use create::Defaults;
pub use folder::{Files, Found, read, scan};
pub use letters::dead_letter_topics;
pub use prepare::PrepareLimits;
pub use service::{Control, ControlOptions, Surroundings};
pub use sleep::Pace;
pub use versions::resolve;
pub use wishes::Wishes;
