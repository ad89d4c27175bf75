//! A topic that results may go to, and which of them it would refuse.
//!
//! Kafka refuses whole batches, so one result that it does not take would cost its neighbours their place. What can be
//! told beforehand is not sent.

use std::time::SystemTime;

use crate::kafka::{Takes, Topic};
use crate::outcome::Outcome;

/// Bytes that Kafka's record format may add to key, value and headers, generously.
const RECORD_OVERHEAD: usize = 128;
/// By how many milliseconds our clock and the broker's may differ.
const CLOCKS: i64 = 60_000;

#[derive(Clone)]
pub struct Output {
    pub topic: Topic,
    pub takes: Takes,
    /// Of the producer that knows the topic.
    pub(super) generation: u64,
}

/// Why a result cannot go there.
pub struct Unfit {
    pub outcome: Outcome,
    pub message: String,
    /// Kafka would refuse it whatever it is sent with; a size it compares after compression.
    pub certain: bool,
}

impl Output {
    pub fn refuses_key(&self, key: Option<&[u8]>) -> Option<Unfit> {
        (self.takes.keyed && key.is_none()).then(|| {
            self.unfit("the result has no key, and topic", "is compacted (its cleanup.policy) and takes none without")
        })
    }

    pub fn refuses_time(&self, timestamp: i64) -> Option<Unfit> {
        let Takes { before, after, .. } = self.takes;
        if before.is_none() && after.is_none() {
            return None;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let ahead = timestamp.saturating_sub(now);
        let beyond = |most: Option<i64>, far: i64| most.is_some_and(|most| far > most.saturating_add(CLOCKS));
        let (name, most) = match (beyond(after, ahead), beyond(before, ahead.saturating_neg())) {
            (true, _) => ("message.timestamp.after.max.ms", after),
            (_, true) => ("message.timestamp.before.max.ms", before),
            _ => return None,
        };
        let most = most.unwrap_or_default();
        let start = format!("the result's timestamp {timestamp} is too far from now, and topic");
        Some(self.unfit(&start, &format!("takes at most {most} ms (its {name})")))
    }

    pub fn refuses_size(&self, size: usize) -> Option<Unfit> {
        let max = self.takes.max_message_bytes?;
        let size = size + RECORD_OVERHEAD;
        (size as u64 > max).then(|| {
            let start = format!("the result takes about {size} bytes, and topic");
            let unfit = self.unfit(&start, &format!("takes at most {max} (its max.message.bytes)"));
            Unfit { outcome: Outcome::TooLarge, certain: false, ..unfit }
        })
    }

    fn unfit(&self, start: &str, end: &str) -> Unfit {
        let message = format!("{start} {:?} {end}", self.topic.name());
        Unfit { outcome: Outcome::Failed, message, certain: true }
    }
}
