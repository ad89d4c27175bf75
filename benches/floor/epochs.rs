//! Which offsets may be committed: those of an epoch whose results, and those of all epochs before it, are acknowledged.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long an epoch gathers.
const LENGTH: Duration = Duration::from_millis(100);

/// Counts per tenth of a second instead of a ledger per record: as cheap as at-least-once can be.
#[derive(Default)]
pub struct Epochs {
    /// The number of the oldest epoch in `open`.
    first: usize,
    open: VecDeque<Epoch>,
    begun: Option<Instant>,
}

#[derive(Default)]
struct Epoch {
    outstanding: usize,
    /// Where each partition stood when the epoch ended; none while it gathers.
    next: Option<Vec<(i32, i64)>>,
}

impl Epochs {
    /// Notes results that are handed to the producer, and says under which number they are reported.
    pub fn current(&mut self) -> usize {
        if self.open.back().is_none_or(|epoch| epoch.next.is_some()) {
            self.open.push_back(Epoch::default());
        }
        self.first + self.open.len() - 1
    }

    pub fn produced(&mut self, count: usize) {
        self.open.back_mut().expect("an epoch gathers").outstanding += count;
    }

    pub fn acknowledged(&mut self, epoch: usize) {
        self.open[epoch - self.first].outstanding -= 1;
    }

    /// Called after each chunk, with the positions behind it: what may be committed now.
    pub fn turn(&mut self, next: impl Iterator<Item = (i32, i64)>) -> Option<Vec<(i32, i64)>> {
        let now = Instant::now();
        if now - *self.begun.get_or_insert(now) < LENGTH {
            return None;
        }
        self.begun = Some(now);
        self.current();
        self.open.back_mut().expect("just made").next = Some(next.collect());
        let mut done = None;
        while self.open.front().is_some_and(|epoch| epoch.outstanding == 0 && epoch.next.is_some()) {
            done = self.open.pop_front().and_then(|epoch| epoch.next);
            self.first += 1;
        }
        done
    }
}
