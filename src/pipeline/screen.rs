//! The function's filters, before anything else is done with a record: what none of them matches is done with at once.

use super::isolates::Version;
use crate::filter::{Sieve, Subject, Verdict};
use crate::kafka::Message;
use crate::outcome::Outcome;
use crate::telemetry::FunctionMetrics;

/// Lets records through, and keeps count of the others.
pub(super) struct Screen<'v> {
    /// `None` where the function wants every record.
    sieve: Option<Sieve<'v>>,
    unwanted: u64,
    undecodable: u64,
}

impl Screen<'_> {
    pub(super) fn of(version: &Version) -> Screen<'_> {
        let sieve = version.program.manifest.filter.as_ref().map(|filter| filter.sieve());
        Screen { sieve, unwanted: 0, undecodable: 0 }
    }

    /// Whether nothing is ever kept out.
    pub(super) fn is_open(&self) -> bool {
        self.sieve.is_none()
    }

    pub(super) fn admits(&mut self, message: &Message) -> bool {
        let Some(sieve) = &mut self.sieve else { return true };
        let verdict = sieve.judge(&Subject {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp(),
            key: message.key(),
            value: message.value(),
            headers: message.headers(),
        });
        self.unwanted += u64::from(verdict != Verdict::Wanted);
        self.undecodable += u64::from(verdict == Verdict::Undecodable);
        verdict == Verdict::Wanted
    }

    /// Counts what was kept out.
    pub(super) fn settle(self, metrics: &FunctionMetrics) {
        if self.unwanted > 0 {
            metrics.settled(Outcome::Filtered, self.unwanted);
            metrics.filter_undecodable.add(self.undecodable);
        }
    }
}
