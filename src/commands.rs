//! What people ask of a running node, on its way from the admin API to the control plane and back.

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::moves::{Plan, Seek};

/// What somebody asks for. All nodes of the cluster do it, wherever that can be brought about.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Let the function finish what is in flight, commit, and leave its group.
    Pause { function: String },
    /// Let it go on.
    Resume { function: String },
    /// Let it go on from another place in its topics.
    Seek { function: String, seek: Seek },
}

/// How far a pause or its end reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum Reach {
    /// All nodes obey it and remember it.
    Cluster,
    /// This node alone obeys it, until it ends.
    Node { scope_reason: String },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Reach(Reach),
    Plan(Plan),
}

/// Why it is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable, for programs.
    pub code: &'static str,
    pub message: String,
    pub hint: String,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), hint: hint.into() }
    }
}

type Take = Box<dyn Fn(Command) -> Result<Answer, Refusal> + Send + Sync>;

/// Hands commands over; cheap to clone. The admin API answers before there is anybody to take them.
#[derive(Clone, Default)]
pub struct Commands(Arc<OnceLock<Take>>);

impl Commands {
    /// From now on, `take` gets every command. It may wait for Kafka.
    pub fn serve(&self, take: impl Fn(Command) -> Result<Answer, Refusal> + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(take));
    }

    /// What came of it, if anybody took it.
    pub fn give(&self, command: Command) -> Option<Result<Answer, Refusal>> {
        self.0.get().map(|take| take(command))
    }
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Commands")
    }
}
