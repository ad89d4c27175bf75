//! `eddyline seek`: a function goes on from another place.

use serde_json::{Value, json};

use crate::support::reading::committed;
use crate::support::{Node, Record, Trial};

const COPY: &str = "export default (record) => record;";

fn numbered(range: std::ops::Range<u32>) -> impl Iterator<Item = Record> {
    range.map(|n| Record::of(n.to_string()).on(0))
}

/// Asks for it, and returns what it has come to.
#[track_caller]
fn seek(node: &Node, function: &str, arguments: &[&str]) -> Value {
    let output = node.ask(&[&["seek", function, "--output", "json"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What was written, wherever it went.
fn sorted(trial: &Trial) -> Vec<String> {
    let mut texts: Vec<String> = trial.out().iter().map(|record| record.text().to_owned()).collect();
    texts.sort();
    texts
}

#[test]
fn a_function_runs_again_from_the_earliest_record_and_one_that_was_paused_stays_so() {
    let Some(trial) = Trial::new("seek", 2, COPY) else { return };
    let Trial { node, function, scene, .. } = &trial;
    trial.feed(numbered(0..3));
    let planned = seek(node, &function.name, &["--to", "earliest", "--dry-run"]);
    assert_eq!((&planned["applied"], &planned["repeated"], &planned["skipped"]), (&false.into(), &3.into(), &0.into()));
    assert_eq!(committed(&scene.brokers, &function.group, &trial.input), [Some(3), Some(0)]);

    let done = seek(node, &function.name, &["--to", "earliest", "--yes"]);
    assert_eq!((&done["applied"], &done["paused"], &done["repeated"]), (&true.into(), &false.into(), &3.into()));
    let first = json!({
        "topic": trial.input, "partition": 0, "from": 3, "to": 0, "skipped": 0, "repeated": 3, "is_nearest": false,
    });
    assert_eq!(done["partitions"][0], first);
    node.runs(function);
    scene.caught_up(function);
    assert_eq!(sorted(&trial), ["0", "0", "1", "1", "2", "2"]);

    node.command("pause", function);
    scene.write(&trial.input, numbered(3..6));
    let done = seek(node, &function.name, &["--to", "99", "--partition", "0", "--yes"]);
    assert_eq!((&done["paused"], &done["skipped"]), (&true.into(), &3.into()));
    assert_eq!((&done["partitions"][0]["to"], &done["partitions"][0]["is_nearest"]), (&6.into(), &true.into()));
    assert_eq!(done["partitions"].as_array().unwrap().len(), 1);
    assert_eq!(node.status(function).unwrap()["state"], "paused");
    node.command("resume", function);
    trial.feed(numbered(6..7));
    assert_eq!(sorted(&trial), ["0", "0", "1", "1", "2", "2", "6"], "3 to 5 were skipped");
}

#[test]
fn a_function_goes_to_a_time_and_all_its_nodes_let_go_of_the_group_meanwhile() {
    let Some(trial) = Trial::new("seek-time", 2, COPY) else { return };
    let Trial { node, function, scene, .. } = &trial;
    let other = scene.start_with(&[("node.id", &scene.name("second"))]);
    other.eventually("both read", |other| {
        let partitions = |node: &Node| node.status(function)?["assignment"].as_array().map(Vec::len);
        (partitions(node) == Some(1) && partitions(other) == Some(1)).then_some(())
    });
    // 2026-01-31T00:00:00Z
    let midnight = 1_769_817_600_000;
    let at = |text: &str, partition: i32, seconds: i64| Record::of(text).on(partition).at(midnight + seconds * 1000);
    trial.feed([at("a", 0, -10), at("b", 0, 0), at("c", 0, 10), at("d", 1, -20), at("e", 1, -10)]);
    assert_eq!(trial.out().len(), 5);
    let done = seek(node, &function.name, &["--to", "2026-01-31", "--yes"]);
    assert_eq!((&done["to"], &done["repeated"]), (&"2026-01-31T00:00:00Z".into(), &2.into()));
    let to: Vec<_> = done["partitions"].as_array().unwrap().iter().map(|one| one["to"].clone()).collect();
    assert_eq!(to, [1, 2]);
    other.runs(function);
    node.runs(function);
    scene.caught_up(function);
    assert_eq!(sorted(&trial), ["a", "b", "b", "c", "c", "d", "e"]);
}

#[test]
fn nothing_moves_unless_somebody_agrees_and_the_place_exists() {
    let Some(trial) = Trial::new("seek-asks", 1, COPY) else { return };
    let Trial { node, function, scene, .. } = &trial;
    trial.feed(numbered(0..2));
    for (arguments, code, part) in [
        (&["--to", "earliest"][..], 2, "--yes"),
        (&["--to", "yesterday", "--yes"], 2, "how long ago"),
        (&["--to", "earliest", "--topic", "none", "--yes"], 1, &*trial.input),
        (&["--to", "earliest", "--partition", "7", "--yes"], 1, "no such partition"),
    ] {
        let output = node.ask(&[&["seek", &function.name], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(part), "{said}");
    }
    let output = node.ask(&["seek", "nobody", "--to", "earliest", "--yes"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no function \"nobody\""));
    assert_eq!(committed(&scene.brokers, &function.group, &trial.input), [Some(2)]);
    let shown = node.ask(&["seek", &function.name, "--to", "earliest", "--dry-run"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("repeated") && shown.contains("2 would run again"), "{shown}");
    assert_eq!(node.status(function).unwrap()["state"], "running");
}

#[test]
fn whoever_pauses_it_during_a_seek_finds_it_paused_when_the_seek_is_over() {
    let slow = "
        export default async (record) => {
          console.log('began');
          await new Promise((done) => setTimeout(done, 5000));
          return record;
        };";
    let Some(trial) = Trial::with("seek-paused", 1, |draft| draft.with("[limits]\nwall = \"20s\""), slow) else {
        return;
    };
    let Trial { node, function, scene, .. } = &trial;
    scene.write(&trial.input, numbered(0..1));
    node.eventually("it is busy", |node| (!node.logged("began").is_empty()).then_some(()));
    std::thread::scope(|scope| {
        let seeking = scope.spawn(|| seek(node, &function.name, &["--to", "earliest", "--yes"]));
        let draining = |status: Value| (status["state"] == "draining").then_some(());
        node.eventually("it drains for the seek", |node| node.status(function).and_then(draining));
        node.command("pause", function);
        let done = seeking.join().expect("the seek ends");
        assert_eq!((&done["applied"], &done["paused"]), (&true.into(), &true.into()));
    });
    node.eventually("it is paused", |node| {
        node.status(function).filter(|status| status["state"] == "paused").map(|_| ())
    });
}

#[test]
fn a_pause_for_what_an_older_version_did_does_not_keep_the_present_one_from_being_moved() {
    let Some(trial) = Trial::new("seek-mended", 1, COPY) else { return };
    trial.feed(numbered(0..3));
    let pause =
        r#"{"format":1,"run":{"state":"paused","cause":"crashes","at":"then","node":"x","digest":"an older one"}}"#;
    trial.scene.write("_eddyline.functions", [Record::new(&trial.function.name, pause)]);
    // It reads all that is wished for before its first function starts.
    let Trial { node, function, scene, input, output } = trial;
    node.stop();
    let node = scene.start();
    node.runs(&function);
    let done = seek(&node, &function.name, &["--to", "earliest", "--yes"]);
    assert_eq!((&done["applied"], &done["paused"], &done["repeated"]), (&true.into(), &false.into(), &3.into()));
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(committed(&scene.brokers, &function.group, &input), [Some(3)]);
    assert_eq!(scene.read(&output).len(), 6);
}
