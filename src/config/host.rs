//! What the configuration takes from the machine: its name and its cores.

use super::NodeConfig;

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
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
