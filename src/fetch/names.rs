//! Names and their addresses. A lookup holds a thread and cannot be stopped, so a function may have only so many of
//! them at once: a name server that never answers then holds up nobody else.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// How long addresses are used again, and of how many names.
const FRESH: Duration = Duration::from_secs(5);
const RECENT: usize = 256;

/// The addresses of a name, valid for whoever holds them.
#[derive(Debug)]
pub struct Addresses {
    name: String,
    pub all: Vec<IpAddr>,
}

#[derive(Debug, Default)]
pub struct Names {
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    /// Whatever is still held by a fetch, or recent.
    by_name: HashMap<String, Weak<Addresses>>,
    recent: VecDeque<(Instant, Arc<Addresses>)>,
}

impl Names {
    /// The addresses of a name, looked up unless that was done a moment ago. `turns` are those of the function.
    pub async fn look_up(&self, name: &str, turns: &Arc<Semaphore>) -> Result<Arc<Addresses>, String> {
        if let Some(found) = self.recent(name) {
            return Ok(found);
        }
        let turn = Arc::clone(turns).acquire_owned().await.map_err(|error| error.to_string())?;
        let asked = name.to_owned();
        let looked_up = tokio::task::spawn_blocking(move || {
            let found = (asked.as_str(), 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect());
            // Given back by the lookup itself, which goes on when nobody waits for it any more.
            drop(turn);
            found
        });
        let all: Vec<IpAddr> =
            looked_up.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let addresses = Arc::new(Addresses { name: name.to_owned(), all });
        self.keep(&addresses);
        Ok(addresses)
    }

    /// The addresses of a name that somebody holds.
    pub fn held(&self, name: &str) -> Option<Arc<Addresses>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.by_name.get(name).and_then(Weak::upgrade)
    }

    fn recent(&self, name: &str) -> Option<Arc<Addresses>> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        while found.recent.front().is_some_and(|(since, _)| since.elapsed() > FRESH) {
            found.recent.pop_front();
        }
        found.recent.iter().rev().find(|(_, addresses)| addresses.name == name).map(|(_, found)| Arc::clone(found))
    }

    fn keep(&self, addresses: &Arc<Addresses>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.recent.len() >= RECENT {
            found.recent.pop_front();
        }
        found.recent.push_back((Instant::now(), Arc::clone(addresses)));
        if found.by_name.len() >= 2 * RECENT {
            found.by_name.retain(|_, addresses| addresses.strong_count() > 0);
        }
        found.by_name.insert(addresses.name.clone(), Arc::downgrade(addresses));
    }
}
