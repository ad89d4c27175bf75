//! The control plane as the node holds it: a thread, what it needs, and how it is told to stop.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::create::Defaults;
use super::prepare::PrepareLimits;
use super::reconcile::Reconciler;
use crate::commands::{Command, Commands};
use crate::kafka::{Settings, Topics};
use crate::manifest::{Guarantee, Manifest};
use crate::pipeline::{Bounds, Rules, Sinks};
use crate::pool::Pool;
use crate::status::Board;
use crate::telemetry::Metrics;

#[derive(Debug, Clone)]
pub struct ControlOptions {
    pub folder: PathBuf,
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
    pub prepare: PrepareLimits,
    pub metrics: Arc<Metrics>,
    pub board: Arc<Board>,
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
    Command(Command),
    /// A subscription has ended.
    Ended,
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
}

impl Control {
    pub fn start(options: ControlOptions, surroundings: Surroundings) -> std::io::Result<Control> {
        let (orders, inbox) = channel();
        let (own, stopping) = (orders.clone(), Stopping::default());
        let seen = stopping.clone();
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            Reconciler::new(options, surroundings, own, seen).run(&inbox);
        })?;
        Ok(Control { orders, stopping, thread })
    }

    /// Takes commands from now on.
    pub fn serve(&self, commands: &Commands) {
        let orders = self.orders.clone();
        commands.serve(move |command| _ = orders.send(Order::Command(command)));
    }

    /// Drains all subscriptions within this time and waits for them.
    pub fn stop(self, within: Duration) {
        self.stopping.begin(within);
        let _ = self.orders.send(Order::Stop);
        let _ = self.thread.join();
    }
}
