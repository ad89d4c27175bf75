//! Everything that is tested from the outside: the binary, the servers, the way of a record; one file per behaviour.

mod admin;
mod cli;
mod cli_serve;
mod kafka_layer;
mod support;
mod tidy;
mod worker_context;
mod worker_lanes;
mod worker_limits;
mod worker_prepare;
mod worker_record;
mod worker_speed;
