//! Which isolates may share a process.

use std::fmt;
use std::sync::Arc;

/// Workers for the same isolates. No process ever serves two groups, not even one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Functions of no tenant.
    Shared,
    /// The functions of one tenant.
    Tenant(Arc<str>),
    /// One function that is in quarantine.
    Alone(Arc<str>),
    /// One function's records that may have brought a worker down, each run alone.
    Trial(Arc<str>),
}

/// Kinds of groups: as many as there are labels in the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    Shared,
    Tenant,
    Quarantine,
    Trial,
}

impl Group {
    pub fn kind(&self) -> GroupKind {
        match self {
            Group::Shared => GroupKind::Shared,
            Group::Tenant(_) => GroupKind::Tenant,
            Group::Alone(_) => GroupKind::Quarantine,
            Group::Trial(_) => GroupKind::Trial,
        }
    }

    /// Whether its workers hold an isolate ready for functions to come.
    pub fn keeps_spare(&self) -> bool {
        matches!(self, Group::Shared | Group::Tenant(_))
    }

    /// How many workers it has when all are needed, of as many as a group may have.
    pub fn size(&self, workers: usize) -> usize {
        match self {
            Group::Shared | Group::Tenant(_) => workers.max(1),
            Group::Alone(_) | Group::Trial(_) => 1,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::Shared => formatter.write_str("shared"),
            Group::Tenant(name) => write!(formatter, "tenant {name}"),
            Group::Alone(name) => write!(formatter, "quarantine of {name}"),
            Group::Trial(name) => write!(formatter, "trial of {name}"),
        }
    }
}

impl GroupKind {
    pub const ALL: [GroupKind; 4] = [GroupKind::Shared, GroupKind::Tenant, GroupKind::Quarantine, GroupKind::Trial];

    /// The value of the label `group`.
    pub fn label(self) -> &'static str {
        match self {
            GroupKind::Shared => "shared",
            GroupKind::Tenant => "tenant",
            GroupKind::Quarantine => "quarantine",
            GroupKind::Trial => "trial",
        }
    }
}
