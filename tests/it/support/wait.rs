//! Waiting for what is to come, never for a time to pass.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(25);

/// How long a test waits for something before it fails. `EDDYLINE_TEST_PATIENCE` (seconds) says otherwise, for
/// machines that are slower than most.
pub fn patience() -> Duration {
    let seconds = env::var("EDDYLINE_TEST_PATIENCE").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// Asks again and again until there is an answer.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < patience(), "not within {:?}: {what}", patience());
        thread::sleep(INTERVAL);
    }
}
