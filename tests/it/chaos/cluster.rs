//! A broker, and nodes that reach it through a proxy each.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::plan::{SLOTS, Strike};
use super::proxy::Proxy;
use crate::support::own_broker::OwnBroker;
use crate::support::process::{arguments, try_signal};
use crate::support::{Node, Scene};

/// A place for a node, which keeps its id and its proxy over restarts.
struct Slot {
    id: String,
    node: Option<Node>,
    /// It was asked to end.
    leaving: bool,
    frozen_worker: Option<u32>,
    proxy: Proxy,
}

pub struct Cluster {
    // Dropped in this order, so that the broker outlives the nodes.
    slots: Vec<Slot>,
    restarts: Vec<JoinHandle<()>>,
    /// Nodes that ended although nobody ended them.
    pub surprises: Vec<String>,
    pub scene: Scene,
    broker: Arc<OwnBroker>,
}

impl Cluster {
    /// Nothing where no broker can be started. No node runs yet.
    pub fn new(test: &str) -> Option<Cluster> {
        let proxies: Vec<Proxy> = (0..SLOTS).map(|_| Proxy::start()).collect();
        let ports: Vec<u16> = proxies.iter().map(|proxy| proxy.port).collect();
        let broker = OwnBroker::start(&ports)?;
        for (proxy, listener) in proxies.iter().zip(broker.listeners()) {
            proxy.lead_to(listener);
        }
        let scene = Scene::at(test, &broker.address);
        let slot = |(number, proxy): (usize, Proxy)| Slot {
            id: scene.name(&format!("node-{number}")),
            node: None,
            leaving: false,
            frozen_worker: None,
            proxy,
        };
        let slots = proxies.into_iter().enumerate().map(slot).collect();
        Some(Cluster { slots, restarts: Vec::new(), surprises: Vec::new(), scene, broker: Arc::new(broker) })
    }

    /// Starts the node of that slot. One that is still leaving has had its time.
    pub fn start(&mut self, slot: usize) {
        let slot = &mut self.slots[slot];
        (slot.node, slot.leaving) = (None, false);
        let proxy = slot.proxy.address();
        let settings = [
            ("kafka.brokers", proxy.as_str()),
            ("node.id", slot.id.as_str()),
            ("workers.count", "1"),
            ("admin.listen", "127.0.0.1:0"),
            // Partitions of a node that is gone move while the run lasts.
            ("kafka.properties.session.timeout.ms", "6000"),
            // Workers die because they are killed, and no function is to be blamed for it.
            ("workers.quarantine-after", "1000"),
            ("workers.pause-after", "1000"),
        ];
        slot.node = Some(Node::start(&self.scene.folder(), &settings));
    }

    /// kill -9.
    pub fn kill(&mut self, slot: usize) {
        self.slots[slot].node = None;
    }

    pub fn node(&self, slot: usize) -> Option<&Node> {
        self.slots[slot].node.as_ref()
    }

    /// Which slots have a node.
    pub fn running(&self) -> Vec<usize> {
        (0..SLOTS).filter(|slot| self.slots[*slot].node.is_some()).collect()
    }

    pub fn id(&self, slot: usize) -> &str {
        &self.slots[slot].id
    }

    pub fn signal(&self, slot: usize, signal: i32) {
        if let Some(node) = &self.slots[slot].node {
            try_signal(node.pid(), signal);
        }
    }

    /// SIGTERM, without waiting for the end.
    pub fn ask_to_end(&mut self, slot: usize) {
        self.slots[slot].leaving = true;
        self.signal(slot, libc::SIGTERM);
    }

    /// Notes, and makes good, that a node has ended although nobody ended it.
    pub fn look_after(&mut self, slot: usize) {
        let Slot { id, node: Some(node), leaving: false, .. } = &mut self.slots[slot] else { return };
        if let Some(status) = node.ended() {
            self.surprises.push(format!("{id} ended by itself: {status}\n{}", node.shown()));
            self.start(slot);
        }
    }

    /// Stops a node in the ordinary way, which must succeed.
    #[track_caller]
    pub fn stop(&mut self, slot: usize) {
        if let Some(node) = self.slots[slot].node.take() {
            node.stop();
        }
    }

    /// Signals one of the node's workers. Frozen ones are remembered.
    pub fn signal_worker(&mut self, slot: usize, signal: i32) {
        let slot = &mut self.slots[slot];
        let Some(worker) = slot.node.as_ref().and_then(|node| node.workers().first().copied()) else { return };
        if try_signal(worker, signal) && signal == libc::SIGSTOP {
            slot.frozen_worker = Some(worker);
        }
    }

    /// Where its node is dead or has replaced it, the frozen worker may be gone.
    pub fn thaw_worker(&mut self, slot: usize) {
        let worker = self.slots[slot].frozen_worker.take();
        if let Some(pid) = worker.filter(|pid| arguments(*pid).iter().any(|argument| argument == "worker")) {
            try_signal(pid, libc::SIGCONT);
        }
    }

    pub fn kill_broker(&mut self) {
        self.wait_for_broker();
        self.broker.kill();
    }

    /// Meanwhile, other things happen.
    pub fn restart_broker(&mut self) {
        let broker = Arc::clone(&self.broker);
        self.restarts.push(thread::spawn(move || broker.start_again()));
    }

    pub fn wait_for_broker(&mut self) {
        self.restarts.drain(..).for_each(|restart| restart.join().expect("the broker starts again"));
    }

    pub fn signal_broker(&mut self, signal: i32) {
        self.wait_for_broker();
        self.broker.signal(signal);
    }

    pub fn slow_line(&self, strike: &Strike) {
        self.slots[strike.slot].proxy.slow(Duration::from_millis(strike.latency));
    }

    pub fn mend_line(&self, slot: usize) {
        self.slots[slot].proxy.slow(Duration::ZERO);
        self.slots[slot].proxy.silence(false);
    }

    pub fn silence_line(&self, slot: usize) {
        self.slots[slot].proxy.silence(true);
    }

    pub fn cut_line(&self, slot: usize) {
        self.slots[slot].proxy.cut();
    }
}
