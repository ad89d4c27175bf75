//! Everything that is tested from the outside: the binary, the servers, the way of a record; one file per behaviour.
//!
//! Many of the tests run the program on the real Kafka of `EDDYLINE_TEST_BROKERS`, which `make test` provides; without
//! it they say that they are skipped, and under `CI=true` they fail. Each has topics, groups and functions of its own,
//! so they run side by side.

mod acceptance;
mod admin;
mod batches;
mod blame;
mod bounds;
mod bytes;
mod chaos;
mod cli;
mod cli_serve;
mod confinement;
mod dead_letters;
mod exactly_once;
mod exactly_once_speed;
mod fetch;
mod fetch_allowed;
mod fetch_harm;
mod filter_speed;
mod filters;
mod hostile;
mod kafka_layer;
mod letters;
mod letters_replay;
mod lifecycle;
mod mistakes;
mod order_speed;
mod ordering;
mod outage;
mod partitioning;
mod pause;
mod poison;
mod pool;
mod pool_lies;
mod positions;
mod quarantine;
mod rebalances;
mod reload;
mod results;
mod retries;
mod shown;
mod snapshot;
mod support;
mod tenants;
mod tidy;
mod topics;
mod wasm;
mod wasm_limits;
mod web_apis;
mod web_crypto;
mod web_standard;
mod web_surface;
mod worker_context;
mod worker_cpu;
mod worker_harm;
mod worker_lanes;
mod worker_limits;
mod worker_memory;
mod worker_pending;
mod worker_prepare;
mod worker_record;
mod worker_speed;
mod workers;
