//! What isolates say they have settled while a transaction is being committed. It waits as it came: to copy every result
//! for the next transaction would cost more than the commit itself.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sink::STAGED;
use super::subscription::Subscription;

/// How long it waits at most. Then Kafka is in trouble, and whoever looks at isolates and retries must not be misled.
const LONGEST: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Deferred {
    /// By the isolate that said it, in the order in which it was said.
    bodies: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
    /// Of the first one.
    since: Option<Instant>,
}

impl Deferred {
    fn put(&mut self, tag: u64, body: Vec<u8>) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes += body.len();
        self.bodies.push_back((tag, body));
    }

    fn take_all(&mut self) -> VecDeque<(u64, Vec<u8>)> {
        std::mem::take(self).bodies
    }
}

impl Subscription {
    /// An isolate says what has settled.
    pub(super) fn settled(&mut self, tag: u64, body: Vec<u8>) {
        let waits = !self.sink.is_open() || !self.deferred.bodies.is_empty();
        if waits && self.deferred.bytes + body.len() <= STAGED {
            return self.deferred.put(tag, body);
        }
        self.settle_deferred();
        self.settle_or_end(tag, &body);
    }

    /// Results may go out, and nothing that was written before waits for that.
    pub(super) fn take_up(&mut self, now: Instant) {
        let may_go = self.sink.is_open() && !self.sink.has_kept();
        let too_long = self.deferred.since.is_some_and(|since| now.saturating_duration_since(since) >= LONGEST);
        if (may_go || too_long) && !self.deferred.bodies.is_empty() {
            self.settle_deferred();
            // What has moved now is for the next turn to see.
            self.inbox.wake()();
        }
    }

    /// Settles everything now; results are copied for the next transaction if there is none that takes them.
    pub(super) fn settle_deferred(&mut self) {
        for (tag, body) in self.deferred.take_all() {
            self.settle_or_end(tag, &body);
        }
    }
}
