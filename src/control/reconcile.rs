//! One path for start and change: what the folder holds is compared with what runs, and the difference is made.
//!
//! A pass prepares what is new, then looks up or makes topics for all functions, then settles the positions of all
//! that are about to start, and only then starts the first, so that the stages of a pipeline lose nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::folder::{self, Found};
use super::plan::{self, Defaults, TopicMap};
use super::prepare::PrepareLimits;
use super::state::{Function, Start};
use super::versions::{self, Numbers};
use super::watch::Watch;
use crate::diagnostic::Diagnostics;
use crate::function::Program;
use crate::kafka::{self, Settings, Topics};
use crate::manifest::{Manifest, check_together};
use crate::pipeline::{self, Bounds, Setup, Sinks};
use crate::pool::Pool;
use crate::status::{Board, FunctionState};
use crate::telemetry::Metrics;

#[derive(Debug, Clone)]
pub struct ControlOptions {
    pub folder: PathBuf,
    pub create_topics: bool,
    pub defaults: Defaults,
    pub bounds: Bounds,
    /// The embedded broker cannot look up positions by time.
    pub embedded: bool,
}

/// What subscriptions are made of, shared by all of them.
pub struct Surroundings {
    pub settings: Settings,
    pub topics: Arc<Topics>,
    pub sinks: Arc<Sinks>,
    pub pool: Pool,
    pub prepare: PrepareLimits,
    pub metrics: Arc<Metrics>,
    pub board: Arc<Board>,
}

enum Order {
    Changed,
    Stop(Duration),
}

/// The running control plane.
pub struct Control {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

/// Changes that come together are taken together.
const SETTLE: Duration = Duration::from_millis(50);
/// How often functions that wait for something are looked at.
const RETRY: Duration = Duration::from_millis(500);
const MAX_RETRY: Duration = Duration::from_secs(5);
/// How often patterns are compared with the cluster's topics.
const PATTERNS: Duration = Duration::from_secs(5);
const KAFKA: Duration = Duration::from_secs(10);
/// How long looking at the cluster's topics may hold up everything else.
const LOOK: Duration = Duration::from_secs(3);
/// How often a broker that cannot be reached is mentioned, at first and at most.
const FIRST_MENTION: Duration = Duration::from_secs(10);
const LAST_MENTION: Duration = Duration::from_secs(300);

impl Control {
    pub fn start(options: ControlOptions, surroundings: Surroundings) -> std::io::Result<Control> {
        let (orders, inbox) = channel();
        let own = orders.clone();
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            Reconciler::new(options, surroundings, own).run(&inbox);
        })?;
        Ok(Control { orders, thread })
    }

    /// Drains all subscriptions within this time and waits for them.
    pub fn stop(self, within: Duration) {
        let _ = self.orders.send(Order::Stop(within));
        let _ = self.thread.join();
    }
}

struct Reconciler {
    options: ControlOptions,
    around: Surroundings,
    functions: BTreeMap<String, Function>,
    numbers: Numbers,
    watch: Watch,
    retry: Duration,
    /// When an unreachable broker is mentioned again, and how patient we are by then.
    mention: Option<(Instant, Duration)>,
    folder_missing: bool,
}

impl Reconciler {
    fn new(options: ControlOptions, around: Surroundings, orders: Sender<Order>) -> Reconciler {
        let watch = Watch::start(&options.folder, orders, || Order::Changed);
        Reconciler {
            options,
            around,
            functions: BTreeMap::new(),
            numbers: Numbers::default(),
            watch,
            retry: RETRY,
            mention: None,
            folder_missing: false,
        }
    }

    fn run(mut self, inbox: &Receiver<Order>) {
        let mut scan_at = Instant::now();
        loop {
            if Instant::now() >= scan_at {
                self.compare();
                scan_at = Instant::now() + self.watch.patience();
            }
            let unfinished = self.bring_about();
            let wait = if unfinished { self.retry } else { PATTERNS.min(self.watch.patience()) };
            match inbox.recv_timeout(wait) {
                Ok(Order::Stop(within)) => return self.stop(within),
                Ok(Order::Changed) => {
                    // An editor writes several files, and each several times.
                    let settled = Instant::now() + SETTLE;
                    loop {
                        match inbox.recv_timeout(settled.saturating_duration_since(Instant::now())) {
                            Ok(Order::Changed) => {}
                            Ok(Order::Stop(within)) => return self.stop(within),
                            Err(_) => break,
                        }
                    }
                    scan_at = Instant::now();
                    self.retry = RETRY;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.retry = (self.retry * 2).min(MAX_RETRY);
                }
                Err(RecvTimeoutError::Disconnected) => return self.stop(Duration::ZERO),
            }
        }
    }

    /// Folder → desired functions: prepares what is new or changed, and lets go of what is gone.
    fn compare(&mut self) {
        self.watch.renew();
        let found = match folder::scan(&self.options.folder) {
            Ok(found) => found,
            Err(error) => {
                if !std::mem::replace(&mut self.folder_missing, true) {
                    let path = self.options.folder.display();
                    tracing::error!(%error, %path, "cannot read the functions' folder; running functions go on");
                }
                return;
            }
        };
        self.folder_missing = false;
        for function in self.functions.values_mut() {
            if !found.iter().any(|found| found.name == function.name) && !function.removed {
                tracing::info!(function = %function.name, "the function is gone and drains");
                function.remove();
            }
        }
        let changed: Vec<Found> = found
            .into_iter()
            .filter(|found| {
                let known = self.functions.get(&found.name);
                known.is_none_or(|known| known.stamp != found.stamp || known.removed)
            })
            .collect();
        for (found, program) in self.load_all(&changed) {
            self.take_in(found, program);
        }
        self.refuse_conflicts();
    }

    /// Prepares several functions at once, each in a child of its own.
    fn load_all(&mut self, changed: &[Found]) -> Vec<(Found, Result<Program, Diagnostics>)> {
        let numbered: Vec<(&Found, u64)> = changed.iter().map(|found| (found, self.numbers.next())).collect();
        let at_once = std::thread::available_parallelism().map_or(2, usize::from);
        let limits = &self.around.prepare;
        let mut loaded = Vec::with_capacity(changed.len());
        for some in numbered.chunks(at_once) {
            std::thread::scope(|scope| {
                let threads: Vec<_> = some
                    .iter()
                    .map(|(found, version)| scope.spawn(move || versions::load(found, *version, limits)))
                    .collect();
                for ((found, _), thread) in some.iter().zip(threads) {
                    if let Ok(result) = thread.join() {
                        loaded.push(((*found).clone(), result));
                    }
                }
            });
        }
        loaded
    }

    fn take_in(&mut self, found: Found, program: Result<Program, Diagnostics>) {
        let board = &self.around.board;
        let function = self
            .functions
            .entry(found.name.clone())
            .or_insert_with(|| Function::new(&found.name, self.around.metrics.function(&found.name)));
        function.stamp = found.stamp;
        function.dir = found.dir;
        function.removed = false;
        match program {
            Ok(program) if function.runs(&program.digest) => {
                // Touched, but the same to the byte; if a broken version stood between, it is forgotten.
                board.update(&function.name, |status| status.broken_update = None);
            }
            Ok(program) => function.want(Arc::new(program), board),
            Err(mistakes) => function.is_broken(mistakes, board),
        }
    }

    /// Two functions in one group would take each other's records.
    fn refuse_conflicts(&mut self) {
        let mut both: Vec<(PathBuf, Manifest, bool)> = self
            .functions
            .values()
            .filter(|function| !function.removed)
            .filter_map(|function| {
                let program = function.newest()?;
                Some((function.dir.clone(), program.manifest.clone(), function.is_running()))
            })
            .collect();
        // Who runs already keeps its group.
        both.sort_by_key(|(_, _, running)| !*running);
        let pairs: Vec<_> = both.iter().map(|(dir, manifest, _)| (dir.as_path(), manifest)).collect();
        let mistakes = check_together(&pairs);
        for mistake in mistakes.iter() {
            let guilty = self.functions.values_mut().find(|function| mistake.file.starts_with(&function.dir));
            if let Some(function) = guilty {
                function.is_broken(mistake.clone().into(), &self.around.board);
            }
        }
    }

    /// Desired → running. Returns whether something has to be looked at again soon.
    fn bring_about(&mut self) -> bool {
        self.functions.retain(|name, function| {
            let over = function.collect_finished() && function.removed;
            if over {
                self.around.board.remove(name);
                self.around.metrics.remove_function(name);
            }
            !over
        });
        let waiting = self.functions.values().any(Function::is_waiting);
        let patterns = self.functions.values().any(Function::follows_a_pattern);
        if waiting || patterns {
            match self.around.topics.list(LOOK) {
                Ok(list) => {
                    self.reachable();
                    let topics = list.into_iter().map(|topic| (topic.name, topic.partitions)).collect();
                    self.bring_about_with(topics);
                }
                Err(error) => self.unreachable(&error),
            }
        }
        self.functions.values().any(|function| function.is_waiting() || function.is_ending())
    }

    fn bring_about_with(&mut self, mut topics: TopicMap) {
        if self.options.create_topics {
            self.create_missing(&mut topics);
        }
        let letters = self.dead_letters();
        let letters: BTreeSet<&str> = letters.iter().map(String::as_str).collect();
        let mut starts = Vec::new();
        for function in self.functions.values_mut() {
            function.follow_pattern(&topics, &letters, &self.around.board);
            let Some(program) = function.wanted() else { continue };
            let needs = plan::needs(&program.manifest, &topics, &letters);
            if let Some(start) =
                function.start_rule(&needs, &program.manifest, self.options.embedded, &self.around.board)
            {
                starts.push((function.name.clone(), program, needs, start));
            }
        }
        // Every position is settled before the first function of this pass produces anything.
        let mut ready = Vec::new();
        for (name, program, needs, start) in starts {
            let group = &program.manifest.source.group;
            let settled = match start {
                Start::Settled => Ok(()),
                Start::At(start) => kafka::ensure_start(&self.around.settings, group, &needs.sources, start, KAFKA)
                    .map(|resolved| {
                        tracing::debug!(function = %name, ?resolved, "positions are settled");
                    }),
            };
            let Some(function) = self.functions.get_mut(&name) else { continue };
            match settled {
                Ok(()) => {
                    function.positioned |= !needs.sources.is_empty();
                    if needs.is_complete() {
                        ready.push((name, program, needs.source_names()));
                    } else {
                        function.waits(needs.reason(), &self.around.board);
                    }
                }
                Err(error) => function.waits(format!("cannot settle where to begin: {error}"), &self.around.board),
            }
        }
        for (name, program, sources) in ready {
            self.run_version(&name, &program, sources);
        }
    }

    fn create_missing(&mut self, topics: &mut TopicMap) {
        let wanted: Vec<Arc<Program>> = self.functions.values().filter_map(Function::wanted).collect();
        let manifests: Vec<&Manifest> = wanted.iter().map(|program| &program.manifest).collect();
        let around = &self.around;
        let limit = |topic: &str| around.topics.max_message_bytes(topic, KAFKA);
        let missing = plan::missing_topics(&manifests, topics, limit, self.options.defaults);
        if missing.is_empty() {
            return;
        }
        let names: Vec<&str> = missing.iter().map(|topic| topic.name.as_str()).collect();
        match around.topics.create(&missing, KAFKA) {
            Ok(()) => {
                tracing::info!(topics = %names.join(", "), "created missing topics");
                topics.extend(missing.into_iter().map(|topic| (topic.name, topic.partitions)));
            }
            Err(error) => tracing::error!(%error, topics = %names.join(", "), "cannot create missing topics"),
        }
    }

    fn dead_letters(&self) -> Vec<String> {
        let newest = self.functions.values().filter_map(Function::newest);
        newest.map(|program| program.manifest.dead_letter.topic.clone()).collect()
    }

    fn run_version(&mut self, name: &str, program: &Arc<Program>, topics: Vec<String>) {
        let Some(function) = self.functions.get_mut(name) else { return };
        let version = match versions::resolve(program, &self.around.sinks) {
            Ok(version) => version,
            Err(error) => return function.waits(format!("cannot look up its topics: {error}"), &self.around.board),
        };
        let around = &self.around;
        let setup = Setup {
            version: Arc::clone(&version),
            topics: topics.clone(),
            settings: around.settings.clone(),
            sinks: Arc::clone(&around.sinks),
            pool: around.pool.clone(),
            metrics: Arc::clone(&function.metrics),
            board: Arc::clone(&around.board),
            bounds: self.options.bounds,
        };
        function.run(program, version, topics, &around.board, || pipeline::start(setup));
    }

    fn reachable(&mut self) {
        if self.mention.take().is_some() {
            tracing::info!("the broker is reachable again");
        }
    }

    fn unreachable(&mut self, error: &kafka::Error) {
        let now = Instant::now();
        let (due, patience) = self.mention.unwrap_or((now, FIRST_MENTION));
        if now >= due {
            let brokers = &self.around.settings.brokers;
            tracing::error!(%error, %brokers, "no broker is reachable; trying again until one is");
            self.mention = Some((now + patience, (patience * 2).min(LAST_MENTION)));
        }
        for function in self.functions.values_mut().filter(|function| function.is_waiting()) {
            function.waits("no broker is reachable; trying again".to_owned(), &self.around.board);
        }
    }

    fn stop(mut self, within: Duration) {
        for function in self.functions.values_mut() {
            self.around.board.update(&function.name, |status| status.enter(FunctionState::Draining, None));
            function.drain(within);
        }
        let named = Instant::now() + Duration::from_secs(5);
        let mut told = false;
        while self.functions.values_mut().any(|function| !function.collect_finished()) {
            std::thread::sleep(Duration::from_millis(5));
            if !told && Instant::now() > named {
                told = true;
                let late: Vec<&str> =
                    self.functions.values().filter(|f| f.is_ending()).map(|f| f.name.as_str()).collect();
                tracing::warn!(functions = %late.join(", "), "still finishing what is in flight");
            }
        }
    }
}
