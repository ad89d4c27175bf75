//! Carries a plan out, in real time.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, Weather};
use super::cluster::Cluster;
use super::plan::{BASE, Kind, Strike};

/// The faults of a run.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often each kind struck.
    pub struck: BTreeMap<String, usize>,
    /// How often there was nothing to strike: a worker that had not yet started again, a node without connections.
    pub missed: usize,
}

impl Tally {
    pub fn count(&self) -> usize {
        self.struck.values().sum()
    }
}

enum Step<'a> {
    Strike(&'a Strike),
    Heal(&'a Strike),
}

/// When it returns, everything is healed that was struck, and the nodes of the beginning run.
pub fn carry_out(plan: &[Strike], cluster: &mut Cluster, client: &Client) -> Tally {
    let strikes = plan.iter().map(|strike| (strike.at, Step::Strike(strike)));
    let heals = plan.iter().map(|strike| (strike.at + strike.lasts, Step::Heal(strike)));
    let mut steps: Vec<(Duration, Step<'_>)> = strikes.chain(heals).collect();
    steps.sort_by_key(|(at, _)| *at);

    let mut tally = Tally::default();
    let begun = Instant::now();
    for (at, step) in steps {
        thread::sleep(at.saturating_sub(begun.elapsed()));
        match step {
            Step::Strike(fault) => {
                let when = begun.elapsed().as_secs_f64();
                let struck = strike(fault, cluster, client);
                println!("{when:7.2} s  {fault}{}", if struck { "" } else { ", but there is nothing to strike" });
                if struck {
                    *tally.struck.entry(format!("{:?}", fault.kind)).or_default() += 1;
                } else {
                    tally.missed += 1;
                }
            }
            Step::Heal(fault) => heal(fault, cluster, client),
        }
    }
    cluster.wait_for_broker();
    (0..BASE).for_each(|slot| cluster.look_after(slot));
    tally
}

/// False where there was nothing to strike.
fn strike(fault: &Strike, cluster: &mut Cluster, client: &Client) -> bool {
    let slot = fault.slot;
    if fault.kind.has_slot() {
        cluster.look_after(slot);
    }
    match fault.kind {
        Kind::NodeKilled => cluster.kill(slot),
        Kind::NodeFrozen => cluster.signal(slot, libc::SIGSTOP),
        Kind::NodeRemoved => cluster.ask_to_end(slot),
        Kind::NodeAdded => cluster.start(slot),
        Kind::WorkerKilled => cluster.signal_worker(slot, libc::SIGKILL),
        Kind::WorkerFrozen => cluster.signal_worker(slot, libc::SIGSTOP),
        Kind::BrokerKilled => cluster.kill_broker(),
        Kind::BrokerFrozen => cluster.signal_broker(libc::SIGSTOP),
        Kind::LineSlow => cluster.slow_line(fault),
        Kind::LineSilent => cluster.silence_line(slot),
        Kind::LineCut => cluster.cut_line(slot),
        Kind::HandlersSlow => client.turns(Weather::Slow),
        Kind::HandlersThrow => client.turns(Weather::Throwing),
    }
}

fn heal(fault: &Strike, cluster: &mut Cluster, client: &Client) {
    let slot = fault.slot;
    match fault.kind {
        Kind::NodeKilled | Kind::NodeRemoved => _ = cluster.start(slot),
        Kind::NodeFrozen => _ = cluster.signal(slot, libc::SIGCONT),
        // It leaves while other things happen.
        Kind::NodeAdded => _ = cluster.ask_to_end(slot),
        Kind::WorkerFrozen => cluster.thaw_worker(slot),
        Kind::BrokerKilled => cluster.restart_broker(),
        Kind::BrokerFrozen => _ = cluster.signal_broker(libc::SIGCONT),
        Kind::LineSlow | Kind::LineSilent => cluster.mend_line(slot),
        Kind::HandlersSlow | Kind::HandlersThrow => _ = client.turns(Weather::Fair),
        Kind::WorkerKilled | Kind::LineCut => {}
    }
}
