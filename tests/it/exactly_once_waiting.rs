//! What a function says while Kafka holds up its transactions, and that it goes on.

use crate::support::broker::skip;
use crate::support::eventually;
use crate::support::folder::Function;
use crate::support::own_broker::OwnBroker;
use crate::support::record::texts;
use crate::support::transactions::Transactions;
use crate::support::{Node, Record, Scene, busy};

const EXACTLY: &str = "[delivery]\nguarantee = \"exactly-once\"";

/// The reason for waiting, once it is this one. Others may come before and along with it.
fn says(node: &Node, function: &Function) -> String {
    eventually("it says that it waits for Kafka", || {
        let status = node.status(function).filter(|status| status["state"] == "waiting")?;
        let reason = status["state_reason"].as_str()?.to_owned();
        reason.contains("(E3004)").then_some(reason)
    })
}

fn is_counted(scene: &Scene, output: &str, count: u32) {
    let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    let all = || Some(scene.read(output)).filter(|all| all.len() >= count as usize);
    assert_eq!(texts(&eventually("every record has a result", all)), expected, "each has one, in order");
}

#[test]
fn positions_that_somebody_elses_transaction_holds_are_said_and_waited_for() {
    let Some(scene) = Scene::new("held-positions") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let handler = "export default (record) => record;";
    let function = scene.function("it").reads(&input).writes(&output).with(EXACTLY).handler(handler);
    scene.write(&input, (0..100).map(|n| Record::of(n.to_string())));
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    node.stop();
    let mut holder = Transactions::new(&scene.brokers, &scene.name("holder"));
    holder.hold(&scene.brokers, &function.group, &input, 0, 1);
    scene.write(&input, (100..200).map(|n| Record::of(n.to_string())));
    let node = scene.start();
    let reason = says(&node, &function);
    assert!(reason.contains(&format!("{input}/0")) && reason.contains("transaction"), "{reason}");
    assert_eq!(scene.read(&output).len(), 100, "nothing is run before its position is known");
    holder.let_go();
    node.runs(&function);
    scene.caught_up(&function);
    is_counted(&scene, &output, 200);
}

#[test]
fn a_transaction_that_kafka_does_not_answer_is_said_and_goes_on() {
    let Some(scene) = Scene::new("held-transaction") else { return };
    let Some(broker) = OwnBroker::start(&[]) else {
        return skip("held-transaction", "scripts/kafka cannot start a broker here");
    };
    let scene = scene.on(&broker.address);
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let handler = &busy(3, "return record;");
    let function = scene.function("it").reads(&input).writes(&output).with(EXACTLY).handler(handler);
    scene.write(&input, (0..2000).map(|n| Record::of(n.to_string())));
    let node = scene.start();
    eventually("it has got on", || (scene.read(&output).len() >= 100).then_some(()));
    broker.signal(libc::SIGSTOP);
    let reason = says(&node, &function);
    assert!(reason.contains("a transaction waits for Kafka"), "{reason}");
    broker.signal(libc::SIGCONT);
    node.runs(&function);
    scene.caught_up(&function);
    is_counted(&scene, &output, 2000);
}
