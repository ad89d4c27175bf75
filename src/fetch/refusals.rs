//! Which refused hosts of a function were logged: each once, and not so many that they flood the log.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Hosts of one function that are logged in [`MEMORY`].
const MOST: usize = 50;
/// When everything is forgotten, so that what goes on shows again.
const MEMORY: Duration = Duration::from_secs(60 * 60);

/// Of one function, so that none takes the log from another.
#[derive(Debug, Default)]
pub struct Refusals {
    logged: Mutex<Logged>,
}

#[derive(Debug, Default)]
struct Logged {
    version: u64,
    since: Option<Instant>,
    hosts: HashSet<String>,
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, Logged> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This version of the function runs. What was said of another is of no use to it.
    pub fn begin(&self, version: u64) {
        let mut logged = self.lock();
        if logged.version != version {
            *logged = Logged { version, ..Logged::default() };
        }
    }

    /// Whether a refusal is to be logged.
    pub fn is_news(&self, at: &str, now: Instant) -> bool {
        let mut logged = self.lock();
        let since = *logged.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= MEMORY {
            logged.since = Some(now);
            logged.hosts.clear();
        }
        logged.hosts.len() < MOST && !logged.hosts.contains(at) && logged.hosts.insert(at.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_news_once_and_only_so_many_are() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        assert!(refusals.is_news("a", now) && !refusals.is_news("a", now));
        let news = (0..1000).filter(|number| refusals.is_news(&number.to_string(), now)).count();
        assert_eq!(news, MOST - 1);
    }

    #[test]
    fn after_an_hour_or_for_a_new_version_all_is_news_again() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        refusals.begin(1);
        assert!(refusals.is_news("a", now));
        refusals.begin(1);
        assert!(!refusals.is_news("a", now + MEMORY / 2));
        assert!(refusals.is_news("a", now + MEMORY));
        assert!(!refusals.is_news("a", now + MEMORY * 3 / 2));
        refusals.begin(2);
        assert!(refusals.is_news("a", now + MEMORY * 3 / 2));
    }
}
