//! What idles costs nothing: a function whose sources have had no new record for a time leaves its group and gives back
//! its consumer, its isolates and its thread, until a record comes.
//!
//! Whether it may is read from Kafka alone. What is committed is finished, so where no end of a source has moved for that
//! time and the group has committed all of them, nothing is in flight, waits or runs again, on whatever node.
//!
//! - [`ends`]: where sources end, and since when;
//! - [`rest`]: whether groups have committed up to there;
//! - [`watch`]: the thread that looks at the ends of all functions of the node, and tells when one may sleep or has to
//!   wake;
//! - [`keep`]: the thread that sees to it that Kafka does not forget the groups of functions that sleep or are paused.

mod ends;
mod keep;
mod rest;
mod watch;

pub use ends::Ends;
pub use rest::{Question, resting};
pub use watch::{News, Pace, Sleep, Watched};
