//! Tests of the whole, one file per behaviour.

mod support;
mod worker_context;
mod worker_lanes;
mod worker_limits;
mod worker_prepare;
mod worker_record;
mod worker_speed;
