//! What people want of a function holds for all nodes of a cluster, and is remembered.

use crate::support::broker::skip;
use crate::support::own_broker::OwnBroker;
use crate::support::record::texts;
use crate::support::{Node, Record, Scene, Trial};

const COPY: &str = "export default (record) => record;";
const TOPIC: &str = "_eddyline.functions";

/// What the topic says of a function, newest last.
fn wishes(scene: &Scene, function: &str) -> Vec<serde_json::Value> {
    let records = scene.read(TOPIC).into_iter().filter(|record| record.key.as_deref() == Some(function.as_bytes()));
    records.map(|record| serde_json::from_str(record.text()).expect("JSON")).collect()
}

fn second(scene: &Scene) -> Node {
    scene.start_with(&[("node.id", &scene.name("second"))])
}

#[test]
fn a_pause_holds_on_all_nodes_over_restarts_until_somebody_resumes_it_anywhere() {
    let Some(trial) = Trial::new("cluster", 2, COPY) else { return };
    let Trial { node: first, function, scene, .. } = &trial;
    let other = second(scene);
    other.runs(function);
    first.command("pause", function);
    let status = other.enters(function, "paused");
    let reason = status["state_reason"].as_str().unwrap();
    assert!(reason.contains("on all nodes") && reason.contains("eddyline resume"), "{reason}");
    other.stop();

    scene.write(&trial.input, ["a", "b"].map(Record::of));
    let other = second(scene);
    other.enters(function, "paused");
    assert_eq!(trial.out(), []);
    assert!(other.logged("the function starts").is_empty(), "it never ran there");
    assert!(other.command("resume", function).contains(&function.name));
    scene.caught_up(function);
    first.runs(function);
    let mut out = trial.out();
    out.sort_by_key(|record| record.value.clone());
    assert_eq!(texts(&out), ["a", "b"]);
    assert_eq!(first.api("/node").unwrap()["wishes"]["state"], "following");
    let said: Vec<_> = wishes(scene, &function.name).iter().map(|wish| wish["run"]["state"].clone()).collect();
    assert_eq!(said, ["paused", "running"]);
}

#[test]
fn what_another_version_has_written_is_kept_and_what_it_forbids_is_not_written() {
    let Some(trial) = Trial::new("formats", 1, COPY) else { return };
    let Trial { node, function, scene, .. } = &trial;
    let name = function.name.as_str();
    let write = |value: &str| scene.write(TOPIC, [Record::new(name, value)]);
    write(r#"{"format":1,"registry":{"version":7},"run":{"state":"paused","cause":"moon","at":"then","node":"x"}}"#);
    node.enters(function, "paused");
    node.command("resume", function);
    let last = wishes(scene, name).pop().unwrap();
    assert_eq!((&last["registry"]["version"], &last["run"]["state"]), (&7.into(), &"running".into()));

    write(r#"{"format":2,"run":{"state":"paused","cause":"person","at":"later","node":"x"}}"#);
    node.enters(function, "paused");
    let refused = node.ask(&["resume", name]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("newer version"), "{said}");
    scene.write(TOPIC, [Record::tombstone(name)]);
    node.runs(function);
}

#[test]
fn wishes_that_two_nodes_write_at_the_same_time_are_not_lost() {
    let Some(trial) = Trial::new("races", 1, COPY) else { return };
    let Trial { node: first, function, scene, .. } = &trial;
    let other = second(scene);
    other.eventually("it knows the function", |other| other.status(function).map(|_| ()));
    let name = function.name.as_str();
    scene.write(TOPIC, [Record::new(name, r#"{"format":1,"kept":true}"#)]);
    std::thread::scope(|scope| {
        for node in [first, &other] {
            scope.spawn(|| {
                for _ in 0..5 {
                    for verb in ["pause", "resume"] {
                        let path = format!("/functions/{name}/{verb}");
                        assert_eq!(node.post(&path).expect("an answer"), 202, "{verb}");
                    }
                }
            });
        }
    });
    // A record may take the place of one that its writer did not know, which the writer then mends.
    let last = wishes(scene, name).pop().unwrap();
    assert!(last["kept"] == true && last["run"]["state"] == "running", "{last}");
    first.command("resume", function);
    first.runs(function);
}

#[test]
fn a_node_that_cannot_have_the_topic_runs_all_the_same_and_says_that_it_is_alone_with_what_it_is_asked() {
    let Some(scene) = Scene::new("alone") else { return };
    let Some(broker) = OwnBroker::start(&[]) else {
        return skip("alone", "scripts/kafka cannot start a broker here");
    };
    let scene = scene.on(&broker.address);
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    scene.write(&input, ["a", "b"].map(Record::of));
    // There is one broker.
    let node = scene.start_with(&[("topics.replication-factor", "3")]);
    node.runs(&function);
    let wishes = node.api("/node").unwrap()["wishes"].clone();
    assert_eq!(wishes["state"], "unavailable");
    assert!(wishes["reason"].as_str().unwrap().contains(TOPIC), "{wishes}");
    scene.caught_up(&function);

    let moved = node.ask(&["seek", &function.name, "--to", "earliest", "--yes"]);
    let said = String::from_utf8_lossy(&moved.stderr).into_owned();
    assert!(moved.status.code() == Some(1) && said.contains("cannot be paused on all nodes"), "{said}");
    let paused = node.ask(&["pause", &function.name]);
    let said = String::from_utf8_lossy(&paused.stderr).into_owned();
    assert!(paused.status.success() && said.contains("E3003") && said.contains("alone"), "{said}");
    let status = node.enters(&function, "paused");
    assert!(status["state_reason"].as_str().unwrap().contains("on this node"), "{status}");
    let moved = node.ask(&["seek", &function.name, "--to", "earliest", "--yes"]);
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    assert!(node.ask(&["resume", &function.name]).status.success());
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["a", "b", "a", "b"]);
    node.stop();
}
