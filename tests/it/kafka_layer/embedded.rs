//! The embedded broker keeps what the demo needs.

use std::sync::Arc;

use eddyline::kafka::{
    Code, EmbeddedBroker, Position, Resolved, Settings, Start, Takes, TopicInfo, Topics, ensure_start,
};

use super::group::a_late_answer_holds_the_partitions;
use super::positions::members_are_left_alone;
use super::records::every_byte_comes_back;
use super::support::{Member, PATIENCE, fill, new_topic, texts, unique};

fn broker() -> (Arc<EmbeddedBroker>, Settings, Topics) {
    let broker = Arc::new(EmbeddedBroker::start(1).unwrap());
    let settings = Settings::new(broker.bootstrap_servers());
    let topics = Topics::new(&settings, Some(Arc::clone(&broker))).unwrap();
    (broker, settings, topics)
}

#[test]
fn bytes_come_back_through_the_embedded_broker() {
    let (_broker, settings, topics) = broker();
    topics.create(&[new_topic("t", 1, &[])], PATIENCE).unwrap();
    every_byte_comes_back(&settings, "t");
}

#[test]
fn the_embedded_broker_makes_only_the_topics_that_were_asked_for() {
    let (_broker, settings, topics) = broker();
    let asked = new_topic("asked", 3, &[]);
    topics.create(std::slice::from_ref(&asked), PATIENCE).unwrap();
    topics.create(&[asked], PATIENCE).unwrap();
    let mut member = Member::join(&settings, "g", &["asked", "never"]);
    assert_eq!(member.accept(Position::Committed).len(), 3);
    let seen = topics.describe(&["never", "asked"], PATIENCE).unwrap();
    let info = TopicInfo { name: "asked".into(), partitions: 3 };
    assert_eq!(seen, [None, Some(info)]);
    assert_eq!(topics.takes("asked", PATIENCE), Takes::default());
}

#[test]
fn a_group_starts_at_the_end_of_the_embedded_brokers_topics() {
    let (_broker, settings, topics) = broker();
    topics.create(&[new_topic("t", 2, &[])], PATIENCE).unwrap();
    fill(&settings, "t", 0, 3);
    let info = topics.describe(&["t"], PATIENCE).unwrap().remove(0).unwrap();
    let group = unique("group");
    let start = |at| ensure_start(&settings, &group, std::slice::from_ref(&info), at, PATIENCE);
    let Resolved::Committed(positions) = start(Start::Latest).unwrap() else {
        panic!("expected new positions");
    };
    assert_eq!(positions.iter().map(|(_, offset)| *offset).collect::<Vec<_>>(), [3, 0]);
    assert_eq!(start(Start::Earliest).unwrap(), Resolved::Existing);
    fill(&settings, "t", 0, 1);
    let mut member = Member::join(&settings, &group, &["t"]);
    member.accept(Position::Committed);
    assert_eq!(texts(&member.take(1)), ["0"]);
}

#[test]
fn a_group_with_members_is_left_alone_on_the_embedded_broker() {
    let (_broker, settings, topics) = broker();
    topics.create(&[new_topic("t", 1, &[])], PATIENCE).unwrap();
    fill(&settings, "t", 0, 3);
    let info = TopicInfo { name: "t".into(), partitions: 1 };
    members_are_left_alone(&settings, &info);
}

#[test]
fn the_embedded_brokers_groups_rebalance_as_kafkas_do() {
    let (_broker, mut settings, topics) = broker();
    topics.create(&[new_topic("t", 4, &[])], PATIENCE).unwrap();
    settings.properties.insert("session.timeout.ms".into(), "2000".into());
    settings.properties.insert("heartbeat.interval.ms".into(), "100".into());
    a_late_answer_holds_the_partitions(&settings, "t", std::time::Duration::from_secs(2));
}

#[test]
fn an_error_number_has_a_name() {
    assert_eq!(Code::TOO_LARGE.to_string(), "MSG_SIZE_TOO_LARGE");
    assert_eq!(Code(9999).to_string(), "error 9999");
}
