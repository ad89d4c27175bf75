//! The host's side of the worker processes: it keeps them alive, talks to them, and tells each isolate's owner what
//! became of it.
//!
//! - [`process`] starts a worker and says how it ended;
//! - [`link`] carries messages to and from one worker, and believes nothing that it reads;
//! - [`supervisor`] keeps the wanted number of workers running;
//! - [`calls`] says what serves the isolates' calls;
//! - [`isolate`] is what the data plane holds: one isolate of one function version in one worker.
//!
//! Nothing here knows V8 or Kafka.

mod calls;
mod isolate;
mod link;
mod process;
mod supervisor;

pub use calls::{Calls, Host, Line};
pub use isolate::{Isolate, IsolateEvent, Route};
pub use link::{Death, HELLO, Link, LinkError};
pub use process::{WorkerCommand, worker_fds};
pub use supervisor::{Pool, PoolOptions};
