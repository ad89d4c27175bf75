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
    let mut buffer = [0_u8; 256];
    // SAFETY: the buffer is writable for its whole length, which leaves room for the final zero.
    let failed = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) } != 0;
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(0);
    let name = String::from_utf8_lossy(&buffer[..end]).into_owned();
    if failed || name.is_empty() { "localhost".to_owned() } else { name }
}
