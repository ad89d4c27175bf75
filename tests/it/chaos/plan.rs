//! What breaks when: made from a seed and nothing else, so that a run can be told again.

use std::fmt;
use std::time::Duration;

/// Nodes that run from the beginning.
pub const BASE: usize = 3;
/// Places for nodes, with those that are added for a while.
pub const SLOTS: usize = 5;

/// Before the first fault.
const CALM: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);
/// A broker that was killed needs so long until it can be harmed again.
const BROKER_RESTARTS: Duration = Duration::from_secs(12);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// kill -9, and started again.
    NodeKilled,
    /// SIGSTOP, and SIGCONT: for longer than its session, or shorter.
    NodeFrozen,
    /// SIGTERM, and started again.
    NodeRemoved,
    /// One more, for a while.
    NodeAdded,
    WorkerKilled,
    WorkerFrozen,
    BrokerKilled,
    BrokerFrozen,
    LineSlow,
    LineSilent,
    LineCut,
    /// For a while, most records ask their handler to wait.
    HandlersSlow,
    /// For a while, many records make their handler throw at the first time, and some always.
    HandlersThrow,
}

/// Each kind, how often it is among all, and how long it lasts, in milliseconds.
const KINDS: [(Kind, usize, std::ops::Range<u64>); 15] = [
    (Kind::NodeKilled, 4, 300..5_000),
    (Kind::NodeFrozen, 2, 200..3_000),
    (Kind::NodeFrozen, 2, 8_000..13_000),
    (Kind::NodeRemoved, 3, 500..6_000),
    (Kind::NodeAdded, 3, 4_000..15_000),
    (Kind::WorkerKilled, 4, 0..1),
    (Kind::WorkerFrozen, 3, 300..9_000),
    (Kind::BrokerKilled, 1, 300..3_000),
    (Kind::BrokerFrozen, 1, 300..8_000),
    (Kind::LineSlow, 3, 2_000..8_000),
    (Kind::LineSilent, 2, 300..3_000),
    (Kind::LineSilent, 1, 8_000..13_000),
    (Kind::LineCut, 4, 0..1),
    (Kind::HandlersSlow, 2, 500..4_000),
    (Kind::HandlersThrow, 2, 500..4_000),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    pub at: Duration,
    pub lasts: Duration,
    pub kind: Kind,
    /// Whom it hits; without meaning for the broker and the handlers.
    pub slot: usize,
    /// Milliseconds of latency.
    pub latency: u64,
}

impl Kind {
    /// Whether it strikes one node, or what belongs to it.
    pub fn has_slot(self) -> bool {
        use Kind::{BrokerFrozen, BrokerKilled, HandlersSlow, HandlersThrow};
        !matches!(self, BrokerKilled | BrokerFrozen | HandlersSlow | HandlersThrow)
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.kind)?;
        if self.kind.has_slot() {
            write!(out, " {}", self.slot)?;
        }
        if self.kind == Kind::LineSlow {
            write!(out, " by {} ms", self.latency)?;
        }
        if self.lasts > Duration::from_millis(1) { write!(out, " for {:?}", self.lasts) } else { Ok(()) }
    }
}

/// Until when each thing is not to be struck again, because it is still down.
#[derive(Default)]
struct Busy {
    nodes: [Duration; SLOTS],
    lines: [Duration; SLOTS],
    broker: Duration,
    handlers: Duration,
}

/// The faults of a run of that length, with so much time between them on average.
pub fn plan(seed: u64, length: Duration, every: Duration) -> Vec<Strike> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut busy = Busy::default();
    let mut strikes = Vec::new();
    let mut at = CALM;
    while at < length {
        let (kind, lasts) = draw(&mut random);
        let slot = if kind == Kind::NodeAdded { random.usize(BASE..SLOTS) } else { random.usize(..BASE) };
        let strike = Strike { at, lasts, kind, slot, latency: random.u64(10..300) };
        // One that finds its target down is left out.
        if busy.admits(&strike) {
            strikes.push(strike);
            at += every.mul_f64(0.3 + 1.4 * random.f64());
        } else {
            at += AGAIN;
        }
    }
    strikes
}

fn draw(random: &mut fastrand::Rng) -> (Kind, Duration) {
    let all: usize = KINDS.iter().map(|(_, share, _)| share).sum();
    let mut place = random.usize(..all);
    for (kind, share, lasts) in KINDS {
        if place < share {
            return (kind, Duration::from_millis(random.u64(lasts)));
        }
        place -= share;
    }
    unreachable!("the shares add up")
}

impl Busy {
    fn admits(&mut self, strike: &Strike) -> bool {
        let (until, rest) = match strike.kind {
            Kind::BrokerKilled | Kind::BrokerFrozen => (&mut self.broker, BROKER_RESTARTS),
            Kind::LineSlow | Kind::LineSilent | Kind::LineCut => (&mut self.lines[strike.slot], Duration::ZERO),
            Kind::HandlersSlow | Kind::HandlersThrow => (&mut self.handlers, Duration::ZERO),
            // A node that starts needs a moment until there is something to harm.
            _ => (&mut self.nodes[strike.slot], Duration::from_secs(2)),
        };
        let free = *until <= strike.at;
        if free {
            *until = strike.at + strike.lasts + rest;
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(2);

    #[test]
    fn a_seed_decides_everything_and_another_seed_differently() {
        let length = Duration::from_secs(600);
        assert_eq!(plan(7, length, EVERY), plan(7, length, EVERY));
        assert_ne!(plan(7, length, EVERY), plan(8, length, EVERY));
        for kind in KINDS.map(|(kind, _, _)| kind) {
            assert!(plan(7, length, EVERY).iter().any(|strike| strike.kind == kind), "{kind:?} never happens");
        }
    }

    #[test]
    fn a_longer_run_begins_as_a_shorter_one() {
        let (short, long) = (plan(3, Duration::from_secs(60), EVERY), plan(3, Duration::from_secs(120), EVERY));
        assert!(!short.is_empty() && long.starts_with(&short));
    }

    #[test]
    fn faults_come_as_often_as_asked() {
        for (every, expected) in [(2, 240..=310), (6, 85..=105)] {
            let count = plan(5, Duration::from_secs(600), Duration::from_secs(every)).len();
            assert!(expected.contains(&count), "{count} faults in ten minutes, one every {every} s");
        }
    }
}
