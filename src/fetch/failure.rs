//! Why a fetch failed, in words for the handler's author.

use std::error::Error;
use std::time::Duration;

use reqwest::Url;

use super::client::Unreachable;
use super::grants::{Reach, Refusal, at};
use super::upload::TooLong;
use crate::telemetry::FetchOutcome;

#[derive(Debug)]
pub enum Failure {
    /// The request itself is wrong.
    Request(String),
    /// The function may not.
    Refused(Refusal),
    /// Something is longer than the node allows.
    Limit(String),
    /// Longer than this, by the node's setting.
    Late(Duration),
    /// The network, the server or the node.
    Network(String),
}

impl Failure {
    /// What became of sending a request to `url`.
    pub fn of_sending(error: reqwest::Error, url: &Url, reach: Reach) -> Failure {
        if caused_by::<Unreachable>(&error).is_some() {
            return Failure::Refused(Refusal::of_addresses(&at(url), reach));
        }
        if let Some(too_long) = caused_by::<TooLong>(&error) {
            return Failure::Limit(too_long.to_string());
        }
        let what = if error.is_connect() { "cannot connect to" } else { "no answer from" };
        Failure::Network(format!("{what} {:?}: {}", at(url), innermost(&error)))
    }

    /// What became of reading a response's body.
    pub fn of_reading(error: &reqwest::Error, url: &Url) -> Failure {
        Failure::Network(format!("the response of {:?} broke off: {}", at(url), innermost(error)))
    }

    pub fn outcome(&self) -> FetchOutcome {
        match self {
            Failure::Refused(_) => FetchOutcome::Refused,
            Failure::Limit(_) => FetchOutcome::Limit,
            Failure::Late(_) => FetchOutcome::Late,
            Failure::Request(_) | Failure::Network(_) => FetchOutcome::Failed,
        }
    }

    pub fn message(&self) -> String {
        match self {
            Failure::Refused(refusal) => refusal.message.clone(),
            Failure::Late(limit) => {
                let limit = crate::quantity::format_duration(*limit);
                format!("it took longer than {limit}; `timeout` in the node's [fetch] sets how long it may take")
            }
            Failure::Request(message) | Failure::Limit(message) | Failure::Network(message) => message.clone(),
        }
    }
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn caused_by<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref::<E>())
}

/// The last cause says what happened; those around it only where.
fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
