//! The machine that is measured on: its cores and who gets which, and what it is.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

/// The first cores, as `taskset` takes them. The broker and the harness may run anywhere.
pub fn first_cores(count: usize) -> String {
    format!("0-{}", count.clamp(1, cores()) - 1)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// A command that stays on these cores, with all that it starts.
pub fn pinned(cores: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(program);
    command
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gb: u64,
    pub kernel: String,
    pub versions: Vec<(String, String)>,
}

impl Machine {
    pub fn look(versions: Vec<(String, String)>) -> Machine {
        let line = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let found = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
            found.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let memory: u64 = line("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
        Machine {
            processor: line("/proc/cpuinfo", "model name"),
            cores: cores(),
            memory_gb: memory / 1_000_000,
            kernel: kernel.split(['-', '\n']).next().unwrap_or_default().to_owned(),
            versions,
        }
    }
}
