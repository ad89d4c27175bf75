//! Functions that keep bringing workers down: kept apart, then paused, and back again.

use crate::support::harm::{ROOM, handler};
use crate::support::record::texts;
use crate::support::{Function, Node, Record, Scene, Trial};

const COPIES: &str = "export default (record, ctx) => { if (record.text() === 'crash') crash(); return record; };";

fn flag(node: &Node, function: &Function, name: &str) -> f64 {
    node.metric(name, &[("function", &function.name)]).unwrap_or_else(|| panic!("no metric {name}"))
}

/// A trial on a node with settings of its own.
fn trial(test: &str, settings: &[(&str, &str)], code: &str) -> Option<Trial> {
    let scene = Scene::new(test)?;
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).with(ROOM).handler(code);
    let node = scene.start_with(settings);
    node.runs(&function);
    Some(Trial { input, output, function, node, scene })
}

#[test]
fn who_keeps_bringing_workers_down_gets_one_of_its_own_and_returns_when_it_is_calm() {
    let Some(scene) = Scene::new("quarantine") else { return };
    let (crashing, kept) = (scene.topic("crashing", 1), scene.topic("kept", 1));
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let offender = scene.function("offender").reads(&crashing).writes(&kept).with(ROOM).handler(&handler(COPIES));
    let neighbour = scene.function("neighbour").reads(&input).writes(&output).handler("export default (r) => r;");
    let node = scene.start_with(&[("workers.quarantine-after", "2"), ("workers.crash-window", "15s")]);
    node.runs(&offender);
    node.runs(&neighbour);
    scene.write(&input, [Record::of("x")]);
    scene.write(&crashing, ["a", "crash", "b"].map(Record::of));
    let status = node.enters(&offender, "quarantined");
    let reason = status["state_reason"].as_str().expect("a reason");
    assert!(reason.contains("SIGTRAP") && reason.contains("offset 1"), "{reason}");
    assert_eq!(flag(&node, &offender, "eddyline_function_quarantined"), 1.0);
    scene.caught_up(&offender);
    assert_eq!(texts(&scene.read(&kept)), ["a", "b"], "it goes on there");

    let own = node.eventually("it has a worker", |node| node.workers_of(&offender).first().copied());
    let shared = node.eventually("the other has one", |node| {
        scene.write(&input, [Record::of("x")]);
        node.workers_of(&neighbour).first().copied()
    });
    assert_ne!(own, shared);
    assert_eq!(node.metric("eddyline_worker_alive_processes", &[("group", "quarantine")]), Some(1.0));
    assert_eq!(node.status(&neighbour).unwrap()["state"], "running");

    node.enters(&offender, "running");
    assert_eq!(flag(&node, &offender, "eddyline_function_quarantined"), 0.0);
    scene.write(&crashing, [Record::of("c")]);
    scene.caught_up(&offender);
    assert_eq!(texts(&scene.read(&kept)), ["a", "b", "c"]);
    node.eventually("they share a worker again", |node| {
        (node.workers_of(&offender) == node.workers_of(&neighbour)).then_some(())
    });
}

/// Takes more memory with each record, too little at a time to be found by its growth, and waits most of the time.
const HOARDS: &str = "
    const kept = [];
    export default async () => {
      kept.push(new Uint8Array(8 << 20).fill(1));
      await new Promise((done) => setTimeout(done, 50));
    };";

/// Is nearly always running.
const SPINS: &str = "
    export default (record) => {
      const until = performance.now() + 15;
      while (performance.now() < until);
      return record;
    };";

#[test]
fn the_neighbour_of_one_that_hoards_unnoticed_is_not_said_to_bring_workers_down() {
    let Some(scene) = Scene::new("hoarder") else { return };
    let (hoarded, spun, output) = (scene.topic("hoarded", 1), scene.topic("spun", 1), scene.topic("out", 1));
    let hoarder = scene.function("hoarder").reads(&hoarded).with("[limits]\nexternal = \"1GiB\"").handler(HOARDS);
    let neighbour = scene.function("neighbour").reads(&spun).writes(&output).handler(SPINS);
    let node = scene.start_with(&[("workers.memory", "256MiB")]);
    node.runs(&hoarder);
    node.runs(&neighbour);
    let values: Vec<String> = (0..1200).map(|n| n.to_string()).collect();
    scene.write(&spun, values.iter().map(|value| Record::of(value.as_str())));
    scene.write(&hoarded, (0..600).map(|n| Record::of(n.to_string())));
    // Alone it shows who it was.
    node.enters(&hoarder, "paused");
    scene.caught_up(&neighbour);
    assert_eq!(texts(&scene.read(&output)), values, "nothing is lost, and in order");
    assert_eq!(flag(&node, &neighbour, "eddyline_function_crashed_processes_total"), 0.0);
    let of = |function: &Function, line: &serde_json::Value| line["span"]["function"] == function.name.as_str();
    let suspected = node.lines().iter().filter(|line| line["blame"] == "suspect" && of(&hoarder, line)).count();
    assert!(suspected > 0, "it is suspect though it was not running");
    for line in node.logged("the function is in quarantine").iter().filter(|line| of(&neighbour, line)) {
        let reason = line["reason"].as_str().expect("a reason");
        assert!(reason.contains("may not be to blame"), "{reason}");
    }
}

#[test]
fn who_goes_on_bringing_its_own_worker_down_is_paused_and_goes_on_when_somebody_says_so() {
    let settings = [("workers.quarantine-after", "1"), ("workers.pause-after", "3")];
    let Some(trial) = trial("paused", &settings, &handler(COPIES)) else { return };
    let Trial { node, function, scene, .. } = &trial;
    scene.write(&trial.input, ["a", "crash", "b", "crash", "c", "d"].map(Record::of));
    let status = node.enters(function, "paused");
    let reason = status["state_reason"].as_str().expect("a reason");
    assert!(reason.contains("SIGTRAP") && reason.contains("eddyline resume"), "{reason}");
    assert_eq!(status["assignment"], serde_json::json!([]), "it has left its group");
    assert_eq!(flag(node, function, "eddyline_function_paused"), 1.0);
    assert_eq!(node.api("/node").unwrap()["functions"]["paused"], 1);
    assert!(!node.logged("the function is paused").is_empty());
    assert!(node.is_ready(), "the node itself is well");
    assert_eq!(texts(&trial.out()), ["a", "b"]);
    assert_eq!(texts(&trial.dead()), ["crash", "crash"]);

    // All nodes know of it, also one that starts later.
    let settings = [&settings[..], &[("node.id", function.name.as_str())]].concat();
    let other = scene.start_with(&settings);
    let status = other.enters(function, "paused");
    assert!(status["state_reason"].as_str().expect("a reason").contains("on all nodes"), "{status}");
    other.stop();

    let said = node.command("resume", function);
    assert!(said.contains("is starting") || said.contains("is quarantined"), "{said}");
    node.enters(function, "quarantined");
    scene.caught_up(function);
    assert_eq!(texts(&trial.out()), ["a", "b", "c", "d"], "nothing is lost, and in order");
    assert_eq!(flag(node, function, "eddyline_function_paused"), 0.0);
}

#[test]
fn a_new_version_ends_the_pause_and_takes_what_the_old_one_did_not_do() {
    let settings = [("workers.quarantine-after", "1"), ("workers.pause-after", "2")];
    let Some(trial) = trial("mended", &settings, &handler(COPIES)) else { return };
    let Trial { node, function, scene, .. } = &trial;
    scene.write(&trial.input, ["a", "crash", "b", "crash", "c"].map(Record::of));
    node.enters(function, "paused");
    assert_eq!(texts(&trial.dead()), ["crash"], "the second has crashed once, and is not given up");
    // What is not changed stays paused, and what is broken does not end the pause.
    function.edit("export default (record) => {");
    node.eventually("the mistake is shown", |node| {
        node.status(function).filter(|status| !status["broken_update"].is_null()).map(|_| ())
    });
    assert_eq!(node.status(function).unwrap()["state"], "paused");
    function.edit("export default (record) => record;");
    node.enters(function, "quarantined");
    scene.caught_up(function);
    assert_eq!(texts(&trial.out()), ["a", "b", "crash", "c"], "nothing is lost, and in order");
}

#[test]
fn modules_that_crash_while_they_load_are_found_though_no_record_ran() {
    let until = jiff::Timestamp::now().as_millisecond() + 6000;
    let code = handler(&format!(
        "if (Date.now() > {until}) crash();
         export default (record, ctx) => `${{record.text()}} on ${{ctx.attempt}}`;"
    ));
    let settings = [("workers.quarantine-after", "1"), ("workers.pause-after", "1")];
    let Some(trial) = trial("load-crash", &settings, &code) else { return };
    let Trial { node, function, scene, .. } = &trial;
    node.eventually("it is time", |_| (jiff::Timestamp::now().as_millisecond() > until).then_some(()));
    scene.write(&trial.input, ["a", "b"].map(Record::of));
    node.enters(function, "paused");
    function.edit("export default (record, ctx) => `${record.text()} on ${ctx.attempt}`;");
    scene.caught_up(function);
    assert_eq!(texts(&trial.out()), ["a on 1", "b on 1"]);
    assert_eq!(trial.dead(), []);
}
