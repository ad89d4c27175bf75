//! The worker's side of the boundary: the process that runs handlers and talks to nobody but its host.
//!
//! [`process`] reads messages and hands them to isolates, each on a thread of its own ([`isolate`]). An isolate takes
//! a `Run` message apart ([`arrivals`]), queues its invocations by lane ([`lanes`]), enters them one by one
//! ([`invoke`]) and reports how they ended ([`report`]). What a handler can reach is made by `js/web.js`, `js/glue.js`
//! and the operations in [`record`], [`context`] and [`fetch`], whose requests the host serves ([`fetches`]). [`prepare`]
//! turns a function's folder into modules that can be loaded. Before any of that, [`confine`] takes from the process
//! every right that it does not need.
//!
//! Nothing outside this module knows V8.

mod arena;
mod arrivals;
mod blank;
mod charges;
mod clock;
mod coarse;
mod code_cache;
pub mod confine;
mod context;
mod encode;
mod engine;
mod entropy;
mod extensions;
mod failure;
mod fetch;
mod fetches;
mod glue;
mod growth;
mod handler;
mod invoke;
mod isolate;
mod json;
mod lanes;
mod later;
mod limits;
mod loader;
mod loading;
mod log;
mod memory;
mod native;
mod outbox;
mod outcomes;
mod prepare;
mod problem;
mod process;
mod record;
mod report;
mod rest;
mod script;
mod snapshot;
mod spare;
mod struck;
mod typescript;
mod waiting;
mod wasm;

pub use process::{main, main_from_fds};
pub use snapshot::make_from_fds as make_snapshot_from_fds;
