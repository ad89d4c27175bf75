//! What one more isolate takes that waits for records, its thread included.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use eddyline::pool::WorkerCommand;
use eddyline::protocol::control::Handler;
use serde::{Deserialize, Serialize};

use crate::isolates::{CODE, WARMING, batch, value};
use crate::worker::{self, Batch, Client};

/// Isolates after which a worker has touched what all of them share.
const FIRST: u32 = 5;
/// Records in one message.
const TOGETHER: u32 = 100;
/// After this time without a message a worker has nothing to do.
const STILL: Duration = Duration::from_secs(2);
/// After this time all isolates have rested, which they do one after the other.
const RESTED: Duration = Duration::from_secs(15);

/// Megabytes for each isolate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// What `ps` shows.
    pub resident: f64,
    /// With its part of what processes share; the same as `resident` where the kernel does not tell.
    pub proportional: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Waiting {
    pub isolates: u32,
    /// Of a worker without any, in megabytes.
    pub worker: Memory,
    /// After so many records in each isolate.
    pub after: Vec<(u64, Memory)>,
}

pub fn measure(command: &WorkerCommand, isolates: u32) -> Result<Waiting> {
    let after = [0, TOGETHER.into(), WARMING];
    let mut waiting = Waiting { isolates, worker: Memory { resident: 0.0, proportional: 0.0 }, after: Vec::new() };
    for records in after {
        let mut client = Client::process(command);
        let pid = client.process.as_ref().context("a process of its own")?.child.id();
        sleep(STILL);
        waiting.worker = held(pid)?;
        start(&mut client, 1..=FIRST, records);
        let before = held(pid)?;
        start(&mut client, FIRST + 1..=FIRST + isolates, records);
        let behind = held(pid)?;
        let each = |of: fn(&Memory) -> f64| (of(&behind) - of(&before)) / f64::from(isolates);
        let (resident, proportional) = (each(|memory| memory.resident), each(|memory| memory.proportional));
        waiting.after.push((records, Memory { resident, proportional }));
    }
    Ok(waiting)
}

fn start(client: &mut Client, channels: impl Iterator<Item = u32>, records: u64) {
    let (load, value) = (worker::function(CODE, Handler::Record), value());
    for channel in channels {
        client.load(channel, &load);
        client.run(&Batch { channel, invocations: TOGETHER, ..batch(&value) }, records / u64::from(TOGETHER));
    }
    sleep(RESTED);
}

/// What a process holds, in megabytes.
pub fn held(pid: u32) -> Result<Memory> {
    let read = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024.0 / 1e6)
    };
    let resident = read("status", "VmRSS:").context("the process lives")?;
    // A worker is closed to all but the machine's owner.
    Ok(Memory { resident, proportional: read("smaps_rollup", "Pss:").unwrap_or(resident) })
}
