//! Records that no filter matches are done with before any handler is asked.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::reading::committed;
use crate::support::record::texts;
use crate::support::{Function, Node, Record, Scene, Trial};

const COPY: &str = "export default (record) => record;";

fn filter(pattern: &str) -> String {
    format!("[[filter]]\npattern = '{pattern}'")
}

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = Record> {
    range.map(|n| Record::new(format!("k{n}"), format!("{{\"n\":{n},\"even\":{}}}", n % 2 == 0)))
}

/// Waits until the function runs a later version than that.
#[track_caller]
fn newer(node: &Node, function: &Function, than: u64) -> u64 {
    node.eventually("a newer version runs", |node| {
        let version = node.status(function)?["version"].as_u64()?;
        (version > than).then_some(version)
    })
}

fn version(node: &Node, function: &Function) -> u64 {
    node.status(function).expect("a status")["version"].as_u64().expect("a number")
}

#[test]
fn only_records_that_match_reach_the_handler_and_all_are_committed() {
    let pattern = filter(r#"{ "value": { "even": [true], "n": [{ "numeric": ["<", 90] }] } }"#);
    let Some(trial) = Trial::with("fields", 1, |draft| draft.with(&pattern), COPY) else { return };
    trial.feed(numbers(0..100).chain([Record::of("no json"), Record::of(""), Record::tombstone("t")]));
    let expected: Vec<String> = (0..90).step_by(2).map(|n| format!("{{\"n\":{n},\"even\":true}}")).collect();
    assert_eq!(texts(&trial.out()), expected, "in their order");
    assert_eq!(committed(&trial.scene.brokers, &trial.function.group, &trial.input), [Some(103)]);
    let counted = ["in", "done", "filtered", "filter_undecodable"]
        .map(|what| trial.metric(&format!("eddyline_function_{what}_records_total")));
    assert_eq!(counted, [103.0, 45.0, 58.0, 2.0]);
    assert_eq!(trial.dead(), []);
}

#[test]
fn where_nothing_matches_all_is_committed_and_no_isolate_is_made() {
    let pattern = filter(r#"{ "value": { "n": [-1] } }"#);
    let Some(trial) = Trial::with("nothing", 3, |draft| draft.with(&pattern), COPY) else { return };
    // More than are taken in one turn, so that the turns must follow each other by themselves.
    trial.feed(numbers(0..30_000));
    assert_eq!(trial.metric("eddyline_function_filtered_records_total"), 30_000.0);
    assert_eq!(trial.metric("eddyline_function_active_isolates"), 0.0);
    assert_eq!(trial.metric("eddyline_function_in_flight_records"), 0.0);
    assert_eq!(
        trial.node.metric("eddyline_function_cold_start_seconds_count", &[("function", &trial.function.name)]),
        None
    );
    assert!(trial.out().is_empty());
}

#[test]
fn topic_partition_key_and_headers_are_asked_too() {
    let Some(scene) = Scene::new("around") else { return };
    let (one, two, output) = (scene.topic("one", 2), scene.topic("two", 2), scene.topic("out", 1));
    let filters = [
        format!(r#"{{ "topic": ["{one}"], "partition": [1] }}"#),
        r#"{ "topic": [{ "suffix": "two" }], "$or": [{ "key": [{ "prefix": "vip-" }] }, { "headers": { "urgent": ["yes"] } }] }"#
            .to_owned(),
        r#"{ "headers": { "source": [{ "exists": false }] }, "value": { "keep": [true] } }"#.to_owned(),
    ];
    let filters = filters.map(|pattern| filter(&pattern)).join("\n");
    let function = scene.function("it").reads(&one).reads(&two).writes(&output).with(&filters).handler(COPY);
    let keep = r#"{"keep":true}"#;
    scene.write(
        &one,
        [
            Record::of("one/1, no json").on(1),
            Record::of("one/0, no json").on(0),
            Record::of(keep).on(0),
            Record::of(keep).on(0).header("source", "x"),
        ],
    );
    scene.write(
        &two,
        [
            Record::new("vip-1", "two, by its key").on(0),
            Record::new("v", "two, by nothing").on(1),
            Record::of("two, by a header").on(1).header("urgent", "no").header("urgent", "yes").header("source", "x"),
            Record::of("two, by another value").on(1).null_header("urgent").header("source", "x"),
        ],
    );
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    let records = scene.read(&output);
    let mut values = texts(&records);
    values.sort_unstable();
    assert_eq!(values, ["one/1, no json", "two, by a header", "two, by its key", keep]);
    let metric = |what: &str| node.metric(&format!("eddyline_function_{what}_total"), &[("function", &function.name)]);
    assert_eq!(metric("filtered_records"), Some(4.0));
    assert_eq!(metric("filter_undecodable_records"), Some(2.0), "headers rule the others out before their values");
}

#[test]
fn a_changed_filter_takes_effect_while_everything_runs() {
    let Some(scene) = Scene::new("changed") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let wanting = |n: u32| {
        let draft = scene.function("it").reads(&input).writes(&output);
        draft.with(&filter(&format!("{{ \"value\": {{ \"n\": [{n}] }} }}"))).handler(COPY)
    };
    let function = wanting(1);
    let node = scene.start();
    node.runs(&function);
    let mut last = version(&node, &function);
    for wanted in [1, 2, 3] {
        if wanted > 1 {
            wanting(wanted);
            last = newer(&node, &function, last);
        }
        scene.write(&input, numbers(0..5));
        scene.caught_up(&function);
    }
    let values: Vec<u64> = scene.read(&output).iter().map(|record| record.json()["n"].as_u64().unwrap()).collect();
    assert_eq!(values, [1, 2, 3]);
    scene.function("it").reads(&input).writes(&output).handler(COPY);
    newer(&node, &function, last);
    scene.write(&input, numbers(0..5));
    scene.caught_up(&function);
    assert_eq!(scene.read(&output).len(), 3 + 5, "without any filter, every record is handled");
}

#[test]
fn a_record_that_a_partition_stands_still_at_can_be_filtered_out() {
    let handler =
        "export default (record) => { if (record.json().n === 1) throw new Error('poison'); return record; };";
    let Some(scene) = Scene::new("poison") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let off = "[dead-letter]\nenabled = false\n[retry]\nmax-attempts = 1";
    let draft = || scene.function("it").reads(&input).writes(&output).with(off);
    let function = draft().handler(handler);
    let node = scene.start();
    node.runs(&function);
    scene.write(&input, numbers(0..6));
    node.eventually("the partition stands still", |_| {
        (committed(&scene.brokers, &function.group, &input) == [Some(1)]).then_some(())
    });
    draft().with(&filter(r#"{ "value": { "n": [{ "anything-but": [1, 4] }] } }"#)).handler(handler);
    scene.caught_up(&function);
    let values: Vec<u64> = scene.read(&output).iter().map(|record| record.json()["n"].as_u64().unwrap()).collect();
    assert_eq!(values, [0, 2, 3, 5], "what was taken before the change is judged by the new filter as well");
    let filtered = node.metric("eddyline_function_filtered_records_total", &[("function", &function.name)]);
    assert_eq!(filtered, Some(2.0));
}

#[test]
fn what_is_too_old_goes_to_the_dead_letter_only_if_it_is_wanted() {
    let pattern = filter(r#"{ "value": { "even": [true] } }"#);
    let age = "skip-older-than = \"1h\"";
    let Some(trial) = Trial::with("old", 1, |draft| draft.source(age).with(&pattern), COPY) else { return };
    let now = jiff::Timestamp::now().as_millisecond();
    let old = now - 2 * 60 * 60 * 1000;
    trial.feed(numbers(0..4).map(|record| record.at(old)).chain(numbers(4..6).map(|record| record.at(now))));
    assert_eq!(texts(&trial.out()), [r#"{"n":4,"even":true}"#]);
    let dead = trial.dead();
    assert_eq!(texts(&dead), [r#"{"n":0,"even":true}"#, r#"{"n":2,"even":true}"#]);
    assert!(dead.iter().all(|letter| letter.error_code() == "E2201"));
    assert_eq!(trial.metric("eddyline_function_filtered_records_total"), 3.0);
}

#[test]
fn a_batch_holds_only_what_matches() {
    let handler = "export default { batch: (records) => records.map((record) => ({ n: record.json().n, together: records.length })) };";
    let more =
        format!("{}\n[batch]\nmax-records = 5\nmax-wait = \"30s\"", filter(r#"{ "value": { "even": [true] } }"#));
    let Some(trial) = Trial::with("batch", 1, |draft| draft.with(&more), handler) else { return };
    trial.feed(numbers(0..20));
    let values: Vec<String> = (0..20).step_by(2).map(|n| format!("{{\"n\":{n},\"together\":5}}")).collect();
    assert_eq!(texts(&trial.out()), values);
}

fn eddyline(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
    command.current_dir(folder).args(arguments).output().expect("the program runs")
}

#[test]
fn validate_shows_what_is_wrong_and_invoke_shows_what_is_filtered() {
    let folder = tempfile::tempdir().expect("a folder");
    let function = folder.path().join("functions/pick");
    fs::create_dir_all(&function).expect("a folder");
    fs::write(function.join("index.ts"), COPY).expect("a file");
    let manifest = |pattern: &str| {
        let text = format!("[source]\ntopics = [\"orders\"]\n[sink]\ntopic = \"picked\"\n{}\n", filter(pattern));
        fs::write(function.join("function.toml"), text).expect("a file");
    };
    manifest(r#"{ "value": { "total": [{ "numerc": [">", 5] }] } }"#);
    let said = eddyline(folder.path(), &["validate", "--color", "never"]);
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    for part in ["E1020", "function.toml:6:11", "`value.total[0].numerc`", "did you mean `numeric`?"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    manifest(r#"{ "value": { "total": [{ "numeric": [">", 5] }] } }"#);
    assert!(eddyline(folder.path(), &["validate"]).status.success());
    let lines = ["{\"total\":4}", "{\"total\":6}", "total: 7", "{\"total\":8}"].join("\n");
    fs::write(folder.path().join("lines"), lines).expect("a file");
    let invoke = ["invoke", "pick", "--file", "lines", "--raw", "--output", "json"];
    let answer = eddyline(folder.path(), &invoke);
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer.stderr)));
    let shown: Vec<(&str, &str)> = answer["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|one| (one["outcome"].as_str().unwrap_or_default(), one["reason"].as_str().unwrap_or_default()))
        .collect();
    let json = "no filter matches: the value is no JSON";
    assert_eq!(shown, [("filtered", "no filter matches"), ("done", ""), ("filtered", json), ("done", "")]);
}
