//! What passes between a subscription and its partitions when invocations have ended.

use std::time::Instant;

use super::isolates::Version;
use super::partition::Failed;
use super::sink::{Output, Sink};
use crate::kafka::TopicPartition;
use crate::outcome::Outcome;
use crate::protocol::settled::{FailureView, Results};
use crate::telemetry::FunctionMetrics;

/// How one record of an invocation ended.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    Success { outcome: Outcome, results: Results<'a> },
    Failure(FailureView<'a>),
}

/// What settling needs from the subscription.
pub struct Settling<'a> {
    pub sink: &'a mut Sink,
    pub version: &'a Version,
    pub metrics: &'a FunctionMetrics,
    pub now: Instant,
    pub told: &'a mut Vec<(TopicPartition, Failed)>,
}

impl Settling<'_> {
    pub fn output(&self, topic: u16) -> Result<&Output, SettleError> {
        let output = self.version.outputs.get(usize::from(topic)).and_then(Option::as_ref);
        output.ok_or(SettleError::Topic(topic))
    }

    pub fn tell(&mut self, at: &TopicPartition, failed: Failed) {
        self.told.push((at.clone(), failed));
    }
}

/// The worker said something that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Order(#[from] super::lane::OutOfOrder),
    #[error("a result names output {0}, which the function does not have")]
    Topic(u16),
    #[error("an invocation of {records} records came back with another number of verdicts")]
    Verdicts { records: usize },
}
