//! Looking at processes, and sending them signals.

use std::fs;
use std::time::Duration;

/// The arguments of a live process.
pub fn arguments(pid: u32) -> Vec<String> {
    let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let parts = text.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// The children of a process that are no zombies.
pub fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut children: Vec<u32> = pids.filter(|pid| parent_of(*pid) == Some(parent)).collect();
    children.sort_unstable();
    children
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; what is behind it may not.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let alive = fields.next()? != "Z";
    fields.next()?.parse().ok().filter(|_| alive)
}

/// CPU time of a process and of all its threads so far.
pub fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().expect("a number")).sum();
    // A tick is a hundredth of a second everywhere.
    Duration::from_millis(ticks * 10)
}

/// A field of `/proc/PID/status` that is a number of KiB, in bytes.
pub fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Sends a signal; false where the process is gone.
pub fn try_signal(pid: u32, signal: i32) -> bool {
    // SAFETY: sending a signal touches no memory; the pid is that of our own child or of a child of it.
    unsafe { libc::kill(pid as libc::pid_t, signal) == 0 }
}

pub fn signal(pid: u32, signal: i32) {
    assert!(try_signal(pid, signal), "signal {signal} to {pid}: {}", std::io::Error::last_os_error());
}

/// A thread of another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    pub tid: u32,
    pub name: String,
}

/// The threads that a process has now.
pub fn threads(pid: u32) -> Vec<Thread> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks
        .filter_map(|task| {
            let name = fs::read_to_string(task.path().join("comm")).ok()?.trim().to_owned();
            Some(Thread { tid: task.file_name().to_str()?.parse().ok()?, name })
        })
        .collect()
}
