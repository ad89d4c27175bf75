//! Resource limits that no worker needs to reach.

use std::{fs, io};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::apply::failed;

/// Standard streams, socket, shared page, snapshot, and a few for event loops.
const DESCRIPTORS: u64 = 64;

const LIMITS: [(Resource, u64); 7] = [
    // A dump would lay the records of a function open.
    (Resource::Core, 0),
    (Resource::Fsize, 0),
    (Resource::Nofile, DESCRIPTORS),
    (Resource::Memlock, 0),
    (Resource::Msgqueue, 0),
    (Resource::Nice, 0),
    (Resource::Rtprio, 0),
];

/// Up to 1000: how much rather than others a process is ended when the machine is out of memory.
const OOM_SCORE: i32 = 500;
const OOM_SCORE_FILE: &str = "/proc/self/oom_score_adj";

pub fn limit() -> Result<String, String> {
    for (resource, most) in LIMITS {
        // A limit that is lower already stays.
        let most = getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| failed(&format!("setrlimit {resource:?}"))(error.into()))?;
    }
    // Writing beyond the limit is to fail, not to kill.
    // SAFETY: ignoring a signal installs no handler.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    match go_first() {
        Ok(()) => Ok("first to go when memory runs out".to_owned()),
        Err(error) => Ok(format!("not first to go when memory runs out: {error}")),
    }
}

fn go_first() -> io::Result<()> {
    let own: i32 = fs::read_to_string(OOM_SCORE_FILE)?.trim().parse().unwrap_or(0);
    // Only to raise it is everybody's right.
    if own < OOM_SCORE { fs::write(OOM_SCORE_FILE, OOM_SCORE.to_string()) } else { Ok(()) }
}
