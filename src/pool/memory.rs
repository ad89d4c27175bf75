//! Ends workers that take more memory than they may.
//!
//! One thread looks at all capped workers of the process, ten times a second, and more often while one of them comes
//! near its cap. It begins with the first of them and ends with the last.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::link::Link;
use crate::quantity::format_size;

const EVERY: Duration = Duration::from_millis(100);
/// While a worker holds more than three quarters of what it may.
const EVERY_NEAR: Duration = Duration::from_millis(10);

struct Watched {
    link: Weak<Link>,
    cap: u64,
}

/// Never empty while the thread lives.
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

/// Watches a worker for as long as it lives.
pub fn watch(link: &Arc<Link>, cap: u64) -> std::io::Result<()> {
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = watched.is_empty();
    watched.push(Watched { link: Arc::downgrade(link), cap });
    if idle {
        let started = std::thread::Builder::new().name("worker-memory".to_owned()).spawn(look_until_none_is_left);
        if started.is_err() {
            watched.clear();
        }
        started?;
    }
    Ok(())
}

fn look_until_none_is_left() {
    loop {
        let mut near = false;
        {
            let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
            watched.retain(|one| {
                let Some(link) = one.link.upgrade().filter(|link| !link.is_dead()) else { return false };
                near |= look(&link, one.cap);
                true
            });
            if watched.is_empty() {
                return;
            }
        }
        std::thread::sleep(if near { EVERY_NEAR } else { EVERY });
    }
}

/// Looks at one worker; says whether it is near its cap.
fn look(link: &Link, cap: u64) -> bool {
    let Some(resident) = resident(link.pid()) else { return false };
    if resident > cap {
        link.kill_for_memory(&format!("exceeded its memory of {}", format_size(cap)));
    }
    resident > cap / 4 * 3
}

/// Bytes that a process holds in memory.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_holds_what_it_has_written_to() {
        let own = std::process::id();
        let before = super::resident(own).unwrap();
        let block = vec![1_u8; 64 << 20];
        let after = super::resident(own).unwrap();
        assert!(after >= before + (60 << 20), "{before} {after} {}", block.len());
    }
}
