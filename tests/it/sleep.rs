//! What idles costs nothing: functions without records hold no consumer, no isolate and no thread, and miss nothing.

use std::fs;
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::support::folder::Draft;
use crate::support::reading::{self, committed};
use crate::support::record::texts;
use crate::support::{Function, Node, Record, Scene, eventually};

const COPY: &str = "export default (record) => record;";
const SOON: (&str, &str) = ("functions.sleep-after", "500ms");
const EXACTLY_ONCE: &str = "[delivery]\nguarantee = \"exactly-once\"";

/// A function between two topics, on a node whose functions sleep soon.
struct Sleeper {
    input: String,
    output: String,
    function: Function,
    node: Node,
    scene: Scene,
}

impl Sleeper {
    fn new(test: &str, partitions: i32, more: impl for<'a> FnOnce(Draft<'a>) -> Draft<'a>) -> Option<Sleeper> {
        let scene = Scene::new(test)?;
        let (input, output) = (scene.topic("in", partitions), scene.topic("out", partitions));
        let function = more(scene.function("it").reads(&input).writes(&output)).handler(COPY);
        let node = scene.start_with(&[SOON]);
        Some(Sleeper { input, output, function, node, scene })
    }

    fn plain(test: &str, partitions: i32) -> Option<Sleeper> {
        Sleeper::new(test, partitions, |draft| draft)
    }

    #[track_caller]
    fn sleeps(&self) -> Value {
        self.node.enters(&self.function, "idle")
    }

    #[track_caller]
    fn feed(&self, values: &[&str]) {
        self.scene.write(&self.input, values.iter().map(Record::of));
        self.scene.caught_up(&self.function);
    }

    #[track_caller]
    fn out(&self) -> Vec<String> {
        let mut values: Vec<String> = self.scene.read(&self.output).iter().map(|one| one.text().to_owned()).collect();
        values.sort();
        values
    }
}

/// How many members the function's group has.
fn members(scene: &Scene, function: &Function) -> usize {
    let consumer = reading::consumer(&scene.brokers, "eddyline-tests");
    let list = consumer.fetch_group_list(Some(&function.group), Duration::from_secs(20)).expect("an answer");
    list.groups().iter().map(|group| group.members().len()).sum()
}

/// The names of a process's threads.
fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives").flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Threads are named after their function, as far as there is room.
fn has_thread(node: &Node, function: &Function) -> bool {
    threads(node.pid()).iter().any(|name| name.len() == 15 && function.name.starts_with(name.as_str()))
}

#[track_caller]
fn goes_to_sleep_and_wakes_again_and_again(sleeper: &Sleeper) {
    let Sleeper { node, function, scene, .. } = sleeper;
    let mut fed = Vec::new();
    for round in 0..3 {
        let values: Vec<String> = (0..20).map(|n| format!("{round}-{n:02}")).collect();
        sleeper.feed(&values.iter().map(String::as_str).collect::<Vec<_>>());
        fed.extend(values);
        let status = sleeper.sleeps();
        assert!(status["idle_since"].as_str().is_some_and(|since| since.contains('T')), "{status}");
        assert_eq!((&status["assignment"], &status["workers"]), (&serde_json::json!([]), &serde_json::json!([])));
        assert_eq!(members(scene, function), 0);
        assert!(!has_thread(node, function), "{:?}", threads(node.pid()));
        let labels = [("function", function.name.as_str())];
        assert_eq!(node.metric("eddyline_function_idle", &labels), Some(1.0));
        assert_eq!(node.metric("eddyline_function_active_isolates", &labels).unwrap_or(0.0), 0.0);
    }
    assert_eq!(sleeper.out(), fed, "each record once");
}

#[test]
fn a_function_sleeps_and_wakes_without_losing_or_doubling_a_record() {
    let Some(sleeper) = Sleeper::plain("sleeps", 2) else { return };
    goes_to_sleep_and_wakes_again_and_again(&sleeper);
}

#[test]
fn with_exactly_once_too() {
    let Some(sleeper) = Sleeper::new("sleeps-once", 2, |draft| draft.with(EXACTLY_ONCE)) else { return };
    goes_to_sleep_and_wakes_again_and_again(&sleeper);
}

#[test]
fn one_that_reads_what_transactions_wrote_sleeps_behind_their_markers() {
    let Some(sleeper) = Sleeper::new("sleeps-behind", 1, |draft| draft.with(EXACTLY_ONCE)) else { return };
    let Sleeper { scene, node, output, .. } = &sleeper;
    let last = scene.topic("last", 1);
    let reader = scene.function("reader").reads(output).writes(&last).handler(COPY);
    sleeper.feed(&["a", "b"]);
    assert_eq!(texts(&scene.read_when(&last, 2)), ["a", "b"]);
    node.enters(&reader, "idle");
    let end = reading::ends(&scene.brokers, output)[0];
    assert!(end > 2, "the transactions have markers");
    assert_eq!(committed(&scene.brokers, &reader.group, output), [Some(end)]);
}

#[test]
fn with_nothing_to_do_a_function_starts_asleep_in_a_group_that_nobody_ever_joined() {
    let Some(scene) = Scene::new("starts-asleep") else { return };
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    scene.write(&input, ["before", "that"].map(Record::of));
    let function = scene.function("it").reads(&input).writes(&output).start("latest").handler(COPY);
    let node = scene.start_with(&[SOON]);
    node.enters(&function, "idle");
    assert_eq!(
        committed(&scene.brokers, &function.group, &input),
        reading::ends(&scene.brokers, &input).iter().map(|end| Some(*end)).collect::<Vec<_>>()
    );
    assert!(node.logged("the function starts").is_empty() && node.logged("partitions assigned").is_empty());
    assert!(!has_thread(&node, &function));
    scene.write(&input, ["after"].map(Record::of));
    assert_eq!(texts(&scene.read_when(&output, 1)), ["after"]);
    scene.caught_up(&function);

    // What came while no node was there is found when one starts, and only then is it in a group again.
    node.enters(&function, "idle");
    drop(node);
    let node = scene.start_with(&[SOON]);
    node.enters(&function, "idle");
    assert!(node.logged("the function starts").is_empty());
    drop(node);
    scene.write(&input, ["meanwhile"].map(Record::of));
    let node = scene.start_with(&[SOON]);
    scene.caught_up(&function);
    assert_eq!(scene.read(&output).len(), 2);
    node.enters(&function, "idle");
}

#[test]
fn partitions_that_are_added_wake_a_function() {
    let Some(sleeper) = Sleeper::plain("grown-asleep", 1) else { return };
    sleeper.sleeps();
    sleeper.scene.topics.grow(&sleeper.input, 3);
    sleeper.scene.write(&sleeper.input, [Record::of("on the new one").on(2)]);
    sleeper.scene.caught_up(&sleeper.function);
    assert_eq!(sleeper.out(), ["on the new one"]);
}

#[test]
fn a_topic_that_a_pattern_matches_later_wakes_a_function() {
    let Some(scene) = Scene::new("pattern-asleep") else { return };
    let (first, output) = (scene.topic("in-a", 1), scene.topic("out", 1));
    let pattern = format!("pattern = \"^{}.*\"", scene.name("in-"));
    let mut function = scene.function("it").source(&pattern).writes(&output).handler(COPY);
    let node = scene.start_with(&[SOON]);
    node.enters(&function, "idle");
    let second = scene.topic("in-b", 1);
    scene.write(&second, [Record::of("new")]);
    assert_eq!(texts(&scene.read_when(&output, 1)), ["new"]);
    function.sources = vec![first.clone(), second];
    scene.caught_up(&function);
    node.enters(&function, "idle");
    scene.write(&first, [Record::of("old")]);
    assert_eq!(texts(&scene.read_when(&output, 2)), ["new", "old"]);
}

#[test]
fn as_long_as_one_node_works_the_other_does_not_leave() {
    let Some(scene) = Scene::new("quiet-half") else { return };
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    let first = scene.start_with(&[SOON]);
    let second = scene.start_with(&[SOON, ("node.id", &scene.name("second"))]);
    let nodes = [&first, &second];
    let mut written = 0;
    let mut write = |partition: i32| {
        scene.write(&input, [Record::of(format!("{written:04}")).on(partition)]);
        written += 1;
    };
    let owns_one = |node: &Node| {
        let status = node.status(&function).unwrap_or_default();
        status["state"] == "running" && status["assignment"].as_array().is_some_and(|all| all.len() == 1)
    };
    eventually("both work", || {
        write(0);
        write(1);
        nodes.iter().all(|node| owns_one(node)).then_some(())
    });
    // For several times as long as makes a function sleep, one partition alone has records.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        write(0);
        assert!(nodes.iter().all(|node| owns_one(node)), "{:?}", nodes.map(|node| node.status(&function)));
        std::thread::sleep(Duration::from_millis(50));
    }
    nodes.iter().for_each(|node| _ = node.enters(&function, "idle"));
    assert_eq!(members(&scene, &function), 0);
    write(1);
    scene.caught_up(&function);
    let mut out: Vec<String> = scene.read(&output).iter().map(|record| record.text().to_owned()).collect();
    out.sort();
    out.dedup();
    assert_eq!(out, (0..written).map(|n| format!("{n:04}")).collect::<Vec<_>>(), "nothing is lost");
}

#[test]
fn pausing_resuming_moving_and_changing_one_that_sleeps() {
    let Some(sleeper) = Sleeper::plain("changed-asleep", 1) else { return };
    let Sleeper { node, function, scene, .. } = &sleeper;
    sleeper.feed(&["a", "b"]);
    sleeper.sleeps();

    node.command("pause", function);
    scene.write(&sleeper.input, [Record::of("c")]);
    assert_eq!(node.enters(function, "paused")["idle_since"], Value::Null);
    node.command("resume", function);
    scene.caught_up(function);
    assert_eq!(sleeper.out(), ["a", "b", "c"]);
    sleeper.sleeps();

    let moved = node.ask(&["seek", &function.name, "--to", "2", "--partition", "0", "--yes"]);
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    scene.caught_up(function);
    assert_eq!(sleeper.out(), ["a", "b", "c", "c"]);
    sleeper.sleeps();

    // As Kafka's own tools do it; the group has no members, so they may.
    let mut first = TopicPartitionList::new();
    first.add_partition_offset(&sleeper.input, 0, Offset::Offset(1)).unwrap();
    reading::consumer(&scene.brokers, &function.group).commit(&first, CommitMode::Sync).expect("it is moved");
    assert_eq!(texts(&scene.read_when(&sleeper.output, 6)), ["a", "b", "c", "c", "b", "c"]);
    let before = sleeper.sleeps()["digest"].clone();

    function.edit("export default (record) => record.text() + '!';");
    node.eventually("the new version sleeps in the place of the old", |node| {
        let status = node.status(function)?;
        (status["state"] == "idle" && status["digest"] != before).then_some(())
    });
    sleeper.feed(&["d"]);
    assert_eq!(sleeper.out(), ["a", "b", "b", "c", "c", "c", "d!"]);
    sleeper.sleeps();

    function.remove();
    node.eventually("it is gone", |node| node.status(function).is_none().then_some(()));
}

#[test]
fn a_node_that_is_killed_while_its_functions_sleep_loses_nothing() {
    let Some(mut sleeper) = Sleeper::plain("killed-asleep", 1) else { return };
    sleeper.feed(&["a"]);
    sleeper.sleeps();
    sleeper.node.signal(libc::SIGKILL);
    sleeper.node.ends();
    sleeper.scene.write(&sleeper.input, [Record::of("b")]);
    sleeper.node = sleeper.scene.start_with(&[SOON]);
    sleeper.scene.caught_up(&sleeper.function);
    assert_eq!(sleeper.out(), ["a", "b"]);
}

#[test]
fn many_functions_that_sleep_hold_few_threads() {
    const MANY: usize = 40;
    let Some(scene) = Scene::new("many-asleep") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let first = scene.function("f00").reads(&input).writes(&output).handler(COPY);
    let node = scene.start_with(&[SOON]);
    node.enters(&first, "idle");
    let alone = threads(node.pid()).len();
    let functions: Vec<Function> =
        (1..MANY).map(|n| scene.function(&format!("f{n:02}")).reads(&input).writes(&output).handler(COPY)).collect();
    for function in &functions {
        node.enters(function, "idle");
    }
    let together = threads(node.pid());
    assert!(together.len() <= alone + 4, "{alone} threads for one, and for {MANY}: {together:?}");
    scene.write(&input, [Record::of("for all")]);
    functions.iter().for_each(|function| scene.caught_up(function));
    assert_eq!(scene.read(&output).len(), MANY);
}

#[test]
fn of_many_that_come_at_once_each_is_tried_out_and_those_with_records_run() {
    const MANY: usize = 40;
    let Some(scene) = Scene::new("many-at-once") else { return };
    let (input, empty, output) = (scene.topic("in", 1), scene.topic("empty", 1), scene.topic("out", 1));
    scene.write(&input, [Record::of("a")]);
    let draft = |n: usize, source: &str| scene.function(&format!("f{n:02}")).reads(source).writes(&output);
    let wrong = draft(0, &empty).handler("export default 5;");
    let endless = draft(1, &empty).with("[limits]\nload = \"100ms\"").handler("for (;;) {}\nexport default () => {};");
    let busy = draft(2, &input).handler(COPY);
    let wrong_and_busy = draft(3, &input).handler("export const nothing = 1;");
    let others: Vec<Function> = (4..MANY).map(|n| draft(n, &empty).handler(COPY)).collect();
    let node = scene.start_with(&[SOON]);
    scene.caught_up(&busy);
    for broken in [&wrong, &endless, &wrong_and_busy] {
        let status = node.enters(broken, "broken");
        assert!(!status["diagnostics"].is_null() && status["idle_since"].is_null(), "{status}");
    }
    node.eventually("all others are known to load", |node| {
        let is_known = |function| node.status(function).is_some_and(|status| status["handler"] == "record");
        others.iter().all(is_known).then_some(())
    });
    node.enters(&others[0], "idle");
    scene.write(&empty, [Record::of("b")]);
    others.iter().for_each(|function| scene.caught_up(function));
    assert_eq!(scene.read(&output).len(), 1 + others.len());
    wrong.edit(COPY);
    scene.caught_up(&wrong);
}
