//! The negative control: a checker that never found anything would prove nothing. A switch of test builds has the
//! program commit too early, and the checker must find what a kill then loses.

use super::checker::{Findings, Guarantee, Order};
use super::client::Records;
use super::subject::Subject;
use crate::support::{Node, Scene};

const RECORDS: usize = 400;
/// Of them have results when the node is killed.
const BEGUN: i64 = 20;

/// A node that is killed while it runs slow records, and one that goes on where it was.
fn killed_in_the_middle(test: &str, environment: &[(&str, &str)]) -> Option<Findings> {
    let scene = Scene::new(test)?;
    let input = scene.topic("in", 4);
    let subject = Subject::by_record(&scene, &input, Guarantee::AtLeastOnce, Order::Partition);
    scene.write(&input, Records::slow(1).take(RECORDS));
    let settings = [
        ("kafka.brokers", scene.brokers.as_str()),
        ("node.id", "control"),
        ("workers.count", "1"),
        ("admin.listen", "127.0.0.1:0"),
        // The second node need not wait for long until the first one counts as gone.
        ("kafka.properties.session.timeout.ms", "6000"),
    ];
    let first = Node::start_in(&scene.folder(), &settings, environment);
    first.eventually("the node is in the middle", |_| {
        let (committed, done) = subject.progress(&scene);
        (done >= BEGUN && (environment.is_empty() || committed > done + BEGUN)).then_some(())
    });
    drop(first);
    let (_, done) = subject.progress(&scene);
    assert!(done < RECORDS as i64, "the node was killed too late to show anything");

    let second = Node::start_in(&scene.folder(), &settings, environment);
    scene.caught_up(&subject.function);
    second.stop();
    Some(subject.judge(&scene, RECORDS as u64).findings)
}

#[test]
fn a_program_that_commits_too_early_is_found_out() {
    let Some(findings) = killed_in_the_middle("too-early", &[("EDDYLINE_TEST_COMMITS_EARLY", "1")]) else { return };
    assert!(!findings.lost.is_empty(), "{findings}");
    assert!(findings.invented.is_empty() && findings.disordered.is_empty(), "{findings}");
}

#[test]
fn the_same_program_without_the_switch_loses_nothing() {
    let Some(findings) = killed_in_the_middle("in-time", &[]) else { return };
    assert!(findings.is_clean(), "{findings}");
}
