//! The Kafka that the tests talk to, and how many of them talk to it at once.

use std::env;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

const VARIABLE: &str = "EDDYLINE_TEST_BROKERS";

/// The address of the broker, or nothing where there is none: then the test is skipped, and says so.
/// CI must not skip: there it fails.
pub fn brokers(test: &str) -> Option<String> {
    if let Some(brokers) = env::var(VARIABLE).ok().filter(|text| !text.is_empty()) {
        return Some(brokers);
    }
    skip(test, &format!("{VARIABLE} is not set; `make test` sets it"));
    None
}

/// Says that a test cannot run here, and fails where nothing may be skipped.
pub fn skip(test: &str, reason: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "{test}: {reason}, and CI skips nothing");
    // Past the test harness, which keeps what successful tests print to itself.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

/// One of the places for tests that run a node. Two by default: more would only wait for each other's processes.
pub struct Place;

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

fn taken() -> MutexGuard<'static, usize> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn places() -> usize {
    env::var("EDDYLINE_TEST_NODES").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

impl Place {
    pub fn wait() -> Place {
        let mut count = FREED.wait_while(taken(), |count| *count >= places()).unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        Place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *taken() -= 1;
        FREED.notify_one();
    }
}
