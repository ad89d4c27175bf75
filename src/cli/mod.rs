//! The command line: arguments, one file for each verb, output and exit codes.
//!
//! Data goes to stdout, everything else to stderr.

mod args;
mod asking;
mod backfill;
mod completions;
mod config;
mod confirm;
mod context;
mod dead_letters;
mod demo;
mod dev;
mod docs;
mod doctor;
mod entry;
mod exit;
mod failure;
mod graph;
mod health;
mod invoke;
mod loading;
mod new;
mod pause;
mod run;
mod seed;
mod seek;
mod serve;
mod style;
mod table;
mod traffic;
mod validate;
mod version;

pub use entry::main;
