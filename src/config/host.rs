//! What the configuration takes from the machine: its name, its cores and its files.

use std::io;

use super::NodeConfig;
use crate::fetch::FetchOptions;

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

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
