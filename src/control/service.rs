//! The control plane as the node holds it: a thread, what it needs, and how it is told to stop.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::create::Defaults;
use super::prepare::PrepareLimits;
use super::reconcile::Reconciler;
use super::seek::Seeker;
use super::sleep::{News, Pace, Sleep};
use super::wishes::{Cause, Run, Unwritten, Wishes};
use crate::commands::{Answer, Command, Commands, Reach, Refusal};
use crate::kafka::{Settings, Topics};
use crate::manifest::{Guarantee, Manifest};
use crate::pipeline::{Bounds, Budget, Rules, Sinks};
use crate::pool::Pool;
use crate::status::Board;
use crate::telemetry::Metrics;

#[derive(Debug, Clone)]
pub struct ControlOptions {
    pub folder: PathBuf,
    /// When functions sleep.
    pub pace: Pace,
    pub create_topics: bool,
    pub defaults: Defaults,
    pub bounds: Bounds,
    pub rules: Rules,
    /// The embedded broker cannot look up positions by time.
    pub embedded: bool,
}

/// What subscriptions are made of, shared by all of them.
pub struct Surroundings {
    pub settings: Settings,
    pub topics: Arc<Topics>,
    pub sinks: Arc<Sinks>,
    pub pool: Pool,
    pub budget: Arc<Budget>,
    pub prepare: PrepareLimits,
    pub metrics: Arc<Metrics>,
    pub board: Arc<Board>,
    /// What all nodes of the cluster are to obey.
    pub wishes: Wishes,
    /// Tells this node from all others of its cluster.
    pub node_id: String,
}

impl Surroundings {
    /// What a function's transactions go by on this node, if it wants any. Functions' names have no dots, so no two ids
    /// are the same.
    pub fn transactional_id(&self, manifest: &Manifest) -> Option<String> {
        let exactly = manifest.delivery.guarantee == Guarantee::ExactlyOnce;
        exactly.then(|| format!("eddyline.{}.{}", manifest.name, self.node_id))
    }
}

/// What wakes the control plane's thread.
pub enum Order {
    Changed,
    /// Other wishes are known than before.
    Wishes,
    /// For this node alone.
    Command(Command),
    /// A subscription has ended.
    Ended,
    /// Functions may sleep, or have to wake.
    Sleep(News),
    Stop,
}

/// Until when everything has to end, as soon as that is known. An order waits behind what the thread is doing; this is
/// seen between its steps.
#[derive(Debug, Clone, Default)]
pub struct Stopping(Arc<OnceLock<Instant>>);

impl Stopping {
    pub fn begin(&self, within: Duration) {
        let _ = self.0.set(Instant::now() + within);
    }

    pub fn has_begun(&self) -> bool {
        self.0.get().is_some()
    }

    /// What is left of the time; none where nobody gave any.
    pub fn left(&self) -> Duration {
        self.0.get().map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()))
    }
}

/// The running control plane.
pub struct Control {
    orders: Sender<Order>,
    stopping: Stopping,
    thread: JoinHandle<()>,
    seeker: Arc<Seeker>,
}

impl Control {
    pub fn start(options: ControlOptions, surroundings: Surroundings) -> std::io::Result<Control> {
        let (orders, inbox) = channel();
        let (own, stopping) = (orders.clone(), Stopping::default());
        let seen = stopping.clone();
        let seeker = Arc::new(Seeker::new(&surroundings, options.embedded));
        let told = orders.clone();
        surroundings.wishes.tell(move || _ = told.send(Order::Wishes));
        let told = orders.clone();
        let (topics, settings) = (Arc::clone(&surroundings.topics), surroundings.settings.clone());
        let sleep = Sleep::start(topics, settings, options.pace, move |news| _ = told.send(Order::Sleep(news)))?;
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            Reconciler::new(options, surroundings, own, sleep, seen).run(&inbox);
        })?;
        Ok(Control { orders, stopping, thread, seeker })
    }

    /// Takes commands from now on.
    pub fn serve(&self, commands: &Commands) {
        let taker = Taker { orders: self.orders.clone(), seeker: Arc::clone(&self.seeker) };
        commands.serve(move |command| taker.take(command));
    }

    /// Drains all subscriptions within this time and waits for them.
    pub fn stop(self, within: Duration) {
        self.stopping.begin(within);
        let _ = self.orders.send(Order::Stop);
        let _ = self.thread.join();
    }
}

/// Writes commands down for the whole cluster, or does them on this node where that is not possible.
struct Taker {
    orders: Sender<Order>,
    seeker: Arc<Seeker>,
}

impl Taker {
    fn take(&self, command: Command) -> Result<Answer, Refusal> {
        let wishes = &self.seeker.wishes;
        let (function, run) = match &command {
            Command::Pause { function } => (function, Run::paused(Cause::Person, wishes.node(), None, None)),
            Command::Resume { function } => (function, Run::running(wishes.node())),
            Command::Seek { function, seek } => return self.seeker.seek(function, seek).map(Answer::Plan),
        };
        let written = wishes.wish(function, |wish| {
            // A pause that holds already goes on being the one that it is.
            let holds = |old: &Run| old.is_paused() && run.is_paused() && old.is_for(Cause::Person);
            if !wish.run.as_ref().is_some_and(holds) {
                wish.run = Some(run.clone());
            }
        });
        match written {
            Ok(()) => Ok(Answer::Reach(Reach::Cluster)),
            Err(error @ Unwritten::Newer(_)) => {
                Err(Refusal::new("newer_format", error.to_string(), "ask a node of that version"))
            }
            Err(error) => {
                let scope_reason = error.to_string();
                tracing::warn!(function, reason = %scope_reason, code = "E3003", "a command holds on this node alone");
                let _ = self.orders.send(Order::Command(command));
                Ok(Answer::Reach(Reach::Node { scope_reason }))
            }
        }
    }
}
