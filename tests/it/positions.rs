//! Where a function begins, and where it goes on.

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::support::reading::{committed, consumer};
use crate::support::record::texts;
use crate::support::{Record, Scene, eventually};

const COPY: &str = "export default (record) => record;";

fn numbered(range: std::ops::Range<u32>) -> impl Iterator<Item = Record> {
    range.map(|n| Record::new("k", n.to_string()))
}

#[test]
fn earliest_begins_at_the_first_record() {
    let Some(scene) = Scene::new("earliest") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    scene.write(&input, numbered(0..3));
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    let node = scene.start();
    node.runs(&function);
    scene.write(&input, numbered(3..5));
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["0", "1", "2", "3", "4"]);
}

#[test]
fn latest_begins_behind_the_last_record_and_commits_that_before_it_handles_any() {
    let Some(scene) = Scene::new("latest") else { return };
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    scene.write(&input, numbered(0..3).map(|record| record.on(0)));
    let function = scene.function("it").reads(&input).writes(&output).start("latest").handler(COPY);
    let node = scene.start();
    node.runs(&function);
    assert_eq!(committed(&scene.brokers, &function.group, &input), [Some(3), Some(0)]);
    scene.write(&input, [Record::of("new").on(0), Record::of("new").on(1)]);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["new", "new"]);
}

#[test]
fn a_time_begins_at_the_first_record_of_that_time_or_later() {
    let Some(scene) = Scene::new("time") else { return };
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 1));
    let at = |text: &str, partition: i32, seconds: i64| Record::of(text).on(partition).at(seconds * 1000);
    // 2026-01-31T00:00:00Z
    let midnight = 1_769_817_600;
    scene.write(&input, [at("before", 0, midnight - 1), at("exactly", 0, midnight), at("after", 0, midnight + 1)]);
    scene.write(&input, [at("long before", 1, midnight - 100)]);
    let draft = scene.function("it").reads(&input).writes(&output);
    let function = draft.start("2026-01-31T00:00:00Z").handler(COPY);
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["exactly", "after"]);
}

#[test]
fn start_does_not_move_a_function_that_has_committed() {
    let Some(scene) = Scene::new("start-once") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    scene.write(&input, numbered(0..2));
    let first = scene.function("it").reads(&input).writes(&output).start("latest").handler(COPY);
    let node = scene.start();
    node.runs(&first);
    scene.write(&input, numbered(2..3));
    scene.caught_up(&first);
    node.stop();
    scene.write(&input, numbered(3..4));
    let second = scene.function("it").reads(&input).writes(&output).start("earliest").handler(COPY);
    let node = scene.start();
    node.runs(&second);
    scene.caught_up(&second);
    assert_eq!(texts(&scene.read(&output)), ["2", "3"]);
    node.stop();
    scene.write(&input, numbered(4..5));
    let third = scene.function("it").reads(&input).writes(&output).start("latest").handler(COPY);
    let node = scene.start();
    node.runs(&third);
    scene.caught_up(&third);
    assert_eq!(texts(&scene.read(&output)), ["2", "3", "4"]);
}

#[test]
fn partitions_that_appear_later_begin_at_their_first_record() {
    let Some(scene) = Scene::new("new-partition") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).start("latest").handler(COPY);
    let node = scene.start_with(&[("kafka.properties.topic.metadata.refresh.interval.ms", "1000")]);
    node.runs(&function);
    scene.topics.grow(&input, 2);
    // Written at once, most likely before the node has noticed the partition.
    scene.write(&input, numbered(0..3).map(|record| record.on(1)));
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["0", "1", "2"]);
}

#[test]
fn topics_that_match_a_pattern_later_begin_at_their_first_record() {
    let Some(scene) = Scene::new("pattern") else { return };
    let first = scene.topic("orders.eu", 1);
    let output = scene.topic("orders.out", 1);
    scene.write(&first, [Record::of("old")]);
    let pattern = format!("pattern = '^{}.*'", scene.name("orders\\."));
    let dead = format!("[dead-letter]\ntopic = {:?}", scene.topic("orders.dead", 1));
    let draft = scene.function("it").source(&pattern).writes(&output).start("latest");
    let mut function = draft.without_dead_letter_topic().with(&dead).handler(COPY);
    let node = scene.start();
    node.runs(&function);
    let second = scene.topic("orders.us", 1);
    scene.write(&second, [Record::of("first of the new topic")]);
    scene.write(&first, [Record::of("new")]);
    function.sources = vec![first.clone(), second.clone()];
    scene.caught_up(&function);
    let mut values: Vec<String> = texts(&scene.read(&output)).iter().map(|text| (*text).to_owned()).collect();
    values.sort();
    assert_eq!(values, ["first of the new topic", "new"], "the old record is behind `latest`, the new topic's is not");
    // Its own sink and dead letter match too, and are not read.
    let topics = node.status(&function).expect("a status")["topics"].clone();
    assert_eq!(topics, serde_json::json!([first, second]));
}

#[test]
fn stages_that_begin_at_latest_lose_nothing_of_what_their_pipeline_makes() {
    let Some(scene) = Scene::new("stages") else { return };
    let (input, middle, output) = (scene.topic("in", 2), scene.topic("middle", 2), scene.topic("out", 2));
    scene.write(&input, numbered(0..100));
    let first = scene.function("a-first").reads(&input).writes(&middle).handler(COPY);
    let second = scene.function("b-second").reads(&middle).writes(&output).start("latest").handler(COPY);
    let node = scene.start();
    node.runs(&second);
    scene.caught_up(&first);
    scene.caught_up(&second);
    let mut out: Vec<u32> = scene.read(&output).iter().map(|record| record.text().parse().expect("a number")).collect();
    out.sort_unstable();
    assert_eq!(out, (0..100).collect::<Vec<u32>>());
}

#[test]
fn an_offset_that_kafka_no_longer_has_resumes_at_the_earliest_and_is_counted() {
    let Some(scene) = Scene::new("out-of-range") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    scene.write(&input, numbered(0..2));
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    node.stop();
    scene.write(&input, numbered(2..10));
    scene.topics.delete_records(&input, 0, 6);
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["0", "1", "6", "7", "8", "9"]);
    let counted = node.metric("eddyline_function_out_of_range_offsets_total", &[("function", &function.name)]);
    assert_eq!(counted, Some(1.0));
    assert!(!node.logged("out of range").is_empty(), "it is logged");
}

#[test]
fn a_function_reads_several_topics_and_two_functions_read_the_same_topic() {
    let Some(scene) = Scene::new("several") else { return };
    let (one, two) = (scene.topic("one", 1), scene.topic("two", 3));
    let (both, single) = (scene.topic("both", 1), scene.topic("single", 1));
    let reads_both = scene.function("both").reads(&one).reads(&two).writes(&both).handler(COPY);
    let reads_one = scene.function("single").reads(&one).writes(&single).handler(COPY);
    scene.write(&one, numbered(0..5));
    scene.write(&two, (5..10).map(|n| Record::of(n.to_string()).on(n % 3)));
    let node = scene.start();
    node.runs(&reads_both);
    node.runs(&reads_one);
    scene.caught_up(&reads_both);
    scene.caught_up(&reads_one);
    let records = scene.read(&both);
    let mut values = texts(&records);
    values.sort_unstable();
    assert_eq!(values, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(texts(&scene.read(&single)), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_topic_that_is_made_anew_is_read_and_committed_from_its_beginning() {
    for guarantee in ["at-least-once", "exactly-once"] {
        let Some(scene) = Scene::new("made-anew") else { return };
        let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
        let draft = scene.function("it").reads(&input).writes(&output);
        let function = draft.with(&format!("[delivery]\nguarantee = \"{guarantee}\"")).handler(COPY);
        let node = scene.start();
        node.runs(&function);
        scene.write(&input, numbered(0..50));
        scene.caught_up(&function);

        scene.topics.delete(&input);
        scene.topics.create(&input, 1, &[]);
        scene.write(&input, numbered(50..70));
        // The node's client asks for what it knew until it learns of the new topic.
        eventually("the group stands behind the new records", || {
            (committed(&scene.brokers, &function.group, &input) == [Some(20)]).then_some(())
        });
        let all: Vec<String> = (0..70).map(|n| n.to_string()).collect();
        assert_eq!(texts(&scene.read(&output)), all, "{guarantee}");
        node.stop();
        assert_eq!(committed(&scene.brokers, &function.group, &input), [Some(20)], "{guarantee}, when it was stopped");
    }
}

#[test]
fn a_position_behind_all_that_the_topic_holds_begins_once_at_its_earliest_record() {
    for guarantee in ["at-least-once", "exactly-once"] {
        let Some(scene) = Scene::new("beyond") else { return };
        let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
        let draft = scene.function("it").reads(&input).writes(&output);
        let function = draft.with(&format!("[delivery]\nguarantee = \"{guarantee}\"")).handler(COPY);
        scene.write(&input, numbered(0..20));
        // As after a topic was made anew while its function was away.
        let mut beyond = TopicPartitionList::new();
        beyond.add_partition_offset(&input, 0, Offset::Offset(1000)).expect("a partition");
        consumer(&scene.brokers, &function.group).commit(&beyond, CommitMode::Sync).expect("the group is moved");
        let node = scene.start();
        eventually("the group stands behind the records", || {
            (committed(&scene.brokers, &function.group, &input) == [Some(20)]).then_some(())
        });
        let all: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let read = || Some(scene.read(&output)).filter(|read| read.len() >= all.len());
        assert_eq!(texts(&eventually("the results show", read)), all, "{guarantee}");
        let counted = node.metric("eddyline_function_out_of_range_offsets_total", &[("function", &function.name)]);
        assert_eq!(counted, Some(1.0), "{guarantee}: it is not sent back to where there is nothing");
    }
}
