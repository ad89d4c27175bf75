//! What people ask of a running node, on its way from the admin API to the control plane.

use std::sync::{Arc, OnceLock};

/// A wish of somebody who runs the node. It is for this node alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Let the function finish what is in flight, commit, and leave its group.
    Pause { function: String },
    /// Let it go on.
    Resume { function: String },
}

type Take = Box<dyn Fn(Command) + Send + Sync>;

/// Hands commands over; cheap to clone. The admin API answers before there is anybody to take them.
#[derive(Clone, Default)]
pub struct Commands(Arc<OnceLock<Take>>);

impl Commands {
    /// From now on, `take` gets every command.
    pub fn serve(&self, take: impl Fn(Command) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(take));
    }

    /// Whether somebody took it.
    pub fn give(&self, command: Command) -> bool {
        self.0.get().map(|take| take(command)).is_some()
    }
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Commands")
    }
}
