//! What came of one record.

use std::time::Duration;

use super::record::{Given, Header};
use crate::{
    outcome::Outcome,
    protocol::{
        control::LogLevel,
        settled::{FailureView, HeaderChange, ResultView, Value, Verdict},
    },
};

/// A record, what its handler made of it, and what that took. Of a batch, the costs are those of the whole.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Invoked {
    pub(in crate::cli) record: Given,
    pub(in crate::cli) outcome: Outcome,
    /// Why it failed, and where; or why it was filtered.
    pub(in crate::cli) message: String,
    pub(in crate::cli) stack: String,
    pub(in crate::cli) results: Vec<Emitted>,
    pub(in crate::cli) logs: Vec<(LogLevel, String)>,
    pub(in crate::cli) cost: Cost,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Cost {
    pub(in crate::cli) wall: Duration,
    pub(in crate::cli) cpu: Duration,
    pub(in crate::cli) heap: u64,
    pub(in crate::cli) external: u64,
}

/// A result as it would have been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Emitted {
    pub(in crate::cli) topic: String,
    /// `None`: chosen by the key.
    pub(in crate::cli) partition: Option<i32>,
    pub(in crate::cli) timestamp: i64,
    pub(in crate::cli) key: Option<Vec<u8>>,
    pub(in crate::cli) headers: Vec<Header>,
    pub(in crate::cli) value: Option<Vec<u8>>,
}

impl Invoked {
    pub(in crate::cli) fn new(record: &Given, verdict: &Verdict<'_>, outputs: &[String], cost: Cost) -> Self {
        match verdict {
            Verdict::Success { outcome, results } => Invoked {
                results: results.iter().map(|result| Emitted::new(record, &result, outputs)).collect(),
                ..Invoked::empty(record, *outcome, cost)
            },
            Verdict::Failure(failure) | Verdict::Later { failure, .. } => Invoked::failed(record, failure, cost),
        }
    }

    pub(in crate::cli) fn failed(record: &Given, failure: &FailureView<'_>, cost: Cost) -> Self {
        Invoked {
            message: failure.message.to_owned(),
            stack: failure.stack.to_owned(),
            ..Invoked::empty(record, failure.outcome, cost)
        }
    }

    pub(in crate::cli) fn empty(record: &Given, outcome: Outcome, cost: Cost) -> Self {
        Invoked {
            record: record.clone(),
            outcome,
            message: String::new(),
            stack: String::new(),
            results: Vec::new(),
            logs: Vec::new(),
            cost,
        }
    }
}

impl Emitted {
    fn new(record: &Given, result: &ResultView<'_>, outputs: &[String]) -> Self {
        Emitted {
            topic: outputs.get(usize::from(result.topic)).cloned().unwrap_or_default(),
            partition: result.partition,
            timestamp: result.timestamp.unwrap_or(record.timestamp),
            key: match result.key {
                None => record.key.clone(),
                Some(key) => key.map(<[u8]>::to_vec),
            },
            headers: headers(record, &result.headers),
            value: match result.value {
                Value::Null => None,
                Value::Bytes(bytes) => Some(bytes.to_vec()),
                Value::Same => record.value.clone(),
            },
        }
    }
}

/// The headers that a result ends up with: a name that is set takes the place where it first stood.
fn headers(record: &Given, change: &HeaderChange<'_>) -> Vec<Header> {
    let owned = |(name, value): (&[u8], Option<&[u8]>)| (name.to_vec(), value.map(<[u8]>::to_vec));
    let list = match change {
        HeaderChange::Keep => return record.headers.clone(),
        HeaderChange::Replace(list) => return list.iter().map(owned).collect(),
        HeaderChange::Patch(list) => list,
    };
    let mut headers = record.headers.clone();
    for (name, value) in list.iter().map(owned) {
        let first = headers.iter().position(|header| header.0 == name);
        headers.retain(|header| header.0 != name);
        if value.is_some() {
            let place = first.unwrap_or(headers.len()).min(headers.len());
            headers.insert(place, (name, value));
        }
    }
    headers
}
