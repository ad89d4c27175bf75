//! A broker, and nodes that reach it through a proxy each. What nodes log is kept in a folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
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
    logs: PathBuf,
}

impl Cluster {
    /// Nothing where no broker can be started. No node runs yet. `run` names the folder of its logs.
    pub fn new(test: &str, run: &str) -> Option<Cluster> {
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
        let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos").join(format!("{test}-{run}"));
        let _ = fs::remove_dir_all(&logs);
        fs::create_dir_all(&logs).expect("a folder for logs");
        println!("what the nodes log is kept in {}", logs.display());
        let (restarts, surprises) = (Vec::new(), Vec::new());
        Some(Cluster { slots, restarts, surprises, scene, broker: Arc::new(broker), logs })
    }

    /// Starts the node of that slot. One that is still leaving has had its time.
    pub fn start(&mut self, slot: usize) -> bool {
        self.look_back(slot);
        self.kill(slot);
        let slot = &mut self.slots[slot];
        slot.leaving = false;
        let proxy = slot.proxy.address();
        let settings = [
            ("kafka.brokers", proxy.as_str()),
            ("node.id", slot.id.as_str()),
            ("workers.count", "1"),
            // Who owns what is asked before there are records.
            ("functions.sleep-after", "never"),
            ("admin.listen", "127.0.0.1:0"),
            // Partitions of a node that is gone move while the run lasts.
            ("kafka.properties.session.timeout.ms", "6000"),
            // Members hear of a rebalance with a heartbeat.
            ("kafka.properties.heartbeat.interval.ms", "1000"),
            // Workers die because they are killed, and no function is to be blamed for it.
            ("workers.quarantine-after", "1000"),
            ("workers.pause-after", "1000"),
        ];
        slot.node = Some(Node::start(&self.scene.folder(), &settings));
        true
    }

    /// kill -9; false where there was nothing to kill.
    pub fn kill(&mut self, slot: usize) -> bool {
        let Slot { node, id, .. } = &mut self.slots[slot];
        let Some(node) = node.take() else { return false };
        self.surprises.extend(keep(&self.logs, id, &node));
        true
    }

    /// A node that was asked to end, and has, must have ended well.
    fn look_back(&mut self, slot: usize) {
        let Slot { id, node: Some(node), leaving: true, .. } = &mut self.slots[slot] else { return };
        if let Some(status) = node.ended().filter(|status| !status.success()) {
            self.surprises.push(format!("{id} was asked to end, and ended with {status}\n{}", node.shown()));
        }
    }

    pub fn node(&self, slot: usize) -> Option<&Node> {
        self.slots[slot].node.as_ref()
    }

    /// Which slots have a node.
    pub fn running(&self) -> Vec<usize> {
        (0..SLOTS).filter(|slot| self.slots[*slot].node.is_some()).collect()
    }

    /// False where there is no node to hear it.
    pub fn signal(&self, slot: usize, signal: i32) -> bool {
        self.slots[slot].node.as_ref().is_some_and(|node| try_signal(node.pid(), signal))
    }

    /// SIGTERM, without waiting for the end.
    pub fn ask_to_end(&mut self, slot: usize) -> bool {
        self.slots[slot].leaving = true;
        self.signal(slot, libc::SIGTERM)
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
            let id = &self.slots[slot].id;
            node.stop_and(|node| self.surprises.extend(keep(&self.logs, id, node)));
        }
    }

    /// Signals one of the node's workers; false where there is none. Frozen ones are remembered.
    pub fn signal_worker(&mut self, slot: usize, signal: i32) -> bool {
        let slot = &mut self.slots[slot];
        let worker = slot.node.as_ref().and_then(|node| node.workers().first().copied());
        let struck = worker.filter(|worker| try_signal(*worker, signal));
        if signal == libc::SIGSTOP {
            slot.frozen_worker = struck;
        }
        struck.is_some()
    }

    /// Where its node is dead or has replaced it, the frozen worker may be gone.
    pub fn thaw_worker(&mut self, slot: usize) {
        let worker = self.slots[slot].frozen_worker.take();
        if let Some(pid) = worker.filter(|pid| arguments(*pid).iter().any(|argument| argument == "worker")) {
            try_signal(pid, libc::SIGCONT);
        }
    }

    /// Keeps what the broker holds beside the logs, for whoever looks into a failure.
    pub fn keep_records(&self) {
        let kept = self.broker.copy_to(&self.logs);
        println!("what the broker holds is kept in {}", kept.display());
    }

    /// What befalls the broker always strikes.
    pub fn kill_broker(&mut self) -> bool {
        self.wait_for_broker();
        self.broker.kill();
        true
    }

    /// Meanwhile, other things happen.
    pub fn restart_broker(&mut self) {
        let broker = Arc::clone(&self.broker);
        self.restarts.push(thread::spawn(move || broker.start_again()));
    }

    pub fn wait_for_broker(&mut self) {
        self.restarts.drain(..).for_each(|restart| restart.join().expect("the broker starts again"));
    }

    pub fn signal_broker(&mut self, signal: i32) -> bool {
        self.wait_for_broker();
        self.broker.signal(signal);
        true
    }

    /// What befalls a line strikes where the slot's node is connected through it.
    pub fn slow_line(&self, strike: &Strike) -> bool {
        let proxy = &self.slots[strike.slot].proxy;
        proxy.slow(Duration::from_millis(strike.latency));
        proxy.is_used()
    }

    pub fn mend_line(&self, slot: usize) {
        self.slots[slot].proxy.slow(Duration::ZERO);
        self.slots[slot].proxy.silence(false);
    }

    pub fn silence_line(&self, slot: usize) -> bool {
        let proxy = &self.slots[slot].proxy;
        proxy.silence(true);
        proxy.is_used()
    }

    pub fn cut_line(&self, slot: usize) -> bool {
        let proxy = &self.slots[slot].proxy;
        let struck = proxy.is_used();
        proxy.cut();
        struck
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..SLOTS).for_each(|slot| _ = self.kill(slot));
    }
}

/// Adds the log of a node to what its slot has logged before; returns what must never stand in it.
fn keep(folder: &Path, id: &str, node: &Node) -> Vec<String> {
    let lines = node.raw_log();
    let file = File::options().create(true).append(true).open(folder.join(format!("{id}.log")));
    let _ = file.and_then(|mut file| writeln!(file, "{}", lines.join("\n")));
    let panics = lines.iter().filter(|line| line.contains("panicked at"));
    panics.map(|line| format!("{id}: {line}")).collect()
}
