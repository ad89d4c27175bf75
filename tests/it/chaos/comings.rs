//! Nodes come and go in the ordinary way, while records flow.

use std::time::Instant;

use super::checker::Guarantee;
use super::client::{Client, Records};
use super::cluster::Cluster;
use super::injector::Tally;
use super::owners::{Pauses, at_once, part};
use super::plan::{BASE, SLOTS};
use super::report::Report;
use super::settings::{Settings, comings};
use super::subject::Subject;
use crate::support::broker::skip;
use crate::support::wait::eventually;

const PARTITIONS: i32 = 12;
const RATE: u32 = 600;
/// Nodes that always stay.
const LEAST: usize = 2;
/// Seconds before the first turn, and how many of them are looked at together: about as long as a turn takes.
const CALM: i64 = 8;
const STRETCH: i64 = 2;

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
fn turn(cluster: &mut Cluster, random: &mut fastrand::Rng) -> (&'static str, usize) {
    let running = cluster.running();
    let free: Vec<usize> = (0..SLOTS).filter(|slot| !running.contains(slot)).collect();
    let goes = free.is_empty() || (running.len() > LEAST && random.bool());
    let slot = *random.choice(if goes { &running } else { &free }).expect("one of them is not empty");
    if goes {
        cluster.stop(slot);
    } else {
        cluster.start(slot);
    }
    (if goes { "NodeRemoved" } else { "NodeAdded" }, slot)
}

#[test]
fn partitions_that_stay_go_on_while_nodes_come_and_go() {
    let Some(settings) = Settings::asked() else { return };
    let begun = Instant::now();
    let Some(mut cluster) = Cluster::new("comings", &settings.name()) else {
        return skip("comings", "scripts/kafka starts no broker here");
    };
    let input = cluster.scene.topic("in", PARTITIONS);
    let subject = Subject::by_record(&cluster.scene, &input, settings.guarantee, settings.order);
    (0..BASE).for_each(|slot| _ = cluster.start(slot));
    settles(&cluster, &subject);
    let client = Client::start(&cluster.scene.brokers, &input, Records::plain(settings.seed), RATE);
    subject.has_results(&cluster.scene, i64::from(RATE));
    let calm = now();
    subject.has_results(&cluster.scene, i64::from(RATE) * (CALM + 2));
    let calm: Vec<_> =
        (0..CALM / STRETCH).map(|n| calm + n * STRETCH * 1000..calm + (n + 1) * STRETCH * 1000).collect();

    let mut random = fastrand::Rng::with_seed(settings.seed);
    let mut turns = Vec::new();
    let mut faults = Tally::default();
    for number in 1..=comings() {
        let begun = now();
        let (what, slot) = turn(&mut cluster, &mut random);
        settles(&cluster, &subject);
        turns.push(begun..now());
        *faults.struck.entry(what.to_owned()).or_default() += 1;
        println!("{number:3}  {what} {slot}, settled after {} ms", now() - begun);
    }
    let count = client.stop();
    let last = Instant::now();
    cluster.scene.caught_up(&subject.function);
    let catching_up = last.elapsed();
    cluster.running().into_iter().for_each(|slot| cluster.stop(slot));

    let outcomes = vec![subject.judge(&cluster.scene, count)];
    let runs = subject.runs(&cluster.scene);
    let pauses = Some(Pauses::of(&runs, &calm, &turns));
    cluster.surprises.extend(at_once(&runs).into_iter().map(|both| format!("two nodes at once: {both}")));
    let (took, surprises) = (begun.elapsed(), cluster.surprises.as_slice());
    let report = Report { test: "comings", settings, took, catching_up, faults, pauses, outcomes, surprises };
    report.publish();
    assert!(report.is_clean(), "the promises were not kept; to see it again: {}", settings.again());
    // Who gives a partition up finishes and commits first: in order, nothing runs twice.
    assert_eq!(report.outcomes[0].findings.repeats, 0, "records ran twice although no node failed");
    let pauses = report.pauses.expect("it was measured");
    // With exactly-once others may wait too: offsets in a transaction need the present generation of the group.
    assert!(
        settings.guarantee == Guarantee::ExactlyOnce || part(&pauses.stayed, 50) < part(&pauses.moved, 50),
        "partitions that stay stand still like those that move"
    );
}
