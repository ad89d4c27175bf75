//! What the configuration takes from the machine: its name, its cores, its memory, and its files.

use std::io;

use super::NodeConfig;
use crate::{
    fetch::FetchOptions,
    machine,
    quantity::{GIB, MIB},
};

/// What a worker may hold where nobody knows how much memory there is.
const UNKNOWN: u64 = 4 * GIB;

impl NodeConfig {
    /// The configured id, else the host's name.
    pub fn node_id(&self) -> String {
        self.node.id.clone().unwrap_or_else(host_name)
    }

    /// How many worker processes to run.
    pub fn worker_count(&self) -> usize {
        match self.workers.count {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count as usize,
        }
    }

    /// How much memory one worker may hold.
    pub fn worker_memory(&self) -> u64 {
        self.workers.memory.unwrap_or_else(|| share(machine::memory(), self.worker_count()))
    }

    /// What fetches may take, with the certificates of `fetch.ca-file`.
    pub fn fetch_options(&self) -> io::Result<FetchOptions> {
        let fetch = &self.fetch;
        let read = |file: &std::path::PathBuf| {
            let said = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
            std::fs::read(file).map_err(said)
        };
        Ok(FetchOptions {
            max_concurrent: fetch.max_concurrent as usize,
            max_concurrent_per_function: fetch.max_concurrent_per_function as usize,
            timeout: fetch.timeout,
            max_request: fetch.max_request,
            max_response: fetch.max_response,
            certificates: fetch.ca_file.as_ref().map(read).transpose()?,
        })
    }
}

/// The host and whatever else runs here keep a fifth. Many workers on little memory rarely need theirs all at once.
fn share(all: Option<u64>, workers: usize) -> u64 {
    let Some(all) = all else { return UNKNOWN };
    let usable = all / 5 * 4;
    let each = (usable / workers.max(1) as u64).max(usable.min(GIB));
    each / MIB * MIB
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_the_memory_and_none_gets_too_little() {
        assert_eq!(share(Some(10 * GIB), 2), 4 * GIB);
        assert_eq!(share(Some(10 * GIB), 64), GIB);
        assert_eq!(share(Some(GIB / 2), 2), 409 * MIB);
        assert_eq!(share(None, 2), UNKNOWN);
    }
}
