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

/// Deaths at which it ran beside others and nobody was found guilty, after which it is kept apart all the same.
const MAX_SUSPICIONS: usize = 4;

/// What has to happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It gets a worker of its own.
    Quarantine,
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
            false if self.crashes.len() >= self.rules.quarantine_after => Some(self.quarantine(now)),
            true if self.crashes.len() >= self.rules.pause_after => Some(Step::Pause),
            _ => None,
        }
    }

    /// It may have been this function, or another. In a worker of its own there is nobody else.
    pub fn suspected(&mut self, now: Instant) -> Option<Step> {
        self.forget(now);
        self.suspicions.push_back(now);
        (!self.quarantined && self.suspicions.len() >= MAX_SUSPICIONS).then(|| self.quarantine(now))
    }

    fn quarantine(&mut self, now: Instant) -> Step {
        self.quarantined = true;
        self.since = now;
        self.crashes.clear();
        self.suspicions.clear();
        Step::Quarantine
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
    fn who_is_suspect_again_and_again_is_kept_apart_but_never_paused_for_that() {
        let now = Instant::now();
        let mut conduct = Conduct::new(RULES, false, now);
        let steps: Vec<Option<Step>> = (0..20).map(|_| conduct.suspected(now)).collect();
        assert_eq!(steps.iter().filter(|step| **step == Some(Step::Quarantine)).count(), 1);
        assert_eq!(steps[3], Some(Step::Quarantine));
        assert!(!steps.contains(&Some(Step::Pause)));
    }
}
