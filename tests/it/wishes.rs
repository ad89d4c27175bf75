//! What people want of a function holds for all nodes of a cluster, and is remembered.

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
    let all = wishes(scene, name);
    assert!(all.iter().all(|wish| wish["kept"] == true), "{all:?}");
    first.command("resume", function);
    first.runs(function);
}
