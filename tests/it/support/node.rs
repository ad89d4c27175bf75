//! The real program, run as a user runs it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::folder::Function;
use super::process;
use super::wait::eventually;

/// Lines of its log that a failed test shows.
const SHOWN: usize = 60;

pub struct Node {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    admin: String,
    http: ureq::Agent,
}

/// A key of the configuration as an environment variable.
fn variable(key: &str) -> String {
    format!("EDDYLINE__{}", key.replace('.', "__").replace('-', "_").to_uppercase())
}

impl Node {
    /// Starts `eddyline run` in a folder and waits until it serves its admin interface.
    pub fn start(folder: &Path, settings: &[(&str, &str)]) -> Node {
        Node::start_in(folder, settings, &[])
    }

    /// The same, with further variables in its environment.
    pub fn start_in(folder: &Path, settings: &[(&str, &str)], environment: &[(&str, &str)]) -> Node {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
        command.arg("run").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.envs(settings.iter().map(|(key, value)| (variable(key), value)));
        command.envs(environment.iter().copied());
        let mut child = command.spawn().expect("the program starts");
        let log = collect(&mut child);
        let http = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .into();
        let mut node = Node { child, log, admin: String::new(), http };
        node.admin = node.eventually("the admin interface listens", |node| {
            let line = node.lines().into_iter().find(|line| line["message"] == "admin interface listens")?;
            Some(line["address"].as_str()?.to_owned())
        });
        node
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As [`eventually`], but fails at once when the node has ended.
    #[track_caller]
    pub fn eventually<T>(&self, what: &str, mut ask: impl FnMut(&Node) -> Option<T>) -> T {
        eventually(what, || {
            let answer = ask(self);
            if answer.is_none() {
                let state = process::memory(self.pid(), "VmRSS");
                assert!(state.is_some(), "the node has ended: {what}");
            }
            answer
        })
    }

    /// The log's lines that are JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.raw_log().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The log's lines of that message.
    pub fn logged(&self, message: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["message"].as_str().is_some_and(|m| m.contains(message))).collect()
    }

    /// The log's lines so far.
    pub fn raw_log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Status and body of a page of the admin interface.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut answer = self.http.get(format!("http://{}{path}", self.admin)).call().ok()?;
        let body = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), body))
    }

    pub fn api(&self, path: &str) -> Option<Value> {
        let (status, body) = self.get(&format!("/api/v1{path}"))?;
        serde_json::from_str(&body).ok().filter(|_| status == 200)
    }

    pub fn status(&self, function: &Function) -> Option<Value> {
        self.api(&format!("/functions/{}", function.name))
    }

    pub fn is_ready(&self) -> bool {
        self.get("/health/ready").is_some_and(|(status, _)| status == 200)
    }

    /// The workers that hold isolates of the function.
    pub fn workers_of(&self, function: &Function) -> Vec<u32> {
        let status = self.status(function).unwrap_or_default();
        let pids = status["workers"].as_array().into_iter().flatten();
        pids.filter_map(|pid| u32::try_from(pid.as_u64()?).ok()).collect()
    }

    /// Asks the node to `pause` or `resume` the function, as a person does, and waits until it has done so.
    #[track_caller]
    pub fn command(&self, verb: &str, function: &Function) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
        let output = command.args([verb, &function.name, "--admin", &self.admin]).output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The answer's status, where nothing is sent but the wish itself.
    pub fn post(&self, path: &str) -> Option<u16> {
        let answer = self.http.post(format!("http://{}/api/v1{path}", self.admin)).send_empty().ok()?;
        Some(answer.status().as_u16())
    }

    /// Runs another command that asks this node.
    pub fn ask(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
        command.args(arguments).args(["--admin", &self.admin]).stdin(Stdio::null());
        command.output().expect("the program runs")
    }

    /// Waits until the function is in that state, and returns all of its status.
    #[track_caller]
    pub fn enters(&self, function: &Function, state: &str) -> Value {
        self.eventually(&format!("{} is {state}", function.name), |node| {
            node.status(function).filter(|status| status["state"] == state)
        })
    }

    /// Waits until the function runs and owns partitions.
    #[track_caller]
    pub fn runs(&self, function: &Function) -> Value {
        self.eventually(&format!("{} runs and owns partitions", function.name), |node| {
            let is_assigned = |status: &Value| status["assignment"].as_array().is_some_and(|all| !all.is_empty());
            node.status(function).filter(|status| status["state"] == "running" && is_assigned(status))
        })
    }

    /// The value of one metric; `labels` are what stands between the braces, or a part of it.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let (_, text) = self.get("/metrics")?;
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let mut matching = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && labels.iter().all(|label| line.contains(label))
        });
        matching.next()?.rsplit_once(' ')?.1.parse().ok()
    }

    /// The worker processes that live now.
    pub fn workers(&self) -> Vec<u32> {
        let children = process::children(self.pid()).into_iter();
        children.filter(|pid| process::arguments(*pid).iter().any(|argument| argument == "worker")).collect()
    }

    pub fn signal(&self, signal: i32) {
        process::signal(self.pid(), signal);
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its state")
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        eventually("the node ends", || self.ended())
    }

    /// Stops it in the ordinary way, which must succeed.
    #[track_caller]
    pub fn stop(self) {
        self.stop_and(|_| {});
    }

    /// The same, and looks at the node when it has ended.
    #[track_caller]
    pub fn stop_and(mut self, look: impl FnOnce(&Node)) {
        self.signal(libc::SIGTERM);
        let status = self.ends();
        look(&self);
        assert_eq!((status.code(), status.signal()), (Some(0), None), "SIGTERM ends a node with success");
    }

    /// The end of its log.
    pub fn shown(&self) -> String {
        let log = self.raw_log();
        let mut text = format!("--- the node's log, its last lines of {}\n", log.len());
        for line in log.iter().skip(log.len().saturating_sub(SHOWN)) {
            let _ = writeln!(text, "{}", line.chars().take(1000).collect::<String>());
        }
        text
    }
}

/// Reads its log as long as it writes one.
fn collect(child: &mut Child) -> Arc<Mutex<Vec<String>>> {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let stderr = child.stderr.take().expect("stderr is a pipe");
    let kept = Arc::clone(&lines);
    thread::spawn(move || {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).into_owned();
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    });
    lines
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("{}", self.shown());
        }
    }
}
