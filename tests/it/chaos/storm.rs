//! A run in which a seed decides what breaks when.

use std::time::Instant;

use super::client::{Client, Records};
use super::cluster::Cluster;
use super::injector;
use super::plan::{BASE, plan};
use super::progress::Progress;
use super::report::Report;
use super::settings::Settings;
use super::subject::Subject;
use crate::support::broker::skip;

const PARTITIONS: i32 = 6;
/// Records in a second: few enough that what piled up during a fault is worked off before the next.
const RATE: u32 = 150;

#[test]
fn under_faults_every_record_has_what_its_guarantee_says_in_order() {
    let Some(settings) = Settings::asked() else { return };
    println!("{settings:?}");
    let begun = Instant::now();
    let Some(mut cluster) = Cluster::new("storm", &settings.name()) else {
        return skip("storm", "scripts/kafka starts no broker here");
    };
    let input = cluster.scene.topic("in", PARTITIONS);
    let subjects = [
        Subject::by_record(&cluster.scene, &input, settings.guarantee, settings.order),
        Subject::by_batch(&cluster.scene, &input, settings.guarantee, settings.order),
    ];
    (0..BASE).for_each(|slot| _ = cluster.start(slot));
    let client = Client::start(&cluster.scene.brokers, &input, Records::moody(settings.seed), RATE);
    subjects.iter().for_each(|subject| subject.has_results(&cluster.scene, 1));

    let progress = Progress::start(&cluster.scene.brokers, &input, &subjects);
    let faults = injector::carry_out(&plan(settings.seed, settings.length, settings.every), &mut cluster, &client);
    let count = client.stop();
    let healed = Instant::now();
    for subject in &subjects {
        cluster.scene.caught_up(&subject.function);
    }
    let catching_up = healed.elapsed();
    drop(progress);
    (0..BASE).for_each(|slot| cluster.stop(slot));

    let outcomes = subjects.iter().map(|subject| subject.judge(&cluster.scene, count)).collect();
    let (took, surprises) = (begun.elapsed(), cluster.surprises.as_slice());
    let report = Report { test: "storm", settings, took, catching_up, faults, pauses: None, outcomes, surprises };
    report.publish();
    if !report.is_clean() {
        cluster.keep_records();
    }
    assert!(report.faults.count() > 0, "a run without a fault shows nothing");
    assert!(report.is_clean(), "the promises were not kept; to see it again: {}", settings.again());
}
