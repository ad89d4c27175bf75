//! Pausing a function by hand, and resuming it.

use crate::support::record::texts;
use crate::support::{Record, Scene, Trial};

const COPY: &str = "export default (record) => record;";

#[test]
fn a_function_that_somebody_pauses_finishes_leaves_its_group_and_goes_on_where_it_was() {
    let Some(trial) = Trial::new("by-hand", 1, COPY) else { return };
    let Trial { node, function, scene, .. } = &trial;
    trial.feed(["a", "b"].map(Record::of));
    assert_eq!(node.command("pause", function), format!("{} is paused\n", function.name));
    let status = node.status(function).unwrap();
    assert_eq!((&status["assignment"], &status["workers"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert!(status["state_reason"].as_str().unwrap().contains("eddyline resume"), "{status}");
    assert_eq!(node.command("pause", function), format!("{} is paused\n", function.name), "twice is once");

    scene.write(&trial.input, ["c", "d"].map(Record::of));
    let committed = || crate::support::reading::committed(&scene.brokers, &function.group, &trial.input);
    assert_eq!(committed()[0], Some(2));
    node.command("resume", function);
    scene.caught_up(function);
    assert_eq!(texts(&trial.out()), ["a", "b", "c", "d"]);
    node.enters(function, "running");
    node.command("resume", function);
    assert_eq!(node.status(function).unwrap()["state"], "running");
}

#[test]
fn a_paused_function_stays_so_whatever_becomes_of_its_folder_and_can_be_removed() {
    let Some(trial) = Trial::new("stays-paused", 1, COPY) else { return };
    let Trial { node, function, scene, .. } = &trial;
    node.command("pause", function);
    scene.write(&trial.input, [Record::of("a")]);
    let digest = |node: &crate::support::Node| node.status(function).unwrap()["digest"].clone();
    let before = digest(node);
    function.edit("export default (record) => 'another';");
    node.eventually("the new version is there", |node| (digest(node) != before).then_some(()));
    assert_eq!(node.status(function).unwrap()["state"], "paused");
    node.command("resume", function);
    scene.caught_up(function);
    assert_eq!(texts(&trial.out()), ["another"]);
    node.command("pause", function);
    function.write("note.txt", "touched");
    assert_eq!(node.status(function).unwrap()["state"], "paused");
    function.remove();
    node.eventually("it is gone", |node| node.status(function).is_none().then_some(()));
}

#[test]
fn a_function_that_is_broken_is_paused_when_it_is_mended() {
    let Some(scene) = Scene::new("pause-broken") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).handler("export default (record) => {");
    scene.write(&input, [Record::of("a")]);
    let node = scene.start();
    node.enters(&function, "broken");
    for (verb, then) in [("pause", "is paused"), ("resume", "runs"), ("pause", "is paused"), ("pause", "is paused")] {
        let said = node.command(verb, &function);
        assert!(said.contains("is broken (E12") && said.contains(&format!("it {then} as soon as")), "{said}");
    }
    assert_eq!(node.status(&function).unwrap()["state"], "broken");
    function.edit(COPY);
    node.enters(&function, "paused");
    assert!(node.logged("the function starts").is_empty(), "it never ran");
    node.command("resume", &function);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["a"]);
}
