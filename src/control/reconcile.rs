//! One path for start and change: what the folder holds is compared with what runs, and the difference is made.
//!
//! A pass prepares what is new, then looks up or makes topics for all functions, then settles the positions of all
//! that are about to start, and only then starts the first, so that the stages of a pipeline lose nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::conflicts::{self, Member};
use super::create;
use super::folder::{self, Found};
use super::late::{self, Due};
use super::letters;
use super::pause::Unsaid;
use super::plan::{self, TopicMap};
use super::prepare::Preparer;
use super::service::{ControlOptions, Order, Stopping, Surroundings};
use super::settle::{Starting, Verdict, settle};
use super::sleep::Sleep;
use super::state::{Function, Start};
use super::versions::{self, Numbers};
use super::watch::Watch;
use super::wishes::{Cause, Run};
use crate::commands::Command;
use crate::diagnostic::Diagnostics;
use crate::function::Program;
use crate::kafka::{self, NewTopic};
use crate::manifest::Manifest;
use crate::pipeline::{self, Setup};
use crate::status::FunctionState;

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

pub struct Reconciler {
    options: ControlOptions,
    pub(super) around: Surroundings,
    orders: Sender<Order>,
    pub(super) functions: BTreeMap<String, Function>,
    pub(super) sleep: Sleep,
    numbers: Numbers,
    watch: Watch,
    retry: Duration,
    /// When an unreachable broker is mentioned again, and how patient we are by then.
    mention: Option<(Instant, Duration)>,
    folder_missing: bool,
    /// There is more to start than was started at once.
    pub(super) hurry: bool,
    /// The folder has changed while we were at it.
    pub(super) rescan: bool,
    /// When the cluster's topics were looked at last.
    listed_at: Option<Instant>,
    pub(super) stopping: Stopping,
}

impl Reconciler {
    pub fn new(
        options: ControlOptions,
        around: Surroundings,
        orders: Sender<Order>,
        sleep: Sleep,
        stopping: Stopping,
    ) -> Reconciler {
        let watch = Watch::start(&options.folder, orders.clone(), || Order::Changed);
        Reconciler {
            options,
            around,
            orders,
            functions: BTreeMap::new(),
            sleep,
            numbers: Numbers::default(),
            watch,
            retry: RETRY,
            mention: None,
            folder_missing: false,
            hurry: false,
            rescan: false,
            listed_at: None,
            stopping,
        }
    }

    pub fn run(mut self, inbox: &Receiver<Order>) {
        let mut scan_at = Instant::now();
        loop {
            if std::mem::take(&mut self.rescan) || Instant::now() >= scan_at {
                self.compare();
                scan_at = Instant::now() + self.watch.patience();
            }
            if self.stopping.has_begun() {
                return self.stop();
            }
            let unfinished = self.bring_about();
            self.keep_watch();
            let hurry = std::mem::take(&mut self.hurry) || self.rescan;
            let aside = !hurry && self.anybody_unprepared();
            let wait = match unfinished {
                _ if hurry || aside => Duration::ZERO,
                true => self.retry,
                false => PATTERNS.min(self.watch.patience()),
            };
            let mut changed = false;
            match inbox.recv_timeout(wait) {
                Ok(Order::Changed) => changed = true,
                Ok(Order::Command(command)) => self.obey(&command),
                Ok(Order::Sleep(news)) => self.act_on(news),
                Ok(Order::Ended) => {}
                // What was waited for until now; what fails from here on has not been tried before.
                Ok(Order::Wishes) => self.retry = RETRY,
                Err(RecvTimeoutError::Timeout) if hurry => {}
                Err(RecvTimeoutError::Timeout) if aside => self.prepare_sleepers(),
                Err(RecvTimeoutError::Timeout) => {
                    self.retry = (self.retry * 2).min(MAX_RETRY);
                }
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return self.stop(),
            }
            if changed {
                // An editor writes several files, and each several times.
                let settled = Instant::now() + SETTLE;
                loop {
                    match inbox.recv_timeout(settled.saturating_duration_since(Instant::now())) {
                        Ok(Order::Changed | Order::Ended | Order::Wishes) => {}
                        Ok(Order::Command(command)) => self.obey(&command),
                        Ok(Order::Sleep(news)) => self.act_on(news),
                        Ok(Order::Stop) => return self.stop(),
                        Err(_) => break,
                    }
                }
                scan_at = Instant::now();
                self.retry = RETRY;
            }
        }
    }

    /// Wishes of the cluster → functions. Until they are known, or known to be out of reach, nothing starts.
    fn heed(&mut self) -> bool {
        let Some(known) = self.around.wishes.known() else { return false };
        for function in self.functions.values_mut() {
            if let Some(Unsaid { reason, digest }) = function.unsaid.take() {
                let run = Run::paused(Cause::Crashes, self.around.wishes.node(), Some(reason), Some(digest));
                // What somebody has wished since then goes before.
                let before = function.heeded.clone();
                self.around.wishes.wish_later(&function.name, move |wish| {
                    if wish.run == before {
                        wish.run = Some(run.clone());
                    }
                });
            }
            let wish = known.get(&function.name);
            function.heed(wish.and_then(|wish| wish.run.as_ref()), &self.around.board);
            function.hear_of_move(wish.and_then(|wish| wish.moved.as_ref()));
        }
        true
    }

    /// Does what somebody asked this node alone for. A function that is gone by now needs nothing any more.
    fn obey(&mut self, command: &Command) {
        let board = &self.around.board;
        match command {
            Command::Pause { function } => {
                if let Some(function) = self.functions.get_mut(function) {
                    function.pause_here(board);
                }
            }
            Command::Resume { function } => {
                if let Some(function) = self.functions.get_mut(function) {
                    function.resume(board);
                }
            }
            // It never comes here: it pauses and resumes.
            Command::Seek { .. } => {}
        }
        self.retry = RETRY;
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
        let names: BTreeSet<&str> = found.iter().map(|found| found.name.as_str()).collect();
        for function in self.functions.values_mut() {
            if !names.contains(function.name.as_str()) && !function.removed {
                tracing::info!(function = %function.name, "the function is gone and drains");
                function.remove();
            }
        }
        let mut changed = found;
        changed.retain(|found| {
            let known = self.functions.get(&found.name);
            known.is_none_or(|known| known.stamp != found.stamp || known.removed)
        });
        let loaded = self.load(changed);
        let mut candidates = BTreeMap::new();
        for (found, program) in loaded {
            let name = found.name.clone();
            if let Some(program) = self.take_in(found, program) {
                candidates.insert(name, program);
            }
        }
        // Others have changed since, so that what was refused may come in now.
        for function in self.functions.values() {
            if let Some(refused) = function.refused() {
                candidates.entry(function.name.clone()).or_insert(refused);
            }
        }
        self.admit(&candidates);
    }

    /// Reads functions and tries them out, many of them later, if they may have nothing to do.
    fn load(&mut self, changed: Vec<Found>) -> Vec<(Found, Result<Program, Diagnostics>)> {
        let late = changed.len() > late::MANY && self.options.pace.sleep_after.is_some();
        let numbered: Vec<(Found, u64)> = changed.into_iter().map(|found| (found, self.numbers.next())).collect();
        let limits = &self.around.prepare;
        let loaded = versions::with_all(&numbered, &self.stopping, || {
            let mut preparer = Preparer::new(limits);
            move |(found, version): &(Found, u64)| match late {
                true => versions::read(found, *version, limits).map(|(program, _)| program),
                false => versions::load(found, *version, &mut preparer),
            }
        });
        loaded.into_iter().map(|((found, _), program)| (found.clone(), program)).collect()
    }

    /// Notes what was loaded; returns a version that is new and would run.
    fn take_in(&mut self, found: Found, program: Result<Program, Diagnostics>) -> Option<Arc<Program>> {
        let board = &self.around.board;
        let function = self
            .functions
            .entry(found.name.clone())
            .or_insert_with(|| Function::new(&found.name, self.around.metrics.function(&found.name)));
        function.stamp = found.stamp;
        function.dir = found.dir;
        function.removed = false;
        function.letters = match &program {
            Ok(program) => program.manifest.dead_letter.topic.clone(),
            Err(_) => letters::dead_letter_topic(&function.dir, &found.name, &self.around.prepare.parsing()),
        };
        match program {
            Ok(program) if function.runs(&program.digest) => function.is_unchanged(board),
            Ok(program) => return Some(Arc::new(program)),
            Err(mistakes) => function.is_broken(mistakes, board),
        }
        None
    }

    /// Lets those come in that are in nobody's way, before anything that runs is touched.
    fn admit(&mut self, candidates: &BTreeMap<String, Arc<Program>>) {
        let present = |function: &&Function| !function.removed;
        let newest: Vec<(&Function, Arc<Program>)> = self
            .functions
            .values()
            .filter(present)
            .filter_map(|function| Some((function, function.newest()?)))
            .collect();
        let members: Vec<Member<'_>> = newest
            .iter()
            .map(|(function, program)| Member { name: &function.name, dir: &function.dir, manifest: &program.manifest })
            .collect();
        let wanting: Vec<Member<'_>> = candidates
            .iter()
            .filter_map(|(name, program)| {
                let dir = &self.functions.get(name)?.dir;
                Some(Member { name, dir, manifest: &program.manifest })
            })
            .collect();
        let objections = conflicts::objections(&members, &wanting);
        for ((name, program), mistakes) in candidates.iter().zip(objections) {
            let Some(function) = self.functions.get_mut(name) else { continue };
            if mistakes.is_empty() {
                function.want(Arc::clone(program), &self.around.board);
            } else {
                function.refuse(Arc::clone(program), mistakes, &self.around.board);
            }
        }
    }

    /// Desired → running. Returns whether something has to be looked at again soon.
    fn bring_about(&mut self) -> bool {
        self.functions.retain(|name, function| {
            let over = function.collect_finished(&self.around.board) && function.removed;
            if over {
                self.around.board.remove(name);
                self.around.metrics.remove_function(name);
            }
            !over
        });
        let heeded = self.heed();
        let waiting = self.functions.values().any(Function::is_waiting);
        let patterns = self.functions.values().any(Function::follows_a_pattern);
        let long_ago = self.listed_at.is_none_or(|at| at.elapsed() >= PATTERNS);
        if waiting || patterns || (long_ago && self.anybody_sleeps()) {
            self.listed_at = Some(Instant::now());
            match self.around.topics.list(LOOK) {
                Ok(list) => {
                    self.reachable();
                    if !heeded {
                        return true;
                    }
                    let topics = list.into_iter().map(|topic| (topic.name, topic.partitions)).collect();
                    self.bring_about_with(topics);
                }
                Err(error) => self.unreachable(&error),
            }
        }
        self.functions.values().any(|function| function.is_waiting() || function.is_ending())
    }

    fn bring_about_with(&mut self, mut topics: TopicMap) {
        let letters = self.dead_letters();
        let letters: BTreeSet<&str> = letters.iter().map(String::as_str).collect();
        if self.options.create_topics {
            self.create_missing(&mut topics, &letters);
        }
        let mut starting = Vec::new();
        for function in self.functions.values_mut() {
            function.follow_topics(&topics, &letters, &self.around.board);
            let Some(program) = function.wanted() else { continue };
            let needs = plan::needs(&program.manifest, &topics, &letters);
            if let Some(start) =
                function.start_rule(&needs, &program.manifest, self.options.embedded, &self.around.board)
            {
                starting.push(Starting { name: function.name.clone(), program, needs, start });
            }
        }
        let late = self.functions.values().filter_map(Function::unsettled).collect();
        let mut settled = self.ensure_starts(&starting);
        let mut standing = BTreeMap::new();
        let judged = settle(starting, late, &self.stopping, |starting| {
            if starting.start == Start::Settled {
                return Ok(());
            }
            let nobody = || Err(kafka::Error::Client("nobody has asked Kafka".to_owned()));
            let settled = settled.remove(&starting.name).unwrap_or_else(nobody)?;
            tracing::debug!(function = %starting.name, resolved = ?settled.resolved, "positions are settled");
            standing.extend(settled.committed.map(|committed| (starting.name.clone(), committed)));
            Ok(())
        });
        let mut resting = self.at_rest(&judged, standing);
        let mut due = Vec::new();
        for (Starting { name, program, needs, .. }, verdict) in judged {
            let Some(function) = self.functions.get_mut(&name) else { continue };
            if !matches!(verdict, Verdict::Unsettled(_)) {
                function.is_settled(&needs, &program.manifest);
            }
            match verdict {
                Verdict::Ready => match resting.remove(&name) {
                    Some(ends) => function.rests(&program, needs.source_names(), ends, &self.around.board),
                    None => due.push(Due { name, program, topics: needs.source_names() }),
                },
                Verdict::Waits(reason) | Verdict::Unsettled(reason) => function.waits(reason, &self.around.board),
            }
        }
        self.prepare_and_run(due);
    }

    /// Sources and sinks first: what a dead-letter topic has to take can be asked only of topics that exist.
    fn create_missing(&self, topics: &mut TopicMap, letters: &BTreeSet<&str>) {
        let wanted: Vec<Arc<Program>> = self.functions.values().filter_map(Function::wanted).collect();
        let manifests: Vec<&Manifest> = wanted.iter().map(|program| &program.manifest).collect();
        let defaults = self.options.defaults;
        self.create(create::missing_topics(&manifests, topics, letters, defaults), topics);
        let limit = |topic: &str| {
            if self.stopping.has_begun() { None } else { self.around.topics.takes(topic, KAFKA).max_message_bytes }
        };
        self.create(create::missing_letters(&manifests, topics, letters, limit, defaults), topics);
    }

    fn create(&self, missing: Vec<NewTopic>, topics: &mut TopicMap) {
        if missing.is_empty() || self.stopping.has_begun() {
            return;
        }
        let names: Vec<&str> = missing.iter().map(|topic| topic.name.as_str()).collect();
        match self.around.topics.create(&missing, KAFKA) {
            Ok(()) => {
                tracing::info!(topics = %names.join(", "), "created missing topics");
                topics.extend(missing.into_iter().map(|topic| (topic.name, topic.partitions)));
            }
            Err(error) => tracing::error!(%error, topics = %names.join(", "), "cannot create missing topics"),
        }
    }

    fn dead_letters(&self) -> Vec<String> {
        self.functions.values().filter(|function| !function.removed).flat_map(Function::dead_letters).collect()
    }

    pub(super) fn run_version(&mut self, name: &str, program: &Arc<Program>, topics: Vec<String>) {
        let Some(function) = self.functions.get_mut(name) else { return };
        let version = match versions::resolve(program, &self.around.sinks) {
            Ok(version) => version,
            Err(error) => return function.waits(format!("cannot look up its topics: {error}"), &self.around.board),
        };
        let around = &self.around;
        let quarantined = !function.is_running() && function.starts_quarantined();
        let setup = Setup {
            version: Arc::clone(&version),
            topics: topics.clone(),
            settings: around.settings.clone(),
            sinks: Arc::clone(&around.sinks),
            pool: around.pool.clone(),
            metrics: Arc::clone(&function.metrics),
            board: Arc::clone(&around.board),
            bounds: self.options.bounds,
            budget: Arc::clone(&around.budget),
            rules: self.options.rules,
            transactional_id: around.transactional_id(&program.manifest),
            stretch: None,
            quarantined,
        };
        let orders = self.orders.clone();
        let on_end = move || _ = orders.send(Order::Ended);
        function.run(program, version, topics, &around.board, || pipeline::start(setup, on_end));
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

    fn stop(mut self) {
        self.sleep.stop();
        let within = self.stopping.left();
        for function in self.functions.values_mut() {
            self.around.board.update(&function.name, |status| status.enter(FunctionState::Draining, None));
            function.drain(within);
        }
        let named = Instant::now() + Duration::from_secs(5);
        let mut told = false;
        while self.functions.values_mut().any(|function| !function.collect_finished(&self.around.board)) {
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
