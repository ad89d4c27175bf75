//! One function as the control plane knows it: what should run, what runs, and what it waits for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::asleep::Asleep;
use super::pause::{Pause, Unsaid};
use super::plan::Needs;
use super::versions::{Lanes, Reading};
use super::wishes::{Moved, Run};
use crate::diagnostic::{Diagnostics, codes};
use crate::function::Program;
use crate::kafka::{self, TopicInfo};
use crate::manifest::{self, Guarantee, Manifest, Topics};
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
    /// Where its dead letters go by its folder, whether that can run or not.
    pub letters: String,
    /// Its folder is gone.
    pub removed: bool,
    /// What its positions have been settled for, so that whatever appears there later begins at earliest.
    settled: Option<Reading>,
    /// The sources that were there when it was first asked where to begin; others appeared later.
    first_seen: Option<(Reading, BTreeSet<String>)>,
    /// The newest version, as long as it does not run.
    pub(super) wanted: Option<Arc<Program>>,
    /// A version that may not come in beside the other functions, and why; it may when they change.
    refused: Option<(Arc<Program>, Diagnostics)>,
    pub(super) running: Option<Running>,
    /// It could run, and has nothing to do.
    pub(super) asleep: Option<Asleep>,
    /// Nothing of it runs until somebody says so.
    pub(super) paused: Option<Pause>,
    /// Somebody has paused it on this node before there was anything to pause.
    pub(super) pause_ahead: Option<String>,
    /// The wish that was heeded last.
    pub(super) heeded: Option<Run>,
    /// The move of its group that was heard of last.
    pub(super) moved: Option<Moved>,
    /// It has paused by itself, and other nodes have to know.
    pub unsaid: Option<Unsaid>,
    /// For what its last subscription did to workers, the next begins in one of its own.
    pub(super) offender: bool,
    /// Subscriptions that are draining.
    pub(super) ending: Vec<Handle>,
    /// The node is shutting down.
    pub(super) draining: bool,
}

pub(super) struct Running {
    pub(super) program: Arc<Program>,
    pub(super) handle: Handle,
    pub(super) topics: Vec<String>,
}

/// Where a function that is about to start begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Its positions were settled before.
    Settled,
    /// On these topics; what is not among them begins at earliest.
    At(kafka::Start, Vec<TopicInfo>),
}

impl Function {
    pub fn new(name: &str, metrics: Arc<FunctionMetrics>) -> Function {
        Function {
            name: name.to_owned(),
            dir: PathBuf::new(),
            stamp: 0,
            metrics,
            letters: String::new(),
            removed: false,
            settled: None,
            first_seen: None,
            wanted: None,
            refused: None,
            running: None,
            asleep: None,
            paused: None,
            pause_ahead: None,
            heeded: None,
            moved: None,
            unsaid: None,
            offender: false,
            ending: Vec::new(),
            draining: false,
        }
    }

    /// Whether exactly this content is what runs or is about to.
    pub fn runs(&self, digest: &str) -> bool {
        self.newest().is_some_and(|program| program.digest == digest)
    }

    pub fn newest(&self) -> Option<Arc<Program>> {
        self.wanted.as_ref().or(self.current()).cloned()
    }

    pub fn refused(&self) -> Option<Arc<Program>> {
        self.refused.as_ref().map(|(program, _)| Arc::clone(program))
    }

    /// Where its dead letters go, and where those of its folder do, which may be broken.
    pub fn dead_letters(&self) -> impl Iterator<Item = String> + use<> {
        let running = self.newest().map(|program| program.manifest.dead_letter.topic.clone());
        running.into_iter().chain([self.letters.clone()])
    }

    pub fn is_waiting(&self) -> bool {
        self.wanted.is_some() && !self.removed
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub fn is_ending(&self) -> bool {
        !self.ending.is_empty()
    }

    /// What runs, or would if it were not asleep or paused.
    pub(super) fn current(&self) -> Option<&Arc<Program>> {
        let running = self.running.as_ref().map(|running| &running.program);
        let asleep = self.asleep.as_ref().map(|asleep| &asleep.program);
        running.or(asleep).or(self.paused.as_ref().map(|pause| &pause.program))
    }

    /// The version to start, unless an older subscription has to end first.
    pub fn wanted(&self) -> Option<Arc<Program>> {
        if self.ending.is_empty() && !self.removed { self.wanted.clone() } else { None }
    }

    /// The version to start whose positions cannot be settled yet, since an older subscription has to end first.
    pub fn unsettled(&self) -> Option<Arc<Program>> {
        let program = self.wanted.as_ref().filter(|_| self.is_ending() && !self.removed)?;
        let settled = self.settled.as_ref() == Some(&Reading::of(&program.manifest));
        (!settled).then(|| Arc::clone(program))
    }

    /// What was loaded is what runs or is about to; whatever was wrong in between is forgotten.
    pub fn is_unchanged(&mut self, board: &Board) {
        self.refused = None;
        board.update(&self.name, |status| status.broken_update = None);
    }

    /// A new version was prepared, and may come in.
    pub fn want(&mut self, program: Arc<Program>, board: &Board) {
        self.refused = None;
        let is_held = self.takes_into_pause(&program);
        self.keep_rest_for(&program);
        board.update(&self.name, |status| {
            let manifest = &program.manifest;
            status.tenant.clone_from(&manifest.tenant);
            status.sink_topics = manifest.sink.topics().map(str::to_owned).collect();
            status.dead_letter = manifest.dead_letter.enabled.then(|| manifest.dead_letter.topic.clone());
            status.group.clone_from(&manifest.source.group);
            status.diagnostics = None;
            status.broken_update = None;
            if self.running.is_none() {
                if let Topics::Named(names) = &manifest.source.topics {
                    status.topics.clone_from(names);
                }
                status.version = program.version;
                status.digest.clone_from(&program.digest);
                status.handler = program.known_handler();
                if !is_held {
                    status.enter(FunctionState::Starting, None);
                }
            }
        });
        if is_held {
            return;
        }
        let new = &program;
        let differs = |old: &Program| {
            Reading::of(&old.manifest) != Reading::of(&new.manifest)
                || Lanes::of(&old.manifest) != Lanes::of(&new.manifest)
                || commits(old) != commits(new)
        };
        if self.running.as_ref().is_some_and(|running| differs(&running.program)) {
            tracing::info!(
                function = %self.name,
                "its source, order or guarantee has changed, so it leaves its group and starts anew"
            );
            self.end_running();
        }
        self.wanted = Some(program);
        self.pause_if_told_ahead(board);
    }

    /// A new version was prepared and may not come in now. It is kept, and what is said already is not said again.
    pub fn refuse(&mut self, program: Arc<Program>, mistakes: Diagnostics, board: &Board) {
        let said = self.refused.as_ref().is_some_and(|(old, why)| Arc::ptr_eq(old, &program) && *why == mistakes);
        if !said {
            self.is_broken(mistakes.clone(), board);
            self.refused = Some((program, mistakes));
        }
    }

    /// The newest version cannot run. An older one that runs goes on.
    pub fn is_broken(&mut self, mistakes: Diagnostics, board: &Board) {
        self.wanted = None;
        self.refused = None;
        let goes_on = self.current().is_some();
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
        self.show_rest(board);
    }

    /// It cannot start yet.
    pub fn waits(&mut self, reason: String, board: &Board) {
        if board.function(&self.name).and_then(|status| status.state_reason).as_ref() == Some(&reason) {
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
        let reading = Reading::of(manifest);
        if self.running.is_some() || self.settled.as_ref() == Some(&reading) {
            return Some(Start::Settled);
        }
        let first_seen = match self.first_seen.take() {
            Some((before, names)) if before == reading => names,
            _ => needs.source_names().into_iter().collect(),
        };
        let known: Vec<TopicInfo> =
            needs.sources.iter().filter(|topic| first_seen.contains(&topic.name)).cloned().collect();
        self.first_seen = Some((reading, first_seen));
        if needs.sources.is_empty() {
            return Some(Start::Settled);
        }
        if known.is_empty() {
            // Nothing existed when the function came, so whatever is there now appeared later.
            return Some(Start::At(kafka::Start::Earliest, needs.sources.clone()));
        }
        let start = match manifest.source.start {
            manifest::Start::Earliest => kafka::Start::Earliest,
            manifest::Start::Latest => kafka::Start::Latest,
            manifest::Start::Time(_) | manifest::Start::Ago(_) if embedded => {
                let message = "the embedded broker cannot look up records by time";
                let mistake = manifest.places.error(codes::NOT_SUPPORTED_YET, "source.start", message);
                let hint = "use \"earliest\" or \"latest\", or a real Kafka";
                self.is_broken(mistake.with_hint(hint).into(), board);
                return None;
            }
            manifest::Start::Time(time) => kafka::Start::Time(time.as_millisecond()),
            manifest::Start::Ago(ago) => {
                let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                kafka::Start::Time(Timestamp::now().as_millisecond().saturating_sub(ago))
            }
        };
        Some(Start::At(start, known))
    }

    /// Where it begins is committed. As long as no source exists, there is nothing to commit.
    pub fn is_settled(&mut self, needs: &Needs, manifest: &Manifest) {
        if !needs.sources.is_empty() {
            self.settled = Some(Reading::of(manifest));
            self.first_seen = None;
        }
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
        self.end_rest();
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

    pub fn remove(&mut self) {
        self.removed = true;
        self.wanted = None;
        self.refused = None;
        self.end_pause();
        self.pause_ahead = None;
        self.end_rest();
        self.stamp = 0;
        self.settled = None;
        self.first_seen = None;
        self.end_running();
    }

    pub(super) fn end_running(&mut self) {
        if let Some(running) = self.running.take() {
            self.offender |= self.metrics.quarantined.get() > 0;
            running.handle.drain(REPLACE);
            self.ending.push(running.handle);
        }
    }

    /// The node stops. Subscriptions that drain already get no more time than the others.
    pub fn drain(&mut self, within: Duration) {
        self.draining = true;
        self.wanted = None;
        for handle in self.running.iter().map(|running| &running.handle).chain(&self.ending) {
            handle.drain(within);
        }
    }

    /// Lets go of subscriptions that have ended. Returns whether none is left.
    pub fn collect_finished(&mut self, board: &Board) -> bool {
        if let Some(running) = self.running.take_if(|running| running.handle.is_finished()) {
            let ended = running.handle.join();
            if !self.draining && !self.removed {
                self.ended_by_itself(running.program, ended, board);
            }
        }
        let finished: Vec<Handle>;
        (finished, self.ending) = std::mem::take(&mut self.ending).into_iter().partition(Handle::is_finished);
        finished.into_iter().for_each(|handle| _ = handle.join());
        if self.ending.is_empty() && !self.draining {
            self.show_pause(board);
            self.show_rest(board);
        }
        self.ending.is_empty() && self.running.is_none()
    }
}

/// How a function's offsets come to be committed.
fn commits(program: &Program) -> (Guarantee, Duration) {
    let delivery = &program.manifest.delivery;
    (delivery.guarantee, delivery.commit_interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{plan, samples};
    use crate::telemetry::Metrics;

    struct Scene {
        function: Function,
        board: Arc<Board>,
    }

    impl Scene {
        fn new() -> Scene {
            let metrics = Metrics::new();
            let function = Function::new("f", metrics.function("f"));
            Scene { function, board: Board::new("node", metrics) }
        }

        /// Where the function begins on these sources, once it wants a version that reads `sources` in `group`.
        fn start(&mut self, group: &str, sources: &[&str], existing: &[&str]) -> (Start, Needs, Manifest) {
            let mut manifest = samples::manifest("f", sources, "out");
            manifest.source.group = group.to_owned();
            self.function.want(samples::program(manifest.clone()), &self.board);
            let topics: Vec<(&str, i32)> = existing.iter().map(|name| (*name, 1)).collect();
            let needs = plan::needs(&manifest, &samples::topics(&topics), &BTreeSet::new());
            let start = self.function.start_rule(&needs, &manifest, false, &self.board).unwrap();
            (start, needs, manifest)
        }
    }

    fn at(start: kafka::Start, topics: &[&str]) -> Start {
        let info = |name: &&str| TopicInfo { name: (*name).to_owned(), partitions: 1 };
        Start::At(start, topics.iter().map(info).collect())
    }

    #[test]
    fn positions_are_settled_for_one_source_and_group_and_for_no_other() {
        let mut scene = Scene::new();
        let (start, needs, manifest) = scene.start("g", &["a"], &["a", "b"]);
        assert_eq!(start, at(kafka::Start::Latest, &["a"]));
        scene.function.is_settled(&needs, &manifest);
        assert_eq!(scene.start("g", &["a"], &["a", "b"]).0, Start::Settled, "while it waits for its sink");

        assert_eq!(scene.start("g", &["b"], &["a", "b"]).0, at(kafka::Start::Latest, &["b"]));
        assert_eq!(scene.start("other", &["a"], &["a", "b"]).0, at(kafka::Start::Latest, &["a"]));

        scene.function.is_broken(Diagnostics::new(), &scene.board);
        assert_eq!(scene.start("mended", &["a"], &["a", "b"]).0, at(kafka::Start::Latest, &["a"]));
    }

    #[test]
    fn sources_that_appear_while_a_function_waits_begin_at_earliest() {
        let mut scene = Scene::new();
        assert_eq!(scene.start("g", &["a", "b"], &[]).0, Start::Settled, "there is nothing to settle");
        assert_eq!(scene.start("g", &["a", "b"], &["a"]).0, at(kafka::Start::Earliest, &["a"]));
        // The wait for one source says nothing of another.
        assert_eq!(scene.start("g", &["c", "d"], &["c"]).0, at(kafka::Start::Latest, &["c"]));
        // Settling failed, and the second has come up since.
        assert_eq!(scene.start("g", &["c", "d"], &["c", "d"]).0, at(kafka::Start::Latest, &["c"]));
    }

    #[test]
    fn a_refused_version_is_kept_until_another_comes() {
        let mut scene = Scene::new();
        let refused = samples::program(samples::manifest("f", &["a"], "out"));
        scene.function.refuse(Arc::clone(&refused), Diagnostics::new(), &scene.board);
        assert!(!scene.function.is_waiting());
        assert!(Arc::ptr_eq(&scene.function.refused().unwrap(), &refused));
        assert_eq!(scene.board.function("f").unwrap().state, FunctionState::Broken);

        scene.function.want(refused, &scene.board);
        assert!(scene.function.is_waiting() && scene.function.refused().is_none());
        assert_eq!(scene.board.function("f").unwrap().state, FunctionState::Starting);
    }
}
