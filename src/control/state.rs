//! One function as the control plane knows it: what should run, what runs, and what it waits for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::plan::{self, Needs, TopicMap};
use super::versions::reads_differently;
use crate::diagnostic::{Diagnostics, codes};
use crate::function::Program;
use crate::kafka;
use crate::manifest::{self, Manifest, Topics};
use crate::pipeline::{Handle, Version};
use crate::status::{Board, FunctionState};
use crate::telemetry::FunctionMetrics;

/// How long a subscription that is replaced may take to finish.
const REPLACE: Duration = Duration::from_secs(30);

pub struct Function {
    pub name: String,
    pub dir: PathBuf,
    /// Of the folder, when it was last looked at.
    pub stamp: u64,
    pub metrics: Arc<FunctionMetrics>,
    /// Its folder is gone.
    pub removed: bool,
    /// Some position of its group has been settled, so that whatever appears later begins at earliest.
    pub positioned: bool,
    /// It had to wait for a source topic, which therefore appears later.
    waited_for_source: bool,
    /// The newest version, as long as it does not run.
    wanted: Option<Arc<Program>>,
    running: Option<Running>,
    /// Subscriptions that are draining.
    ending: Vec<Handle>,
    /// The node is shutting down.
    draining: bool,
}

struct Running {
    program: Arc<Program>,
    handle: Handle,
    topics: Vec<String>,
}

/// Where a function that is about to start begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Its positions were settled before.
    Settled,
    At(kafka::Start),
}

impl Function {
    pub fn new(name: &str, metrics: Arc<FunctionMetrics>) -> Function {
        Function {
            name: name.to_owned(),
            dir: PathBuf::new(),
            stamp: 0,
            metrics,
            removed: false,
            positioned: false,
            waited_for_source: false,
            wanted: None,
            running: None,
            ending: Vec::new(),
            draining: false,
        }
    }

    /// Whether exactly this content is what runs or is about to.
    pub fn runs(&self, digest: &str) -> bool {
        self.newest().is_some_and(|program| program.digest == digest)
    }

    pub fn newest(&self) -> Option<Arc<Program>> {
        self.wanted.clone().or_else(|| self.running.as_ref().map(|running| Arc::clone(&running.program)))
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub fn is_waiting(&self) -> bool {
        self.wanted.is_some() && !self.removed
    }

    pub fn is_ending(&self) -> bool {
        !self.ending.is_empty()
    }

    pub fn follows_a_pattern(&self) -> bool {
        let pattern = |program: &Program| matches!(program.manifest.source.topics, Topics::Pattern(_));
        self.running.as_ref().is_some_and(|running| pattern(&running.program))
    }

    /// The version to start, unless an older subscription has to end first.
    pub fn wanted(&self) -> Option<Arc<Program>> {
        if self.ending.is_empty() && !self.removed { self.wanted.clone() } else { None }
    }

    /// A new version was prepared.
    pub fn want(&mut self, program: Arc<Program>, board: &Board) {
        board.update(&self.name, |status| {
            let manifest = &program.manifest;
            status.tenant.clone_from(&manifest.tenant);
            status.sink_topics = manifest.sink.topics().map(str::to_owned).collect();
            status.dead_letter = manifest.dead_letter.enabled.then(|| manifest.dead_letter.topic.clone());
            status.group.clone_from(&manifest.source.group);
            status.diagnostics = None;
            status.broken_update = None;
            if self.running.is_none() {
                status.version = program.version;
                status.digest.clone_from(&program.digest);
                status.handler = Some(program.handler());
                status.enter(FunctionState::Starting, None);
            }
        });
        if let Some(running) = &self.running
            && reads_differently(&running.program.manifest, &program.manifest)
        {
            tracing::info!(function = %self.name, "its source has changed, so it leaves its group and starts anew");
            self.positioned = false;
            self.waited_for_source = false;
            self.end_running();
        }
        self.wanted = Some(program);
    }

    /// The newest version cannot run. An older one that runs goes on.
    pub fn is_broken(&mut self, mistakes: Diagnostics, board: &Board) {
        self.wanted = None;
        let goes_on = self.running.is_some();
        for mistake in mistakes.iter() {
            let place = mistake.line.map_or_else(
                || mistake.file.display().to_string(),
                |line| format!("{}:{line}:{}", mistake.file.display(), mistake.column.unwrap_or(1)),
            );
            let (code, hint) = (mistake.code, mistake.hint.as_deref().unwrap_or("none"));
            tracing::error!(function = %self.name, %place, code, error = %mistake.message, hint, goes_on, "a function is broken");
        }
        board.update(&self.name, |status| {
            if goes_on {
                status.broken_update = Some(mistakes);
            } else {
                let reason = mistakes.iter().next().map(|mistake| format!("{}: {}", mistake.code, mistake.message));
                status.diagnostics = Some(mistakes);
                status.enter(FunctionState::Broken, reason);
            }
        });
    }

    /// It cannot start yet.
    pub fn waits(&mut self, reason: String, board: &Board) {
        let known = board.function(&self.name).and_then(|status| status.state_reason);
        if known.as_ref() == Some(&reason) {
            return;
        }
        tracing::warn!(function = %self.name, %reason, "the function waits");
        let running = self.running.is_some();
        board.update(&self.name, |status| {
            let state = if running { status.state } else { FunctionState::Waiting };
            status.enter(state, Some(reason));
        });
    }

    /// Where to begin with the sources that exist, if that can be said now; otherwise the function waits or is broken.
    pub fn start_rule(&mut self, needs: &Needs, manifest: &Manifest, embedded: bool, board: &Board) -> Option<Start> {
        let waited = self.waited_for_source;
        self.waited_for_source |= !needs.missing_sources.is_empty() || needs.unmatched.is_some();
        if self.running.is_some() || self.positioned || needs.sources.is_empty() {
            return Some(Start::Settled);
        }
        Some(Start::At(match manifest.source.start {
            // Nothing existed when the function came, so whatever is there now appeared later.
            _ if waited => kafka::Start::Earliest,
            manifest::Start::Earliest => kafka::Start::Earliest,
            manifest::Start::Latest => kafka::Start::Latest,
            manifest::Start::Time(_) if embedded => {
                let message = "the embedded broker cannot look up records by time";
                let mistake = manifest.places.error(codes::NOT_SUPPORTED_YET, "source.start", message);
                let hint = "use \"earliest\" or \"latest\", or a real Kafka";
                self.is_broken(mistake.with_hint(hint).into(), board);
                return None;
            }
            manifest::Start::Time(time) => kafka::Start::Time(time.as_millisecond()),
        }))
    }

    /// Starts the version, or installs it in the subscription that runs.
    pub fn run(
        &mut self,
        program: &Arc<Program>,
        version: Arc<Version>,
        topics: Vec<String>,
        board: &Board,
        start: impl FnOnce() -> std::io::Result<Handle>,
    ) {
        self.wanted = None;
        board.update(&self.name, |status| status.topics.clone_from(&topics));
        if let Some(running) = &mut self.running {
            running.handle.install(version);
            running.program = Arc::clone(program);
            return;
        }
        match start() {
            Ok(handle) => {
                tracing::info!(function = %self.name, version = program.version, topics = %topics.join(", "), "the function starts");
                self.running = Some(Running { program: Arc::clone(program), handle, topics });
            }
            Err(error) => {
                self.wanted = Some(Arc::clone(program));
                self.waits(format!("cannot start a thread: {error}"), board);
            }
        }
    }

    /// A pattern may match other topics by now.
    pub fn follow_pattern(&mut self, topics: &TopicMap, dead_letters: &BTreeSet<&str>, board: &Board) {
        if !self.follows_a_pattern() {
            return;
        }
        let Some(running) = &mut self.running else { return };
        let names = plan::needs(&running.program.manifest, topics, dead_letters).source_names();
        if !names.is_empty() && names != running.topics {
            tracing::info!(function = %self.name, topics = %names.join(", "), "the pattern matches other topics");
            running.handle.subscribe(names.clone());
            board.update(&self.name, |status| status.topics.clone_from(&names));
            running.topics = names;
        }
    }

    pub fn remove(&mut self) {
        self.removed = true;
        self.wanted = None;
        self.stamp = 0;
        self.positioned = false;
        self.end_running();
    }

    fn end_running(&mut self) {
        if let Some(running) = self.running.take() {
            running.handle.drain(REPLACE);
            self.ending.push(running.handle);
        }
    }

    pub fn drain(&mut self, within: Duration) {
        self.draining = true;
        self.wanted = None;
        if let Some(running) = &self.running {
            running.handle.drain(within);
        }
    }

    /// Lets go of subscriptions that have ended. Returns whether none is left.
    pub fn collect_finished(&mut self) -> bool {
        if self.running.as_ref().is_some_and(|running| running.handle.is_finished())
            && let Some(running) = self.running.take()
        {
            if !self.draining && !self.removed {
                // Its thread has panicked, which is a mistake of ours; what it had not committed runs again.
                tracing::error!(function = %self.name, "the subscription ended unexpectedly and is started again");
                self.wanted.get_or_insert(running.program);
            }
            self.ending.push(running.handle);
        }
        let mut left = Vec::new();
        for handle in self.ending.drain(..) {
            if handle.is_finished() { handle.join() } else { left.push(handle) }
        }
        self.ending = left;
        self.ending.is_empty() && self.running.is_none()
    }
}
