//! A run in which a seed decides what breaks when.

use std::time::Instant;

use super::checker::Findings;
use super::client::{Client, Records};
use super::cluster::Cluster;
use super::injector;
use super::plan::{BASE, plan};
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
    let Some(mut cluster) = Cluster::new("storm") else { return skip("storm", "scripts/kafka starts no broker here") };
    let input = cluster.scene.topic("in", PARTITIONS);
    let subjects = [
        Subject::by_record(&cluster.scene, &input, settings.guarantee, settings.order),
        Subject::by_batch(&cluster.scene, &input, settings.guarantee),
    ];
    (0..BASE).for_each(|slot| cluster.start(slot));
    let client = Client::start(&cluster.scene.brokers, &input, Records::moody(settings.seed), RATE);
    subjects.iter().for_each(|subject| subject.has_results(&cluster.scene, 1));

    let faults = injector::carry_out(&plan(settings.seed, settings.length), &mut cluster);
    let count = client.stop();
    let healed = Instant::now();
    for subject in &subjects {
        cluster.scene.caught_up(&subject.function);
    }
    println!("caught up {:.1} s after the last fault", healed.elapsed().as_secs_f64());
    (0..BASE).for_each(|slot| cluster.stop(slot));

    println!("{} faults: {faults:?}", faults.values().sum::<usize>());
    let findings: Vec<Findings> = subjects.iter().map(|subject| subject.judge(&cluster.scene, count)).collect();
    assert!(!faults.is_empty(), "a run without a fault shows nothing");
    assert!(findings.iter().all(Findings::is_clean), "{settings:?} found the above");
    assert!(cluster.surprises.is_empty(), "{}", cluster.surprises.join("\n"));
}
