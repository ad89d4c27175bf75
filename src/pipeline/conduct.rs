//! What a function has done to workers lately, and what follows: quarantine, then a pause. Pure logic.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// From when on a function is kept away from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Crashes after which it gets a worker of its own.
    pub quarantine_after: usize,
    /// Further crashes after which it is paused.
    pub pause_after: usize,
    /// For how long a crash counts, and how long a function in quarantine has to be calm.
    pub window: Duration,
}

/// Deaths of workers that it was in, beside others and with nobody found guilty, after which it is kept apart all the
/// same. Many, since these are no offences: what its records do on trial counts by itself, as a crash or not at all.
const MAX_SUSPICIONS: usize = 12;

/// What has to happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It gets a worker of its own, for what it did.
    Quarantine,
    /// It gets a worker of its own, for what it or others did.
    KeepApart,
    /// It is paused.
    Pause,
}

#[derive(Debug)]
pub struct Conduct {
    rules: Rules,
    quarantined: bool,
    /// When the quarantine began.
    since: Instant,
    crashes: VecDeque<Instant>,
    suspicions: VecDeque<Instant>,
}

impl Conduct {
    pub fn new(rules: Rules, quarantined: bool, now: Instant) -> Conduct {
        Conduct { rules, quarantined, since: now, crashes: VecDeque::new(), suspicions: VecDeque::new() }
    }

    pub fn is_quarantined(&self) -> bool {
        self.quarantined
    }

    /// The function's code has brought its worker down.
    pub fn crashed(&mut self, now: Instant) -> Option<Step> {
        self.forget(now);
        self.crashes.push_back(now);
        match self.quarantined {
            false if self.crashes.len() >= self.rules.quarantine_after => {
                self.quarantine(now);
                Some(Step::Quarantine)
            }
            true if self.crashes.len() >= self.rules.pause_after => Some(Step::Pause),
            _ => None,
        }
    }

    /// It may have been this function, or another. In a worker of its own there is nobody else.
    pub fn suspected(&mut self, now: Instant) -> Option<Step> {
        self.forget(now);
        self.suspicions.push_back(now);
        let too_often = !self.quarantined && self.suspicions.len() >= MAX_SUSPICIONS;
        too_often.then(|| {
            self.quarantine(now);
            Step::KeepApart
        })
    }

    fn quarantine(&mut self, now: Instant) {
        self.quarantined = true;
        self.since = now;
        self.crashes.clear();
        self.suspicions.clear();
    }

    /// Lets a function out of quarantine that has been calm for long enough. Returns whether it did.
    pub fn release(&mut self, now: Instant) -> bool {
        let since = self.crashes.back().map_or(self.since, |crash| self.since.max(*crash));
        let calm = self.quarantined && now.saturating_duration_since(since) >= self.rules.window;
        if calm {
            self.quarantined = false;
            self.crashes.clear();
        }
        calm
    }

    fn forget(&mut self, now: Instant) {
        let window = self.rules.window;
        let old = |time: &Instant| now.saturating_duration_since(*time) >= window;
        for times in [&mut self.crashes, &mut self.suspicions] {
            while times.front().is_some_and(old) {
                times.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { quarantine_after: 2, pause_after: 3, window: Duration::from_secs(600) };

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    #[test]
    fn two_crashes_mean_quarantine_and_three_more_a_pause() {
        let now = Instant::now();
        let mut conduct = Conduct::new(RULES, false, now);
        let steps: Vec<Option<Step>> = (0..5).map(|n| conduct.crashed(now + minutes(n))).collect();
        assert_eq!(steps, [None, Some(Step::Quarantine), None, None, Some(Step::Pause)]);
    }

    #[test]
    fn crashes_that_are_long_past_do_not_count() {
        let now = Instant::now();
        let mut conduct = Conduct::new(RULES, false, now);
        assert!((0..20).all(|n| conduct.crashed(now + minutes(10 * n)).is_none()));
    }

    #[test]
    fn who_is_calm_for_a_while_returns_and_starts_anew() {
        let now = Instant::now();
        let mut conduct = Conduct::new(RULES, true, now);
        assert!(!conduct.release(now + minutes(9)));
        assert_eq!(conduct.crashed(now + minutes(9)), None);
        assert!(!conduct.release(now + minutes(18)));
        assert!(conduct.release(now + minutes(19)));
        assert!(!conduct.release(now + minutes(40)), "it is no longer in quarantine");
        assert_eq!(conduct.crashed(now + minutes(40)), None);
        assert_eq!(conduct.crashed(now + minutes(41)), Some(Step::Quarantine));
    }

    #[test]
    fn who_is_suspect_very_often_is_kept_apart_but_never_blamed_or_paused_for_that() {
        let now = Instant::now();
        let mut conduct = Conduct::new(RULES, false, now);
        let steps: Vec<Option<Step>> = (0..40).map(|_| conduct.suspected(now)).collect();
        assert_eq!(steps[MAX_SUSPICIONS - 1], Some(Step::KeepApart));
        assert_eq!(steps.iter().flatten().count(), 1);
    }

    #[test]
    fn suspicions_that_are_long_past_do_not_count() {
        let now = Instant::now();
        let mut conduct = Conduct::new(RULES, false, now);
        assert!((0..40).all(|n| conduct.suspected(now + minutes(n)).is_none()));
    }

    #[test]
    fn suspicions_add_nothing_to_a_crash() {
        let now = Instant::now();
        let mut conduct = Conduct::new(RULES, false, now);
        assert!((1..MAX_SUSPICIONS).all(|_| conduct.suspected(now).is_none()));
        assert_eq!(conduct.crashed(now), None);
        assert_eq!(conduct.crashed(now), Some(Step::Quarantine));
        assert_eq!(conduct.suspected(now), None, "alone it is no suspect");
    }
}
