//! The promises under faults: nothing lost, order kept, and with exactly-once nothing doubled.
//!
//! `make chaos` runs what takes minutes: [`storm`], a run in which a seed decides what breaks when, and
//! [`comings`], in which nodes come and go. [`control`] breaks the product on purpose, and [`checker`] must notice.
//! Everything is carried out by the parts beside them: a [`cluster`] of nodes, each behind a [`proxy`] of its own; a
//! [`client`] that writes numbered records; a [`plan`] of faults and the [`injector`] that carries it out.

mod checker;
mod checker_tests;
mod client;
mod cluster;
mod comings;
mod control;
mod injector;
mod owners;
mod plan;
mod progress;
mod proxy;
mod report;
mod settings;
mod storm;
mod subject;
