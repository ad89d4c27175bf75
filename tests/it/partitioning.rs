//! Which partition a result goes to.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::broker::skip;
use crate::support::folder::repository;
use crate::support::murmur::partition_of;
use crate::support::record::keys;
use crate::support::{Record, Scene, Trial};

/// Kafka's own console producer, with a tab between key and value. False where there is no Java to run it.
pub fn write_with_kafkas_own_producer(brokers: &str, topic: &str, lines: &str) -> bool {
    let mut child = Command::new(repository().join("scripts/kafka"))
        .args(["tool", "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", brokers, "--topic", topic])
        .args(["--reader-property", "parse.key=true", "--command-property", "linger.ms=20"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("scripts/kafka starts");
    let written = child.stdin.take().expect("stdin is a pipe").write_all(lines.as_bytes());
    let status = child.wait().expect("it ends");
    status.success() && written.is_ok()
}

#[test]
fn results_land_in_the_partitions_that_java_clients_choose_for_their_keys() {
    let Some(trial) = Trial::new("java", 7, "export default (record) => record;") else { return };
    let words: Vec<String> = (0..200).map(|n| format!("key-{n}-{}-ü", "x".repeat(n % 9))).collect();
    let lines: String = words.iter().map(|word| format!("{word}\tvalue of {word}\n")).collect();
    if !write_with_kafkas_own_producer(&trial.scene.brokers, &trial.input, &lines) {
        return skip("java", "Kafka's own producer does not run here");
    }
    trial.scene.caught_up(&trial.function);
    let (input, output) = (trial.scene.read(&trial.input), trial.out());
    assert_eq!(input.len(), words.len());
    let places = |records: &[Record]| -> Vec<_> {
        records.iter().map(|record| (record.partition, record.key.clone(), record.value.clone())).collect()
    };
    assert_eq!(places(&output), places(&input));
    assert!(output.iter().all(|record| record.partition == Some(partition_of(record.key_text(), 7))));
}

#[test]
fn a_new_key_chooses_its_own_partition() {
    let handler = "export default (record, ctx) => { ctx.emit('x', { key: record.text() }); };";
    let Some(trial) = Trial::new("rekeyed", 5, handler) else { return };
    let words: Vec<String> = (0..50).map(|n| format!("user-{n}")).collect();
    trial.feed(words.iter().map(|word| Record::new("same", word)));
    let out = trial.out();
    assert_eq!(out.len(), words.len());
    for record in &out {
        assert_eq!(record.partition, Some(partition_of(record.key_text(), 5)), "{}", record.key_text());
    }
}

#[test]
fn a_partition_that_does_not_exist_fails_its_own_record_only() {
    let handler = "export default (record, ctx) => { ctx.emit('x', { partition: Number(record.text()) }); };";
    let Some(trial) = Trial::new("no-partition", 2, handler) else { return };
    trial.feed(["0", "7", "1", "-1", "2"].map(|text| Record::new(text, text).on(0)));
    assert_eq!(keys(&trial.out()), ["0", "1"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["7", "-1", "2"]);
    assert!(dead.iter().all(|letter| letter.error_code() == "E2001"));
}

#[test]
fn a_created_sink_has_as_many_partitions_as_its_source() {
    let Some(scene) = Scene::new("copartitioned") else { return };
    let source = scene.topic("in", 6);
    let sink = scene.name("out");
    let function = scene.function("it").reads(&source).writes(&sink).handler("export default (record) => record;");
    scene.write(&source, (0..60).map(|n| Record::new(format!("k{n}"), "v")));
    let node = scene.start_with(&[("topics.create", "true")]);
    node.runs(&function);
    scene.caught_up(&function);
    let places = |records: &[Record]| -> Vec<_> {
        records.iter().map(|record| (record.partition, record.key.clone())).collect()
    };
    assert_eq!(crate::support::reading::partitions(&scene.brokers, &sink), Some(6));
    assert_eq!(places(&scene.read(&sink)), places(&scene.read(&source)));
}
