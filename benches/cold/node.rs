//! A node with functions, and what it says of itself.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::{Programs, Usage};

const PATIENCE: Duration = Duration::from_secs(1200);
/// How long a node may take to end.
const STOPPING: Duration = Duration::from_secs(120);
const LOOKS: Duration = Duration::from_millis(100);

pub struct Node {
    programs: Programs,
    api: String,
    pub begun: Instant,
}

impl Node {
    /// Starts a node on the functions below `folder`.
    pub fn start(folder: &Path, brokers: &str) -> Result<Node> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.join("eddyline.toml");
        let text = format!(
            "[kafka]\nbrokers = {brokers:?}\n[functions]\npath = \"functions\"\nsleep-after = \"10s\"\n\
             [node]\nid = \"bench\"\n[admin]\nlisten = \"127.0.0.1:{port}\"\n[logging]\nlevel = \"warn\"\n"
        );
        fs::write(&config, text)?;
        let log = fs::File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
        command.arg("run").arg("--config").arg(config).current_dir(folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let begun = Instant::now();
        Ok(Node { programs: Programs::start(vec![command])?, api: format!("http://127.0.0.1:{port}/api/v1"), begun })
    }

    fn api(&self, path: &str) -> Option<Value> {
        let text = ureq::get(format!("{}{path}", self.api)).call().ok()?;
        // Thousands of functions are more than is read by default.
        text.into_body().into_with_config().limit(1 << 30).read_json().ok()
    }

    /// Waits until so many functions have nothing to do; says how long after the start that was, in seconds.
    pub fn idle(&mut self, count: usize) -> Result<f64> {
        self.wait(|node| node.api("/node")?["functions"]["idle"].as_u64(), count as u64)
    }

    /// The same until the handlers of all have been tried out.
    pub fn tried_out(&mut self, count: usize) -> Result<f64> {
        let known = |node: &Node| {
            let functions = node.api("/functions")?;
            let known = functions["functions"].as_array()?.iter().filter(|one| !one["handler"].is_null()).count();
            Some(known as u64)
        };
        self.wait(known, count as u64)
    }

    fn wait(&mut self, of: impl Fn(&Node) -> Option<u64>, count: u64) -> Result<f64> {
        let waiting = Instant::now();
        loop {
            let found = of(self).unwrap_or(0);
            if found >= count {
                return Ok(self.begun.elapsed().as_secs_f64());
            }
            self.programs.check()?;
            ensure!(waiting.elapsed() < PATIENCE, "only {found} of {count} functions are so far");
            // Asking is not to be what is measured.
            sleep(LOOKS.max(Duration::from_millis(count / 10)));
        }
    }

    /// What all of its processes use: the host, its workers, and the children that try functions out.
    pub fn usage(&mut self) -> Usage {
        self.programs.usage()
    }

    /// The process id of the host.
    pub fn host(&self) -> Result<u32> {
        let node = self.api("/node").context("the node answers")?;
        Ok(u32::try_from(node["process_id"].as_u64().context("a process id")?)?)
    }

    pub fn stop(mut self) {
        self.programs.stop(STOPPING);
    }
}
