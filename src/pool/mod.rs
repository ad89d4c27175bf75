//! The host's side of the worker processes: it keeps them alive, talks to them, and tells each isolate's owner what
//! became of it.
//!
//! - [`process`] starts a worker and says how it ended, [`last_words`] what it said of that;
//! - [`snapshot`] has the memory made that all workers make their isolates from;
//! - [`memory`] and [`cgroup`] end a worker for taking too much;
//! - [`link`] carries messages to and from one worker, and believes nothing that it reads;
//! - [`calls`] says what serves the isolates' calls;
//! - [`ending`] says why a worker ended, [`oom`] whether it was for want of memory, [`blame`] who it may have been;
//! - [`group`] says which isolates may share a process, [`fleet`] which worker is where;
//! - [`supervisor`] keeps the wanted workers running;
//! - [`isolate`] is what the data plane holds: one isolate of one function version in one worker.
//!
//! Nothing here knows V8 or Kafka.

mod blame;
mod calls;
mod cgroup;
mod ending;
mod fleet;
mod group;
mod isolate;
mod last_words;
mod link;
mod memory;
mod oom;
mod outgoing;
mod phase;
mod process;
mod snapshot;
mod supervisor;

pub use blame::{Cause, Part};
pub use calls::{Calls, Host, Line};
pub use fleet::LEAST_TRIALS;
pub use group::{Group, GroupKind};
pub use isolate::{Isolate, IsolateEvent, Route};
pub use link::{Death, HELLO, Link, LinkError};
pub use process::{Started, WorkerCommand, describe, start, worker_fds};
pub use snapshot::Snapshot;
pub use supervisor::{Pool, PoolOptions};
