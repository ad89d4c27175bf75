//! A Kafka that goes away and comes back.

use crate::support::broker::skip;
use crate::support::busy::KEEPS_PARTITION;
use crate::support::own_broker::OwnBroker;
use crate::support::{Record, Scene, busy};

#[test]
fn a_broker_that_is_away_for_a_while_costs_no_record_and_no_order() {
    let Some(scene) = Scene::new("outage") else { return };
    let Some(broker) = OwnBroker::start(&[]) else {
        return skip("outage", "scripts/kafka cannot start a broker here");
    };
    let scene = scene.on(&broker.address);
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    let handler = &busy(3, KEEPS_PARTITION);
    let function = scene.function("it").reads(&input).writes(&output).handler(handler);
    scene.write(&input, (0..1500).map(|n| Record::of(n.to_string()).on(n % 2)));
    let node = scene.start();
    scene.read_when(&output, 200);
    broker.stop();
    node.eventually("it notices", |node| {
        let (status, body) = node.get("/health/ready")?;
        (status == 503 && body.contains(&broker.address)).then_some(())
    });
    assert_eq!(node.get("/health/live").expect("an answer").0, 200);
    broker.start_again();
    node.eventually("it is ready again", |node| node.is_ready().then_some(()));
    scene.caught_up(&function);
    let values = |topic: &str| -> Vec<_> {
        scene.read(topic).into_iter().map(|record| (record.partition, record.text().to_owned())).collect()
    };
    assert_eq!(values(&output), values(&input));
}
