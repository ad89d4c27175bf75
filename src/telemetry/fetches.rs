//! What became of a function's fetches.

use std::time::Duration;

use super::{histogram::Histogram, instruments::Counter};

/// How a fetch ended, as the host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FetchOutcome {
    /// A response, whatever its status, to its end.
    Answered = 0,
    /// The manifest does not allow the host or its address.
    Refused = 1,
    /// A body or headers that are longer than the node allows.
    Limit = 2,
    /// Longer than the node's timeout, or than an invocation may take.
    Late = 3,
    /// The handler or the end of its invocation gave it up.
    Cancelled = 4,
    /// Everything else: no connection, no certificate, a broken response.
    Failed = 5,
}

impl FetchOutcome {
    pub const ALL: [FetchOutcome; 6] = [
        FetchOutcome::Answered,
        FetchOutcome::Refused,
        FetchOutcome::Limit,
        FetchOutcome::Late,
        FetchOutcome::Cancelled,
        FetchOutcome::Failed,
    ];

    /// The value of the `outcome` label.
    pub fn label(self) -> &'static str {
        match self {
            FetchOutcome::Answered => "answered",
            FetchOutcome::Refused => "refused",
            FetchOutcome::Limit => "limit",
            FetchOutcome::Late => "timeout",
            FetchOutcome::Cancelled => "cancelled",
            FetchOutcome::Failed => "failed",
        }
    }
}

/// The numbers of one function's fetches.
#[derive(Debug, Default)]
pub struct Fetches {
    ended: [Counter; FetchOutcome::ALL.len()],
    pub(super) took: Histogram,
}

impl Fetches {
    pub(super) fn count(&self, outcome: FetchOutcome, took: Duration) {
        self.ended[outcome as usize].add(1);
        self.took.observe(took);
    }

    /// Those outcomes that have happened.
    pub(super) fn ended(&self) -> impl Iterator<Item = (FetchOutcome, u64)> {
        let counted = FetchOutcome::ALL.into_iter().map(|outcome| (outcome, self.ended[outcome as usize].get()));
        counted.filter(|(_, count)| *count > 0)
    }
}
