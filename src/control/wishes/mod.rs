//! What people want of functions, for all nodes of a cluster and remembered: a compacted topic holds it.
//!
//! - [`format`]: one record of the topic: the wishes for one function;
//! - [`book`]: what this node knows of them;
//! - [`follow`]: how it gets to know them, from the topic's beginning, and of each change;
//! - [`write`]: how it adds one, without losing what others write at the same time.
//!
//! A node that may not make or read the topic runs its functions all the same; then commands hold on it alone.

mod book;
mod follow;
mod format;
mod write;

pub use book::Wishes;
pub use format::{Cause, Moved, Run};
pub use write::Unwritten;

/// Its records are keyed by function name.
pub const TOPIC: &str = "_eddyline.functions";
