//! Where a group that never ran begins.

use std::time::Duration;

use super::{Result, Settings, TopicInfo, TopicPartition};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
    /// The first record at or after this time, milliseconds since 1970; the end if there is none.
    Time(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The group has committed before; nothing was changed.
    Existing,
    /// These positions are now the group's.
    Committed(Vec<(TopicPartition, i64)>),
    /// The group has members already: another node was faster.
    Active,
}

/// Commits the start of a group on these topics, unless it has an offset on any of them.
pub fn ensure_start(
    _settings: &Settings,
    _group: &str,
    _topics: &[TopicInfo],
    _start: Start,
    _timeout: Duration,
) -> Result<Resolved> {
    todo!()
}
