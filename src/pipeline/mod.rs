//! The data plane: the way of a record from topic to topic.
//!
//! ```text
//! topic → source → dispatch → isolate → sink → commit
//!         poll,    order,     worker    produce,  advance the
//!         by part. bound,     process   await     contiguous prefix,
//!                  retry ─→ dead letter ─→ sink   store the offset
//! ```
//! To follow a record, read in this order:
//!
//! 1. [`subscription`]: one function's thread; `turn` states the stages;
//! 2. [`partition`]: [`intake`] from Kafka, through the [`screen`] of the function's filters, and `feed` to the isolate
//!    that [`dispatch`] chose; [`hearing`] and [`settling`]: what becomes of what comes back; [`blaming`] and
//!    [`conduct`]: what of a worker that died;
//! 3. [`lanes`], [`keys`] and [`lane`]: what may be sent next, and what must wait or run again; [`runs`]: in which message;
//! 4. [`result`], [`sink`] and [`dead_letter`]: what Kafka gets, and what becomes of it;
//! 5. [`ledger`] and [`standing`]: up to where everything is finished, so that it may be committed;
//! 6. for exactly-once, [`transacting`]: the transaction that results and offsets are in, as [`transaction`] says, and
//!    [`deferred`]: what settles between two of them;
//! 7. [`rebalance`] and [`unsettled`]: partitions that come and go, and where they begin;
//! 8. [`budget`]: how much memory all of that may take.
//!
//! All state of a subscription belongs to its one thread; other threads only put events into its [`inbox`].
//! Nothing here imports the control plane, the admin API or the command line.

mod blaming;
mod board;
mod budget;
mod conduct;
mod conductor;
mod dead_letter;
mod deferred;
mod dispatch;
mod exclusive;
mod footnote;
mod gate;
mod handle;
mod hearing;
mod homes;
mod inbox;
mod intake;
mod isolates;
mod keys;
mod lane;
mod lanes;
mod ledger;
mod outbox;
mod output;
mod partition;
mod rebalance;
mod result;
mod retry;
mod runs;
mod sabotage;
mod screen;
mod settling;
mod silence;
mod sink;
mod sinks;
mod standing;
mod stray;
mod stretch;
mod subscription;
mod tickets;
mod transacting;
mod transaction;
mod unsettled;
mod unwritable;
mod withheld;

pub use budget::Budget;
pub use conduct::Rules;
pub use dead_letter::{Failure as LetterFailure, HEADER_ROOM, Origin, headers as letter_headers};
pub use handle::{Handle, start};
pub use isolates::Version;
pub use output::Output;
pub use partition::Bounds;
pub use sinks::Sinks;
pub use stretch::Stretch;
pub use subscription::{Paused, Setup};

/// What the benches measure by itself. Nobody else outside needs it.
#[doc(hidden)]
pub mod measured {
    pub use super::lane::{Grouping, Window};
    pub use super::lanes::Lanes;
    pub use super::ledger::{Ledger, Seq};
}
