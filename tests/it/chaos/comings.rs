//! Nodes come and go in the ordinary way, while records flow.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::checker::{Findings, Guarantee};
use super::client::{Client, Records};
use super::cluster::Cluster;
use super::plan::{BASE, SLOTS};
use super::settings::{Settings, comings};
use super::subject::{Ran, Subject};
use crate::support::broker::skip;
use crate::support::wait::eventually;

const PARTITIONS: i32 = 12;
const RATE: u32 = 600;
/// Nodes that always stay.
const LEAST: usize = 2;

/// Milliseconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Waits until the running nodes have all partitions, and none of them twice.
#[track_caller]
fn settles(cluster: &Cluster, subject: &Subject) {
    eventually("the running nodes own all partitions", || {
        let mut owned = 0;
        for slot in cluster.running() {
            let status = cluster.node(slot)?.status(&subject.function)?;
            let own = status["assignment"].as_array()?.len();
            // A node without any would mean that the group has not yet heard of it.
            owned += if own > 0 { own } else { return None };
        }
        (owned == PARTITIONS as usize).then_some(())
    });
}

/// A node comes or goes, as the seed says.
fn turn(cluster: &mut Cluster, random: &mut fastrand::Rng) -> String {
    let running = cluster.running();
    let free: Vec<usize> = (0..SLOTS).filter(|slot| !running.contains(slot)).collect();
    let goes = free.is_empty() || (running.len() > LEAST && random.bool());
    let slot = *random.choice(if goes { &running } else { &free }).expect("one of them is not empty");
    if goes {
        cluster.stop(slot);
    } else {
        cluster.start(slot);
    }
    format!("{} {}", cluster.id(slot), if goes { "went" } else { "came" })
}

#[test]
fn partitions_that_stay_go_on_while_nodes_come_and_go() {
    let Some(settings) = Settings::asked() else { return };
    let Some(mut cluster) = Cluster::new("comings") else {
        return skip("comings", "scripts/kafka starts no broker here");
    };
    let input = cluster.scene.topic("in", PARTITIONS);
    let subject = Subject::by_record(&cluster.scene, &input, settings.guarantee, settings.order);
    (0..BASE).for_each(|slot| cluster.start(slot));
    settles(&cluster, &subject);
    let client = Client::start(&cluster.scene.brokers, &input, Records::plain(settings.seed), RATE);
    subject.has_results(&cluster.scene, 1);

    let mut random = fastrand::Rng::with_seed(settings.seed);
    let mut windows = Vec::new();
    for _ in 0..comings() {
        let begun = now();
        let what = turn(&mut cluster, &mut random);
        settles(&cluster, &subject);
        windows.push(begun..now());
        println!("{what}, settled after {} ms", now() - begun);
    }
    let count = client.stop();
    cluster.scene.caught_up(&subject.function);
    cluster.running().into_iter().for_each(|slot| cluster.stop(slot));

    let findings = subject.judge(&cluster.scene, count);
    assert!(findings.is_clean(), "the above was found");
    let waits = Waits::of(&subject.results(&cluster.scene), &windows);
    println!("longest wait of a record, in ms, at each turn: {waits:?}");
    if settings.guarantee == Guarantee::AtLeastOnce {
        // Who gives a partition up finishes and commits first: in order, nothing runs twice.
        assert_eq!(findings, Findings::default(), "{findings}");
    }
    assert!(
        median(&waits.stayed) < median(&waits.moved),
        "partitions that stay wait as long as those that move: {waits:?}"
    );
}

/// For each turn, the longest time that a record waited: among the partitions that moved, and among those that stayed.
#[derive(Debug, Default)]
struct Waits {
    moved: Vec<i64>,
    stayed: Vec<i64>,
}

impl Waits {
    fn of(results: &[Ran], windows: &[Range<i64>]) -> Waits {
        let mut waits = Waits::default();
        for window in windows {
            let mut partitions: BTreeMap<i32, (BTreeSet<&str>, i64)> = BTreeMap::new();
            for ran in results.iter().filter(|ran| window.contains(&ran.written) || window.contains(&ran.ran)) {
                let (owners, longest) = partitions.entry(ran.seen.of.partition).or_default();
                owners.insert(&ran.by);
                *longest = (*longest).max(ran.ran - ran.written);
            }
            let longest = |has_moved: bool| {
                let which = partitions.values().filter(|(owners, _)| (owners.len() > 1) == has_moved);
                which.map(|(_, longest)| *longest).max()
            };
            waits.moved.extend(longest(true));
            waits.stayed.extend(longest(false));
        }
        waits
    }
}

fn median(all: &[i64]) -> Option<i64> {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}
