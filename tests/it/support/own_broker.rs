//! A Kafka that one test has for itself, and may stop, kill and freeze.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::folder::repository;
use super::process;
use super::wait::eventually;

pub struct OwnBroker {
    dir: tempfile::TempDir,
    pub address: String,
}

impl OwnBroker {
    /// Starts one; nothing where that cannot be done here. For each port of `through` it has a listener that sends its
    /// clients to that port.
    pub fn start(through: &[u16]) -> Option<OwnBroker> {
        let dir = tempfile::Builder::new().prefix("eddyline-it-kafka-").tempdir().expect("a folder");
        let mut broker = OwnBroker { dir, address: String::new() };
        let ports: Vec<String> = through.iter().map(u16::to_string).collect();
        let further = if ports.is_empty() { vec![] } else { vec!["--through".to_owned(), ports.join(",")] };
        broker.address = broker.script("start", &further)?;
        Some(broker)
    }

    fn script(&self, verb: &str, further: &[String]) -> Option<String> {
        let mut command = Command::new(repository().join("scripts/kafka"));
        let output = command.args([verb, "--dir"]).arg(self.dir.path()).args(further).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    pub fn stop(&self) {
        self.script("stop", &[]).expect("the broker stops");
    }

    /// Starts it where it was, with what it held, and waits until it answers.
    pub fn start_again(&self) {
        let address = self.script("start", &[]).expect("the broker starts again");
        assert_eq!(address, self.address, "it comes back where it was");
    }

    /// Starts it again with more lines in its configuration.
    pub fn reconfigure(&self, lines: &str) {
        self.stop();
        let file = self.dir.path().join("server.properties");
        let text = fs::read_to_string(&file).expect("its configuration");
        fs::write(&file, format!("{text}\n{lines}")).expect("its configuration");
        self.start_again();
    }

    /// The ports behind the listeners of `through`, in their order.
    pub fn listeners(&self) -> Vec<u16> {
        let properties = fs::read_to_string(self.dir.path().join("server.properties")).expect("its configuration");
        let line = properties.lines().find_map(|line| line.strip_prefix("listeners=")).expect("its listeners");
        let ports = line.split(',').filter(|listener| listener.starts_with("THROUGH"));
        ports.map(|listener| listener.rsplit_once(':').expect("a port").1.parse().expect("a number")).collect()
    }

    /// Stops it and copies its folder, whose index files are mostly holes, into another.
    pub fn copy_to(&self, folder: &Path) -> PathBuf {
        self.stop();
        let to = folder.join("broker");
        let done = Command::new("cp").args(["-r", "--sparse=always"]).arg(self.dir.path()).arg(&to).status();
        assert!(done.is_ok_and(|status| status.success()), "the broker's folder is copied");
        to
    }

    pub fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.dir.path().join("pid")).ok()?.trim().parse().ok()
    }

    pub fn signal(&self, signal: i32) {
        process::signal(self.pid().expect("it runs"), signal);
    }

    /// Ends it without a warning, and waits until it is gone.
    pub fn kill(&self) {
        let pid = self.pid().expect("it runs");
        process::signal(pid, libc::SIGKILL);
        eventually("the broker is gone", || process::arguments(pid).is_empty().then_some(()));
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        self.script("stop", &[]);
    }
}
