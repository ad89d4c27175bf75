//! The program as a user meets it: the real binary on a real Kafka, one file for each kind of behaviour.
//!
//! The tests need the broker of `EDDYLINE_TEST_BROKERS`, which `make test` provides; without it they say that they
//! are skipped, and under `CI=true` they fail. Each has its own topics, groups and functions, so they run side by side.

mod support;

mod batches;
mod bytes;
mod dead_letters;
mod lifecycle;
mod partitioning;
mod positions;
mod results;
mod retries;
mod topics;
