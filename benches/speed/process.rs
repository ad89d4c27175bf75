//! What a program and everything that it has started use, as the kernel counts it.

use std::collections::HashMap;
use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Linux counts in hundredths of a second towards programs, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;
const TREE_AGE: Duration = Duration::from_millis(500);

/// Processes under test, with their children.
pub struct Programs {
    children: Vec<Child>,
    tree: Vec<u32>,
    seen: Option<Instant>,
}

#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub cpu_seconds: f64,
    pub resident_mb: f64,
}

impl Programs {
    pub fn start(commands: Vec<Command>) -> Result<Programs> {
        let mut programs = Programs { children: Vec::new(), tree: Vec::new(), seen: None };
        for mut command in commands {
            let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
            programs.children.push(child);
        }
        Ok(programs)
    }

    pub fn usage(&mut self) -> Usage {
        if self.seen.is_none_or(|seen| seen.elapsed() > TREE_AGE) {
            self.tree = tree(self.children.iter().map(Child::id).collect());
            self.seen = Some(Instant::now());
        }
        let mut usage = Usage::default();
        for pid in &self.tree {
            let Some(stat) = stat(*pid) else { continue };
            usage.cpu_seconds += stat.ticks as f64 / TICKS_PER_SECOND;
            usage.resident_mb += stat.pages as f64 * 4096.0 / 1e6;
        }
        usage
    }

    /// Fails where one has ended, which none does by itself.
    pub fn check(&mut self) -> Result<()> {
        for child in &mut self.children {
            if let Some(status) = child.try_wait()? {
                bail!("it ended by itself: {status}");
            }
        }
        Ok(())
    }

    /// Asks them to end, and makes them after a while.
    pub fn stop(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        for child in &self.children {
            if let Some(pid) = Pid::from_raw(child.id() as i32) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        for child in &mut self.children {
            while matches!(child.try_wait(), Ok(None)) {
                if Instant::now() > deadline {
                    let _ = child.kill();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        self.children.clear();
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

struct Stat {
    parent: u32,
    /// Of itself, and of children that have ended.
    ticks: u64,
    pages: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have blanks and brackets in it.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
    Some(Stat { parent: number(1)? as u32, ticks, pages: number(21)? })
}

/// These processes and all that descend from them.
fn tree(mut found: Vec<u32>) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).into_iter().flatten());
        next += 1;
    }
    found
}
