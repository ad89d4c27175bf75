//! The host's side of the worker processes: it keeps them alive, talks to them, and tells each isolate's owner what
//! became of it.
//!
//! - [`process`] starts a worker and says how it ended;
//! - [`link`] carries messages to and from one worker, and believes nothing that it reads;
//! - [`supervisor`] keeps the wanted number of workers running;
//! - [`isolate`] is what the data plane holds: one isolate of one function version in one worker.
//!
//! Nothing here knows V8 or Kafka.

mod isolate;
mod link;
mod process;
mod supervisor;

pub use isolate::{Isolate, IsolateEvent, Route};
pub use link::{Death, HELLO, Link, LinkError};
pub use process::{Started, WorkerCommand, start as start_worker, worker_fds};
pub use supervisor::{Pool, PoolOptions};
