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

/// Runs that a record gets whose handler had to be stopped or brought its isolate down.
const MAX_HARMFUL_RUNS: u32 = 2;

/// How long a record waits after its run number `attempts`, unless its handler has said so.
///
/// `jitter` is a number from 0 to 1; the wait is between half and all of the backoff.
pub fn pause(retry: &Retry, attempts: u32, jitter: f64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    let backoff = retry.backoff.initial.saturating_mul(1 << doublings).min(retry.backoff.max);
    backoff.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// Decides about a record after its run number `attempts`, `age` after its first run began; it would run again `after`
/// this time.
pub fn decide(retry: &Retry, outcome: Outcome, attempts: u32, age: Duration, after: Duration) -> Decision {
    let most = match outcome.retry_class() {
        RetryClass::Never => return Decision::GiveUp,
        RetryClass::Twice => retry.max_attempts.min(MAX_HARMFUL_RUNS),
        RetryClass::Manifest => retry.max_attempts,
    };
    if attempts >= most {
        return Decision::GiveUp;
    }
    if age + after > retry.max_age { Decision::TooOld } else { Decision::Retry { after } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Backoff;

    fn policy() -> Retry {
        Retry {
            max_attempts: 5,
            backoff: Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(1) },
            max_age: Duration::from_secs(60),
        }
    }

    const SOON: Duration = Duration::from_millis(1);

    fn after(attempts: u32, jitter: f64) -> Option<Duration> {
        let after = pause(&policy(), attempts, jitter);
        match decide(&policy(), Outcome::Failed, attempts, Duration::ZERO, after) {
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
        assert_eq!(pause(&long, 99, 1.0), Duration::from_secs(1));
    }

    #[test]
    fn max_attempts_counts_the_first_run() {
        assert!(after(4, 1.0).is_some());
        assert_eq!(after(5, 1.0), None);
        let once = Retry { max_attempts: 1, ..policy() };
        assert_eq!(decide(&once, Outcome::Failed, 1, Duration::ZERO, SOON), Decision::GiveUp);
    }

    #[test]
    fn what_running_again_cannot_mend_is_given_up_at_once() {
        for outcome in [Outcome::Undecodable, Outcome::Rejected, Outcome::Unserialisable, Outcome::TooLarge] {
            assert_eq!(decide(&policy(), outcome, 1, Duration::ZERO, SOON), Decision::GiveUp);
        }
    }

    #[test]
    fn what_harms_the_isolate_runs_twice_at_most() {
        for outcome in [Outcome::CpuLimit, Outcome::WallLimit, Outcome::MemoryLimit, Outcome::Crashed] {
            assert!(matches!(decide(&policy(), outcome, 1, Duration::ZERO, SOON), Decision::Retry { .. }));
            assert_eq!(decide(&policy(), outcome, 2, Duration::ZERO, SOON), Decision::GiveUp);
        }
    }

    #[test]
    fn a_record_that_would_become_too_old_is_given_up() {
        assert_eq!(decide(&policy(), Outcome::Failed, 1, Duration::from_secs(60), SOON), Decision::TooOld);
    }
}
