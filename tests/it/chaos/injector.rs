//! Carries a plan out, in real time.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::plan::{BASE, Kind, Strike};

/// How often each kind of fault happened.
pub type Tally = BTreeMap<String, usize>;

enum Step<'a> {
    Strike(&'a Strike),
    Heal(&'a Strike),
}

/// When it returns, everything is healed that was struck, and the nodes of the beginning run.
pub fn carry_out(plan: &[Strike], cluster: &mut Cluster) -> Tally {
    let strikes = plan.iter().map(|strike| (strike.at, Step::Strike(strike)));
    let heals = plan.iter().map(|strike| (strike.at + strike.lasts, Step::Heal(strike)));
    let mut steps: Vec<(Duration, Step<'_>)> = strikes.chain(heals).collect();
    steps.sort_by_key(|(at, _)| *at);

    let mut tally = Tally::new();
    let begun = Instant::now();
    for (at, step) in steps {
        thread::sleep(at.saturating_sub(begun.elapsed()));
        match step {
            Step::Strike(fault) => {
                println!("{:7.2} s  {fault}", begun.elapsed().as_secs_f64());
                strike(fault, cluster);
                *tally.entry(format!("{:?}", fault.kind)).or_default() += 1;
            }
            Step::Heal(fault) => heal(fault, cluster),
        }
    }
    cluster.wait_for_broker();
    (0..BASE).for_each(|slot| cluster.look_after(slot));
    tally
}

fn strike(fault: &Strike, cluster: &mut Cluster) {
    let slot = fault.slot;
    match fault.kind {
        Kind::NodeAdded => return cluster.start(slot),
        Kind::BrokerKilled => return cluster.kill_broker(),
        Kind::BrokerFrozen => return cluster.signal_broker(libc::SIGSTOP),
        _ => cluster.look_after(slot),
    }
    match fault.kind {
        Kind::NodeKilled => cluster.kill(slot),
        Kind::NodeFrozen => cluster.signal(slot, libc::SIGSTOP),
        Kind::NodeRemoved => cluster.ask_to_end(slot),
        Kind::WorkerKilled => cluster.signal_worker(slot, libc::SIGKILL),
        Kind::WorkerFrozen => cluster.signal_worker(slot, libc::SIGSTOP),
        Kind::LineSlow => cluster.slow_line(fault),
        Kind::LineSilent => cluster.silence_line(slot),
        Kind::LineCut => cluster.cut_line(slot),
        Kind::NodeAdded | Kind::BrokerKilled | Kind::BrokerFrozen => {}
    }
}

fn heal(fault: &Strike, cluster: &mut Cluster) {
    let slot = fault.slot;
    match fault.kind {
        Kind::NodeKilled | Kind::NodeRemoved => cluster.start(slot),
        Kind::NodeFrozen => cluster.signal(slot, libc::SIGCONT),
        // It leaves while other things happen.
        Kind::NodeAdded => cluster.ask_to_end(slot),
        Kind::WorkerFrozen => cluster.thaw_worker(slot),
        Kind::BrokerKilled => cluster.restart_broker(),
        Kind::BrokerFrozen => cluster.signal_broker(libc::SIGCONT),
        Kind::LineSlow | Kind::LineSilent => cluster.mend_line(slot),
        Kind::WorkerKilled | Kind::LineCut => {}
    }
}
