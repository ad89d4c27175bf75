//! A group that never ran begins where it is told; one that ran goes on.

use std::time::Duration;

use eddyline::kafka::{
    Beginning, GroupPartitions, Groups, Outgoing, Position, Resolved, Settings, Start, TopicInfo, ensure_start,
};

use super::support::{Member, PATIENCE, all_of, create, fill, producer, real_kafka, texts, unique};

const HOUR: i64 = 3_600_000;
const NOON: i64 = 1_700_000_000_000;

/// Ten records in each partition, an hour apart.
fn ten_hours(settings: &Settings, partitions: i32) -> TopicInfo {
    let topic = create(settings, partitions, &[("retention.ms", "-1")]);
    let (producer, collector) = producer(settings);
    let sink = producer.topic(&topic.name).unwrap();
    for partition in 0..partitions {
        for hour in 0..10_usize {
            let value = hour.to_string();
            let record = Outgoing {
                topic: &sink,
                partition: Some(partition),
                timestamp: Some(NOON + hour as i64 * HOUR),
                key: None,
                value: Some(value.as_bytes()),
                opaque: hour,
            };
            producer.produce(record, []).unwrap();
        }
    }
    producer.flush(PATIENCE).unwrap();
    collector.wait(partitions as usize * 10);
    topic
}

fn start(settings: &Settings, group: &str, topics: &[TopicInfo], start: Start) -> Resolved {
    ensure_start(settings, group, topics, start, PATIENCE).unwrap()
}

fn offsets(resolved: Resolved) -> Vec<i64> {
    let Resolved::Committed(positions) = resolved else {
        panic!("expected new positions, got {resolved:?}");
    };
    positions.into_iter().map(|(_, offset)| offset).collect()
}

#[test]
fn earliest_latest_and_a_time_are_resolved_for_every_partition() {
    let Some(settings) = real_kafka() else { return };
    let topic = std::slice::from_ref(&ten_hours(&settings, 3)).to_vec();
    let resolve = |at| offsets(start(&settings, &unique("group"), &topic, at));
    assert_eq!(resolve(Start::Earliest), [0, 0, 0]);
    assert_eq!(resolve(Start::Latest), [10, 10, 10]);
    assert_eq!(resolve(Start::Time(NOON + 4 * HOUR)), [4, 4, 4]);
    assert_eq!(resolve(Start::Time(NOON + 4 * HOUR + 1)), [5, 5, 5]);
    assert_eq!(resolve(Start::Time(NOON - HOUR)), [0, 0, 0]);
    assert_eq!(resolve(Start::Time(NOON + 99 * HOUR)), [10, 10, 10]);
}

#[test]
fn the_start_is_committed_so_that_records_written_meanwhile_are_not_lost() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    fill(&settings, &topic.name, 0, 3);
    let group = unique("group");
    let topics = std::slice::from_ref(&topic);
    assert_eq!(offsets(start(&settings, &group, topics, Start::Latest)), [3]);
    fill(&settings, &topic.name, 0, 2);
    let mut member = Member::join(&settings, &group, &[&topic.name]);
    member.accept(Position::Committed);
    let records = member.take(2);
    assert_eq!(records[0].offset(), 3);
    assert_eq!(texts(&records), ["0", "1"]);
}

#[test]
fn a_second_start_changes_nothing_even_for_a_new_topic() {
    let Some(settings) = real_kafka() else { return };
    let old = ten_hours(&settings, 1);
    let new = ten_hours(&settings, 1);
    let group = unique("group");
    start(&settings, &group, std::slice::from_ref(&old), Start::Time(NOON + 5 * HOUR));
    let both = [old.clone(), new.clone()];
    assert_eq!(start(&settings, &group, &both, Start::Latest), Resolved::Existing);

    let mut member = Member::join(&settings, &group, &[&old.name, &new.name]);
    assert_eq!(member.accept(Position::Committed).len(), 2);
    let records = member.take(15);
    let first_of = |name: &str| {
        let of_topic = records.iter().find(|record| record.topic() == name);
        of_topic.unwrap().offset()
    };
    assert_eq!(first_of(&old.name), 5);
    assert_eq!(first_of(&new.name), 0, "what appears later begins at the earliest");
}

#[test]
fn of_many_groups_each_says_where_it_stands_without_being_asked_again() {
    let Some(settings) = real_kafka() else { return };
    let topic = ten_hours(&settings, 2);
    let (partitions, topics) = (all_of(&topic), std::slice::from_ref(&topic));
    let (old, new, active) = (unique("group"), unique("group"), unique("group"));
    start(&settings, &old, topics, Start::Time(NOON + 3 * HOUR));
    let mut member = Member::join(&settings, &active, &[&topic.name]);
    member.accept(Position::Beginning);
    let groups = Groups::apart(&settings).unwrap();
    let beginning = |group: &String| {
        let asked = GroupPartitions { group: group.clone(), partitions: partitions.clone() };
        Beginning { asked, start: Start::Latest }
    };
    let settled = groups.ensure_starts(&[&new, &old, &active].map(beginning), PATIENCE);
    let [new, old, active] = settled.try_into().unwrap();
    let (new, old, active) = (new.unwrap(), old.unwrap(), active.unwrap());
    assert_eq!((offsets(new.resolved), new.committed), (vec![10, 10], Some(vec![Some(10), Some(10)])));
    assert_eq!((old.resolved, old.committed), (Resolved::Existing, Some(vec![Some(3), Some(3)])));
    assert_eq!((active.resolved, active.committed), (Resolved::Active, None), "another node is at it");
}

#[test]
fn a_group_with_members_is_left_alone() {
    let Some(settings) = real_kafka() else { return };
    let topic = ten_hours(&settings, 1);
    members_are_left_alone(&settings, &topic);
}

/// Shared with the embedded broker's tests.
pub fn members_are_left_alone(settings: &Settings, topic: &TopicInfo) {
    let group = unique("group");
    let mut member = Member::join(settings, &group, &[&topic.name]);
    member.accept(Position::Beginning);
    let resolved = start(settings, &group, std::slice::from_ref(topic), Start::Latest);
    assert_eq!(resolved, Resolved::Active);
    let committed = member.consumer.committed(&all_of(topic), PATIENCE).unwrap();
    assert_eq!(committed[0].1, None);
}

#[test]
fn a_thousand_partitions_take_seconds() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1000, &[]);
    let begun = std::time::Instant::now();
    let resolved = start(&settings, &unique("group"), &[topic], Start::Time(NOON));
    assert_eq!(offsets(resolved), [0; 1000]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn a_broker_that_does_not_answer_is_an_error_in_time() {
    let settings = Settings::new("127.0.0.1:1");
    let topic = TopicInfo { name: "t".into(), partitions: 1 };
    let begun = std::time::Instant::now();
    let refused = ensure_start(&settings, "g", &[topic], Start::Latest, Duration::from_millis(500));
    assert!(refused.is_err());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
