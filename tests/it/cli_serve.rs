//! The commands that run a node, as processes of their own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

fn eddyline(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
    command.current_dir(folder).args(arguments).env_remove("EDDYLINE_LOG").env("NO_COLOR", "1");
    command
}

/// `eddyline dev` with its own broker; killed when the test is over, however it ends.
struct Dev {
    process: Child,
    lines: Receiver<String>,
    brokers: String,
    admin: String,
}

impl Dev {
    fn start(folder: &Path) -> Dev {
        let mut command = eddyline(folder, &["dev", "--set", "admin.listen=127.0.0.1:0", "--set", "workers.count=1"]);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(process.stderr.take().unwrap());
        let mut dev = Dev { process, lines, brokers: String::new(), admin: String::new() };
        dev.brokers = dev.line_with("Kafka ").split_whitespace().nth(1).unwrap().to_owned();
        let admin = dev.line_with("admin ");
        dev.admin = admin.split("http://").nth(1).unwrap().to_owned();
        dev
    }

    /// Waits for a line of the introduction.
    fn line_with(&self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no line with {part:?}"));
            if line.trim_start().starts_with(part) {
                return line;
            }
        }
    }

    fn get(&self, path: &str) -> Option<Value> {
        let mut response = ureq::get(format!("http://{}{path}", self.admin)).call().ok()?;
        response.body_mut().read_json().ok()
    }

    fn wait_until(&self, what: &str, mut holds: impl FnMut(&Dev) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what} did not come: {:?}", self.get("/api/v1/functions"));
            thread::sleep(LOOK_INTERVAL);
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // The test may have seen enough; the pipe must be read nevertheless.
            let _ = sender.send(line);
        }
    });
    lines
}

fn write_project(folder: &Path) {
    let function = folder.join("functions/enrich");
    fs::create_dir_all(&function).unwrap();
    let manifest = "[source]\ntopics = [\"orders\"]\nstart = \"earliest\"\n[sink]\ntopic = \"orders.enriched\"\n";
    fs::write(function.join("function.toml"), manifest).unwrap();
    fs::write(function.join("index.ts"), "export default (record) => ({ ...record.json(), seen: true });\n").unwrap();
    fs::create_dir_all(folder.join("data")).unwrap();
    let seed =
        "[[feed]]\nfile = \"orders.ndjson\"\nformat = \"ndjson\"\ntopic = \"orders\"\npartitions = 2\nkey = \"id\"\n";
    fs::write(folder.join("data/seed.toml"), seed).unwrap();
    let orders: String = (0..100).map(|number| format!("{{\"id\":\"order-{number}\"}}\n")).collect();
    fs::write(folder.join("data/orders.ndjson"), orders).unwrap();
}

#[test]
fn dev_runs_functions_on_its_own_broker_that_other_programs_can_join() {
    let folder = tempfile::tempdir().unwrap();
    write_project(folder.path());
    let mut dev = Dev::start(folder.path());
    dev.wait_until("readiness", |dev| {
        eddyline(folder.path(), &["health", "--admin", &dev.admin]).output().unwrap().status.success()
    });
    dev.wait_until("a function that has nothing to do yet", |dev| {
        dev.get("/api/v1/functions/enrich").is_some_and(|function| function["state"] == "idle")
    });

    let seed = eddyline(folder.path(), &["seed", "--brokers", &dev.brokers, "--output", "json"]).output().unwrap();
    assert!(seed.status.success(), "{}", String::from_utf8_lossy(&seed.stderr));
    let fed: Value = serde_json::from_slice(&seed.stdout).unwrap();
    assert_eq!(fed["written"], 100);
    dev.wait_until("100 done records", |dev| {
        dev.get("/api/v1/functions/enrich").is_some_and(|function| function["counters"]["done"] == 100)
    });

    let again = eddyline(folder.path(), &["seed", "--once", "--brokers", &dev.brokers, "--output", "json"]);
    let again: Value = serde_json::from_slice(&{ again }.output().unwrap().stdout).unwrap();
    assert_eq!((&again["written"], &again["skipped"][0]), (&0.into(), &"orders".into()));

    let arguments = ["invoke", "enrich", "--brokers", &dev.brokers, "--topic", "orders", "--offset", "1"];
    let invoked = eddyline(folder.path(), &arguments).args(["--count", "3", "--output", "json"]).output().unwrap();
    let invoked: Value = serde_json::from_slice(&invoked.stdout).unwrap();
    let offsets: Vec<&Value> =
        invoked["records"].as_array().unwrap().iter().map(|one| &one["record"]["offset"]).collect();
    assert_eq!(offsets, [1, 2, 3]);
    let beyond = eddyline(folder.path(), &arguments[..7]).arg("1000").output().unwrap();
    let said = String::from_utf8_lossy(&beyond.stderr).into_owned();
    assert!(beyond.status.code() == Some(1) && said.contains("no offset 1000"), "{said}");

    dev.signal(rustix::process::Signal::TERM);
    assert_eq!(dev.process.wait().unwrap().code(), Some(0));
}

#[test]
fn demo_accounts_for_every_record() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = eddyline(root, &["demo", "--seconds", "2", "--output", "json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["complete"], true, "{report}");
    let accounts = report["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 10);
    for account in accounts {
        let number = |key: &str| account[key].as_u64().unwrap();
        assert!(number("in") > 0, "{account}");
        assert_eq!(number("in"), number("done") + number("filtered") + number("dead_lettered"), "{account}");
    }
    assert!(!report["letters"].as_array().unwrap().is_empty() && !report["samples"].as_array().unwrap().is_empty());
}
