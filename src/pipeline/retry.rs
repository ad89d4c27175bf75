//! What becomes of a record whose run has failed.

use std::time::Duration;

use crate::manifest::Retry;
use crate::outcome::{Outcome, RetryClass};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Run again after this time.
    Retry { after: Duration },
    /// It failed for good.
    GiveUp,
    /// It might succeed yet, but has failed for longer than it may.
    TooOld,
}

/// How long to wait before the next run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pause {
    /// Half to all of the manifest's backoff; `jitter` is a number from 0 to 1.
    Backoff { jitter: f64 },
    /// As the handler said.
    Asked(Duration),
}

/// Runs that a record gets whose handler had to be stopped or brought its isolate down.
const MAX_HARMFUL_RUNS: u32 = 2;

/// Decides about a record after its run number `attempts`, `age` after its first run began.
pub fn decide(retry: &Retry, outcome: Outcome, attempts: u32, age: Duration, pause: Pause) -> Decision {
    let most = match outcome.retry_class() {
        RetryClass::Never => return Decision::GiveUp,
        RetryClass::Twice => retry.max_attempts.min(MAX_HARMFUL_RUNS),
        RetryClass::Manifest => retry.max_attempts,
    };
    if attempts >= most {
        return Decision::GiveUp;
    }
    let after = match pause {
        Pause::Asked(delay) => delay,
        Pause::Backoff { jitter } => {
            let doublings = attempts.saturating_sub(1).min(31);
            let backoff = retry.backoff.initial.saturating_mul(1 << doublings).min(retry.backoff.max);
            backoff.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
        }
    };
    if age.saturating_add(after) > retry.max_age { Decision::TooOld } else { Decision::Retry { after } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Backoff;

    const HALFWAY: Pause = Pause::Backoff { jitter: 0.5 };

    fn policy() -> Retry {
        Retry {
            max_attempts: 5,
            backoff: Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(1) },
            max_age: Duration::from_secs(60),
        }
    }

    fn after(attempts: u32, jitter: f64) -> Option<Duration> {
        match decide(&policy(), Outcome::Failed, attempts, Duration::ZERO, Pause::Backoff { jitter }) {
            Decision::Retry { after } => Some(after),
            Decision::GiveUp | Decision::TooOld => None,
        }
    }

    #[test]
    fn the_wait_doubles_up_to_its_maximum_with_jitter() {
        let full: Vec<u128> = (1..5).map(|attempts| after(attempts, 1.0).unwrap().as_millis()).collect();
        assert_eq!(full, [100, 200, 400, 800]);
        assert_eq!(after(1, 0.0), Some(Duration::from_millis(50)));
        let long = Retry { max_attempts: 100, ..policy() };
        let Decision::Retry { after } = decide(&long, Outcome::Failed, 99, Duration::ZERO, HALFWAY) else { panic!() };
        assert_eq!(after, Duration::from_millis(750));
    }

    #[test]
    fn max_attempts_counts_the_first_run() {
        assert!(after(4, 1.0).is_some());
        assert_eq!(after(5, 1.0), None);
        let once = Retry { max_attempts: 1, ..policy() };
        assert_eq!(decide(&once, Outcome::Failed, 1, Duration::ZERO, HALFWAY), Decision::GiveUp);
    }

    #[test]
    fn what_running_again_cannot_mend_is_given_up_at_once() {
        for outcome in [Outcome::Undecodable, Outcome::Rejected, Outcome::Unserialisable, Outcome::TooLarge] {
            assert_eq!(decide(&policy(), outcome, 1, Duration::ZERO, HALFWAY), Decision::GiveUp);
        }
    }

    #[test]
    fn what_harms_the_isolate_runs_twice_at_most() {
        for outcome in [Outcome::CpuLimit, Outcome::WallLimit, Outcome::MemoryLimit, Outcome::Crashed] {
            assert!(matches!(decide(&policy(), outcome, 1, Duration::ZERO, HALFWAY), Decision::Retry { .. }));
            assert_eq!(decide(&policy(), outcome, 2, Duration::ZERO, HALFWAY), Decision::GiveUp);
        }
    }

    #[test]
    fn a_record_that_would_become_too_old_is_given_up() {
        assert_eq!(decide(&policy(), Outcome::Failed, 1, Duration::from_secs(60), HALFWAY), Decision::TooOld);
    }

    #[test]
    fn a_pause_that_the_handler_asks_for_counts_as_any_other() {
        let asked = |seconds| Pause::Asked(Duration::from_secs(seconds));
        let decide = |attempts, pause| decide(&policy(), Outcome::Failed, attempts, Duration::from_secs(30), pause);
        assert_eq!(decide(1, asked(20)), Decision::Retry { after: Duration::from_secs(20) });
        assert_eq!(decide(1, asked(0)), Decision::Retry { after: Duration::ZERO });
        assert_eq!(decide(1, asked(31)), Decision::TooOld);
        assert_eq!(decide(1, asked(u64::MAX)), Decision::TooOld);
        assert_eq!(decide(5, asked(0)), Decision::GiveUp);
    }
}
