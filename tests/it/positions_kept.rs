//! Kafka forgets the offsets of groups that nobody is in for long, but not those of functions that are idle or paused.
//! `scripts/kafka run -- cargo test --test it -- --ignored positions_kept`.

use std::time::{Duration, Instant};

use crate::support::own_broker::OwnBroker;
use crate::support::reading::committed;
use crate::support::{Function, Record, Scene};

const COPY: &str = "export default (record) => record;";
/// Kafka looks for what it may forget every second then.
const FORGETFUL: &str = "offsets.retention.minutes=1\noffsets.retention.check.interval.ms=1000\n";

#[test]
#[ignore = "takes minutes: Kafka forgets after one at the earliest"]
fn kafka_keeps_the_positions_of_functions_that_are_idle_or_paused() {
    let Some(broker) = OwnBroker::start(&[]) else { return };
    broker.reconfigure(FORGETFUL);
    let scene = Scene::at("kept", &broker.address);
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = |name: &str| scene.function(name).reads(&input).writes(&output).handler(COPY);
    let (idle, paused, removed) = (function("idle"), function("paused"), function("removed"));
    let node = scene.start_with(&[("functions.sleep-after", "500ms"), ("functions.keep-positions", "15s")]);
    scene.write(&input, [Record::of("a")]);
    for function in [&idle, &paused, &removed] {
        scene.caught_up(function);
    }
    node.command("pause", &paused);
    removed.remove();
    node.enters(&idle, "idle");
    let left = Instant::now();
    let position = |function: &Function| committed(&scene.brokers, &function.group, &input)[0];
    while position(&removed).is_some() || left.elapsed() < Duration::from_secs(100) {
        assert!(left.elapsed() < Duration::from_secs(240), "Kafka forgets nothing here");
        assert_eq!((position(&idle), position(&paused)), (Some(1), Some(1)), "after {:?}", left.elapsed());
        std::thread::sleep(Duration::from_secs(1));
    }
    assert_eq!(scene.read(&output).len(), 3);
}
