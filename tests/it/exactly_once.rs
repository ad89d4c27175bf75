//! Results, dead letters and offsets in one transaction.

use crate::support::eventually;
use crate::support::folder::{Draft, Function};
use crate::support::process::signal;
use crate::support::reading;
use crate::support::record::texts;
use crate::support::{Node, Record, Scene, busy};

/// The group must not wait for a dead member for longer than the test does.
const SOON: [(&str, &str); 1] = [("kafka.properties.session.timeout.ms", "6000")];

const EXACTLY: &str = "[delivery]\nguarantee = \"exactly-once\"";

const COPY: &str = "export default (record) => record;";

fn numbered(count: u32) -> impl Iterator<Item = Record> {
    (0..count).map(|n| Record::of(n.to_string()).on(0))
}

fn is_counted(records: &[Record], count: u32) {
    let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    assert_eq!(texts(records), expected, "each record has one result, in order");
}

/// What the topic holds once it holds so many records: a group's offset may show a moment before its results do.
fn read_when(scene: &Scene, topic: &str, count: usize) -> Vec<Record> {
    eventually(&format!("{topic} shows {count} records"), || Some(scene.read(topic)).filter(|all| all.len() >= count))
}

/// A function from one topic of one partition to another.
fn copier(scene: &Scene, handler: &str, change: impl FnOnce(Draft<'_>) -> Draft<'_>) -> (String, String, Function) {
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = change(scene.function("it").reads(&input).writes(&output).with(EXACTLY)).handler(handler);
    (input, output, function)
}

#[test]
fn results_dead_letters_and_offsets_are_committed_together() {
    let Some(scene) = Scene::new("exactly") else { return };
    let handler = "
        export default (record, ctx) => {
          if (Number(record.text()) % 10 === 3) ctx.reject('a three');
          return record;
        };";
    let (input, output, function) = copier(&scene, handler, |draft| draft);
    scene.write(&input, numbered(1000));
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    let (results, letters) = (read_when(&scene, &output, 900), read_when(&scene, &function.dead_letter, 100));
    assert_eq!((results.len(), letters.len()), (900, 100));
    assert!(results.iter().all(|record| !record.text().ends_with('3')));
    let labels = [("function", function.name.as_str())];
    let count = |name: &str| node.metric(name, &labels).unwrap_or_default();
    let commits = count("eddyline_function_committed_transactions_total");
    assert!(commits >= 1.0 && commits == count("eddyline_function_commit_seconds_count"), "{commits}");
    assert_eq!(count("eddyline_function_aborted_transactions_total"), 0.0);
    let end = reading::ends(&scene.brokers, &output)[0];
    assert!(end > 900, "a marker of the transaction stands behind its records: {end}");
}

#[test]
fn a_node_that_is_killed_doubles_nothing() {
    let Some(scene) = Scene::new("exactly-killed") else { return };
    let handler = &busy(4, "return record;");
    let (input, output, function) = copier(&scene, handler, |draft| draft);
    let mut written = 0;
    for _ in 0..3 {
        let before = scene.read(&output).len();
        scene.write(&input, numbered(2100).skip(written).take(700));
        written += 700;
        let mut node = scene.start_with(&SOON);
        node.runs(&function);
        eventually("it has got on", || (scene.read(&output).len() >= before + 50).then_some(()));
        node.signal(libc::SIGKILL);
        node.ends();
    }
    let _node = scene.start_with(&SOON);
    scene.caught_up(&function);
    is_counted(&read_when(&scene, &output, 2100), 2100);
}

#[test]
fn a_node_that_stood_still_for_too_long_begins_again_behind_the_last_commit() {
    let Some(scene) = Scene::new("exactly-stopped") else { return };
    let handler = &busy(2, "return record;");
    let (input, output, function) = copier(&scene, handler, |draft| draft.with("commit-interval = \"2s\""));
    scene.write(&input, numbered(3000));
    let node = scene.start();
    eventually("it has got on", || (scene.read(&output).len() >= 100).then_some(()));
    signal(node.pid(), libc::SIGSTOP);
    // Beyond the time that a transaction may be open: whatever was in it is gone when Kafka has ended it.
    std::thread::sleep(std::time::Duration::from_secs(20));
    signal(node.pid(), libc::SIGCONT);
    scene.caught_up(&function);
    is_counted(&read_when(&scene, &output, 3000), 3000);
}

#[test]
fn results_that_cannot_be_written_are_dead_letters_at_once_and_their_neighbours_are_not() {
    let Some(scene) = Scene::new("exactly-large") else { return };
    let input = scene.topic("in", 1);
    let output = scene.topic_with("out", 1, &[("max.message.bytes", "10000")]);
    let handler = "
        export default (record) => {
          if (record.key !== 'large') return record;
          return crypto.getRandomValues(new Uint8Array(20000));
        };";
    let function = scene.function("it").reads(&input).writes(&output).with(EXACTLY).handler(handler);
    // Each of them costs an abort, and none makes the next one wait longer.
    let is_large = |n: u32| n % 5 < 2;
    scene.write(&input, (0..50).map(|n| Record::new(if is_large(n) { "large" } else { "small" }, n.to_string())));
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    let numbers = |large| (0..50).filter(|n| is_large(*n) == large).map(|n| n.to_string()).collect::<Vec<String>>();
    let letters = read_when(&scene, &function.dead_letter, 20);
    assert_eq!(
        (texts(&letters), letters[0].error_code()),
        (numbers(true).iter().map(String::as_str).collect(), "E2202")
    );
    assert_eq!(texts(&read_when(&scene, &output, 30)), numbers(false));
}

#[test]
fn batches_that_fail_in_part_double_nothing_and_keep_their_order() {
    let Some(scene) = Scene::new("exactly-batch") else { return };
    let handler = "
        const ran = new Set();
        export default {
          batch(records) {
            if (records.length > 1 && records.some((record) => record.json() % 50 === 17)) throw new Error('unlucky');
            for (const record of records) {
              const n = record.json();
              const first = !ran.has(n);
              ran.add(n);
              if (n % 10 === 3 && first) record.retry();
              else if (n % 10 === 5) record.reject('a five');
              else { record.emit(`${n} a`); record.emit(`${n} b`); }
            }
          },
        };";
    let more = "[batch]\nmax-records = 16\n[retry]\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let (input, output, function) = copier(&scene, handler, |draft| draft.with(more));
    scene.write(&input, numbered(400));
    let mut node = scene.start_with(&SOON);
    eventually("it has got on", || (scene.read(&output).len() >= 100).then_some(()));
    node.signal(libc::SIGKILL);
    node.ends();
    let _node = scene.start_with(&SOON);
    scene.caught_up(&function);
    let (written, rejected): (Vec<u32>, Vec<u32>) = (0..400).partition(|n| n % 10 != 5);
    let expected: Vec<String> = written.iter().flat_map(|n| [format!("{n} a"), format!("{n} b")]).collect();
    assert_eq!(texts(&read_when(&scene, &output, expected.len())), expected);
    let letters = read_when(&scene, &function.dead_letter, rejected.len());
    assert_eq!(texts(&letters), rejected.iter().map(u32::to_string).collect::<Vec<_>>());
}

#[test]
fn two_nodes_of_one_id_are_told_what_to_set() {
    let Some(scene) = Scene::new("exactly-twins") else { return };
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    let function = scene.function("it").reads(&input).writes(&output).with(EXACTLY).handler(COPY);
    let nodes = [scene.start(), scene.start()];
    let says = |node: &Node| {
        let status = node.status(&function).filter(|status| status["state"] == "waiting")?;
        let reason = status["state_reason"].as_str()?.to_owned();
        assert_eq!(status["last_error"]["code"], "E3002", "{reason}");
        Some(reason)
    };
    let mut written = 0;
    let reason = eventually("one of them says it", || {
        scene.write(&input, (0..2).map(|n| Record::of((written + n).to_string()).on(n)));
        written += 2;
        nodes.iter().find_map(says)
    });
    assert!(reason.contains("another node seems to have the same id") && reason.contains("`[node]`"), "{reason}");
    let [first, second] = nodes;
    second.stop();
    node_goes_on(&scene, &first, &function, &output, written);
}

/// Alone again, it finishes, and nothing is doubled.
fn node_goes_on(scene: &Scene, node: &Node, function: &Function, output: &str, written: i32) {
    node.runs(function);
    scene.caught_up(function);
    let records = read_when(scene, output, written as usize);
    let mut numbers: Vec<i32> = records.iter().map(|record| record.text().parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..written).collect::<Vec<_>>());
}
