//! Rebalances wait for their answer, offsets are kept, positions out of range go on at earliest.

use std::time::{Duration, Instant};

use eddyline::kafka::{ConsumerEvent, Error, Position, Settings, TopicPartition};

use super::support::{
    Member, PATIENCE, all_of, create, eventually, fill, new_topic, real_kafka, texts, topics, unique,
};

/// The group notices a member that does not answer after this.
const SESSION: Duration = Duration::from_secs(6);

fn impatient(mut settings: Settings) -> Settings {
    let session = SESSION.as_millis().to_string();
    settings.properties.insert("session.timeout.ms".into(), session);
    settings.properties.insert("heartbeat.interval.ms".into(), "200".into());
    settings
}

/// Shared with the embedded broker's tests.
pub fn a_late_answer_holds_the_partitions(settings: &Settings, topic: &str, session: Duration) {
    let group = unique("group");
    let mut first = Member::join(settings, &group, &[topic]);
    assert_eq!(first.accept(Position::Beginning).len(), 4);

    let mut second = Member::join(settings, &group, &[topic]);
    let revoked = wait_for_revoke(&mut first, &mut second);
    assert_eq!(revoked.len(), 2);
    // The first still drains, for longer than the session lasts: heartbeats must go on.
    let draining = Instant::now() + session + Duration::from_secs(1);
    while Instant::now() < draining {
        assert!(first.event().is_none(), "nothing happens before the answer");
        match second.event() {
            None => {}
            Some(ConsumerEvent::Assign(early)) => {
                assert_eq!(early, []);
                second.take_over(early, Position::Committed);
            }
            Some(other) => panic!("unexpected {other:?}"),
        }
        assert!(!first.consumer.assignment_lost());
        std::thread::sleep(Duration::from_millis(10));
    }
    first.consumer.unassign(&revoked).unwrap();
    let mut got = Vec::new();
    eventually("the second has what the first gave up", || {
        match first.event() {
            None => {}
            Some(ConsumerEvent::Assign(partitions)) => {
                assert_eq!(partitions, []);
                first.take_over(partitions, Position::Committed);
            }
            Some(other) => panic!("unexpected {other:?}"),
        }
        if let Some(ConsumerEvent::Assign(partitions)) = second.event() {
            got.extend(partitions.clone());
            second.take_over(partitions, Position::Committed);
        }
        got.len() == 2
    });
    got.sort();
    let mut expected = revoked;
    expected.sort();
    assert_eq!(got, expected);
    let kept = first.consumer.slot(&got[0]);
    assert_eq!(kept, None, "what was given up is gone");
}

fn wait_for_revoke(first: &mut Member, second: &mut Member) -> Vec<TopicPartition> {
    let mut revoked = None;
    eventually("the first is asked to give up partitions", || {
        if let Some(ConsumerEvent::Assign(none)) = second.event() {
            assert_eq!(none, []);
            second.take_over(none, Position::Committed);
        }
        if let Some(ConsumerEvent::Revoke { partitions, lost }) = first.event() {
            assert!(!lost);
            revoked = Some(partitions);
        }
        revoked.is_some()
    });
    revoked.unwrap()
}

#[test]
fn a_rebalance_waits_for_a_late_answer_while_heartbeats_go_on() {
    let Some(settings) = real_kafka() else { return };
    let settings = impatient(settings);
    let topic = create(&settings, 4, &[]);
    a_late_answer_holds_the_partitions(&settings, &topic.name, SESSION);
}

#[test]
fn the_owner_is_woken_for_events_and_for_records() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 3, &[]);
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    let event = loop {
        assert!(member.bell.wait(PATIENCE), "no wake for the partitions");
        if let Some(event) = member.event() {
            break event;
        }
    };
    let ConsumerEvent::Assign(partitions) = event else {
        panic!("expected partitions, got {event:?}");
    };
    member.take_over(partitions, Position::Beginning);
    fill(&settings, &topic.name, 2, 1);
    let (mut ready, mut records) = (Vec::new(), Vec::new());
    while records.is_empty() {
        assert!(member.bell.wait(PATIENCE), "no wake for the record");
        member.consumer.ready(&mut ready);
        for ready in ready.drain(..) {
            // A wake may find nothing: librdkafka's own markers pass through the queue, too.
            member.consumer.take(ready, 10, &mut records).unwrap();
        }
    }
    assert_eq!(records[0].partition(), 2);
}

#[test]
fn stored_offsets_are_committed_in_the_background_and_when_leaving() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    fill(&settings, &topic.name, 0, 100);
    let group = unique("group");
    let partitions = all_of(&topic);

    let mut member = Member::join(&settings, &group, &[&topic.name]);
    let slot = member.accept(Position::Beginning)[0].1;
    member.take(100);
    assert_eq!(member.consumer.position(slot), Some(100));
    assert_eq!(member.consumer.watermarks(slot), Some((0, 100)));
    member.consumer.store(&[(slot, 40)]).unwrap();
    eventually("the background commit", || {
        let _ = member.event();
        member.consumer.committed(&partitions, PATIENCE).unwrap()[0].1 == Some(40)
    });
    member.consumer.commit(&[(slot, 60)], PATIENCE).unwrap();
    let committed = member.consumer.committed(&partitions, PATIENCE).unwrap();
    assert_eq!(committed, [(partitions[0].clone(), Some(60))]);
    member.consumer.store(&[(slot, 70)]).unwrap();
    member.consumer.close(PATIENCE).unwrap();

    let mut member = Member::join(&settings, &group, &[&topic.name]);
    member.accept(Position::Committed);
    assert_eq!(member.take(30)[0].offset(), 70, "a restart goes on behind the last commit");
}

#[test]
fn a_slot_is_refused_once_its_partition_is_given_up() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    let (partition, slot) = member.accept(Position::Beginning).remove(0);
    member.consumer.unassign(std::slice::from_ref(&partition)).unwrap();
    let again = member.take_over(vec![partition], Position::Beginning)[0].1;
    assert_ne!(slot, again);
    let refused = member.consumer.take(slot, 1, &mut Vec::new());
    assert!(matches!(refused, Err(Error::NotAssigned)));
    member.consumer.take(again, 1, &mut Vec::new()).unwrap();
}

#[test]
fn a_restarted_partition_shows_nothing_from_before() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    fill(&settings, &topic.name, 0, 1000);
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    let slot = member.accept(Position::Beginning)[0].1;
    let mut records = Vec::new();
    eventually("some records", || {
        member.consumer.take(slot, 10, &mut records).unwrap();
        records.len() >= 10
    });
    member.consumer.restart(slot, Position::Offset(500)).unwrap();
    assert_eq!(member.take(500)[0].offset(), 500);
}

#[test]
fn a_paused_partition_goes_on_where_it_was() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    fill(&settings, &topic.name, 0, 100);
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    let slot = member.accept(Position::Beginning)[0].1;
    let mut records = Vec::new();
    eventually("some records", || {
        member.consumer.take(slot, 10 - records.len(), &mut records).unwrap();
        records.len() == 10
    });
    member.consumer.pause(&[slot]).unwrap();
    let none = member.consumer.take(slot, 100, &mut Vec::new()).unwrap();
    assert_eq!(none, 0, "what was fetched ahead is dropped");
    member.consumer.resume(&[slot]).unwrap();
    assert_eq!(member.take(90)[0].offset(), 10);
}

#[test]
fn an_offset_out_of_range_goes_on_at_the_earliest_and_is_told() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    fill(&settings, &topic.name, 0, 10);
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    member.accept(Position::Offset(1000));
    let ConsumerEvent::OffsetReset { partition, detail } = member.next_event() else {
        panic!("expected to be told");
    };
    assert_eq!(partition, all_of(&topic)[0]);
    assert!(detail.contains("offset 1000"), "{detail}");
    assert_eq!(texts(&member.take(10))[0], "0");
}

#[test]
fn a_partition_that_appears_later_begins_at_the_earliest() {
    let Some(mut settings) = real_kafka() else {
        return;
    };
    settings.properties.insert("topic.metadata.refresh.interval.ms".into(), "500".into());
    let first = create(&settings, 1, &[]);
    let later = unique("it-later");
    fill(&settings, &first.name, 0, 1);
    let mut member = Member::join(&settings, &unique("group"), &[&first.name, &later]);
    member.accept(Position::Committed);
    member.take(1);
    topics(&settings).create(&[new_topic(&later, 1, &[])], PATIENCE).unwrap();
    fill(&settings, &later, 0, 5);
    member.accept(Position::Committed);
    assert_eq!(texts(&member.take(5)), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_consumer_whose_broker_is_gone_closes_in_time() {
    let broker = eddyline::kafka::EmbeddedBroker::start(1).unwrap();
    broker.create_topic("t", 1).unwrap();
    let settings = Settings::new(broker.bootstrap_servers());
    let mut member = Member::join(&settings, &unique("group"), &["t"]);
    let slot = member.accept(Position::Beginning)[0].1;
    member.consumer.store(&[(slot, 0)]).unwrap();
    drop(broker);
    let start = Instant::now();
    let _ = member.consumer.close(Duration::from_secs(2));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}
