//! Bytes are kept: what goes in comes out, null distinct from empty.

use eddyline::kafka::{Outgoing, Position, Settings};

use super::support::{Member, PATIENCE, create, fill, owned, producer, real_kafka, texts, unique};

/// Set in the process that runs one test alone.
const CHILD: &str = "EDDYLINE_TEST_CHILD";

type Bytes = Option<&'static [u8]>;
type Case = (Bytes, Bytes, &'static [(&'static [u8], Bytes)]);

const CASES: &[Case] = &[
    (None, None, &[]),
    (Some(b""), Some(b""), &[]),
    (Some(b""), None, &[(b"null", None), (b"empty", Some(b""))]),
    (None, Some(b""), &[(b"", Some(b"a header without a name"))]),
    (Some(b"\xff\xfe"), Some(b"\x00\xff"), &[(b"\xff\xfe name", Some(b"\x00\xff"))]),
    (
        Some(b"key"),
        Some(b"value"),
        &[(b"b", Some(b"1")), (b"a", Some(b"2")), (b"b", Some(b"3")), (b"B", None), (b"a", Some(b"2"))],
    ),
];

/// Shared with the embedded broker's tests.
pub fn every_byte_comes_back(settings: &Settings, topic: &str) {
    let (producer, collector) = producer(settings);
    let sink = producer.topic(topic).unwrap();
    for (i, (key, value, headers)) in CASES.iter().enumerate() {
        let record = Outgoing {
            topic: &sink,
            partition: Some(0),
            timestamp: Some(1_700_000_000_000 + i as i64),
            key: *key,
            value: *value,
            opaque: i,
        };
        producer.produce(record, headers.iter().copied()).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    for (report, (key, value, headers)) in collector.wait(CASES.len()).iter().zip(CASES) {
        assert_eq!(report.key.as_deref(), *key, "a report keeps the key");
        assert_eq!(report.value.as_deref(), *value, "a report keeps the value");
        assert_eq!(report.headers, owned(headers.iter().copied()));
        assert_eq!(report.result, Ok((0, report.opaque as i64)));
    }

    let mut member = Member::join(settings, &unique("group"), &[topic]);
    member.accept(Position::Beginning);
    let records = member.take(CASES.len());
    for (i, (record, (key, value, headers))) in records.iter().zip(CASES).enumerate() {
        assert_eq!(record.topic(), topic);
        assert_eq!((record.partition(), record.offset()), (0, i as i64));
        assert_eq!(record.timestamp(), Some(1_700_000_000_000 + i as i64));
        assert_eq!(record.key(), *key, "case {i}");
        assert_eq!(record.value(), *value, "case {i}");
        assert_eq!(owned(record.headers()), owned(headers.iter().copied()), "case {i}");
        let in_headers: usize = headers.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum();
        assert_eq!(record.bytes(), key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + in_headers);
        assert_eq!(record.size(), record.bytes() + 64 * headers.len(), "what holds a header counts too");
    }
}

#[test]
fn keys_values_headers_and_times_come_back_byte_for_byte() {
    let Some(settings) = real_kafka() else { return };
    // The records' times are long ago.
    let topic = create(&settings, 1, &[("retention.ms", "-1")]);
    every_byte_comes_back(&settings, &topic.name);
}

#[test]
fn every_partition_keeps_its_order_and_none_is_missed() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 5, &[]);
    for partition in 0..5 {
        fill(&settings, &topic.name, partition, 3000);
    }
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    assert_eq!(member.accept(Position::Beginning).len(), 5);
    let mut next = [0_i64; 5];
    for record in member.take(15_000) {
        let expected = &mut next[record.partition() as usize];
        assert_eq!(record.offset(), *expected);
        assert_eq!(record.value().unwrap(), expected.to_string().as_bytes());
        *expected += 1;
    }
    assert_eq!(next, [3000; 5]);
}

#[test]
fn records_outlive_the_consumer_that_took_them() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    fill(&settings, &topic.name, 0, 10);
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    member.accept(Position::Beginning);
    let records = member.take(10);
    drop(member);
    let on_another_thread = std::thread::spawn(move || texts(&records));
    assert_eq!(on_another_thread.join().unwrap()[9], "9");
}

#[test]
fn a_partition_that_is_not_taken_stops_being_fetched() {
    let Some(mut settings) = real_kafka() else {
        return;
    };
    // Other tests' memory must not count, so this one runs in a process of its own.
    if std::env::var_os(CHILD).is_none() {
        return run_alone("kafka_layer::records::a_partition_that_is_not_taken_stops_being_fetched");
    }
    settings.properties.insert("queued.max.messages.kbytes".into(), "1024".into());
    settings.properties.insert("fetch.message.max.bytes".into(), "262144".into());
    let topic = create(&settings, 2, &[]);
    let (producer, collector) = producer(&settings);
    let sink = producer.topic(&topic.name).unwrap();
    // Random, because what counts on the way is the compressed size.
    let value: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(10_000).collect();
    for i in 0..6000 {
        let record =
            Outgoing { topic: &sink, partition: Some(0), timestamp: None, key: None, value: Some(&value), opaque: i };
        producer.produce(record, []).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    collector.wait(6000);
    fill(&settings, &topic.name, 1, 20_000);
    drop(producer);

    let before = resident_kilobytes();
    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    let slots = member.accept(Position::Beginning);
    let (_, stalled) = slots.iter().find(|(p, _)| p.partition == 0).unwrap();
    let (_, flowing) = slots.iter().find(|(p, _)| p.partition == 1).unwrap();
    // The other partition is taken to its end while nobody takes this one's 60 MB.
    let (mut taken, mut records) = (0, Vec::new());
    super::support::eventually("the other partition is taken to its end", || {
        assert!(member.event().is_none());
        taken += member.consumer.take(*flowing, 1000, &mut records).unwrap();
        records.clear();
        taken == 20_000
    });

    let grown = resident_kilobytes().saturating_sub(before);
    assert!(grown < 40_000, "the stalled partition's backlog grew memory by {grown} kB");
    super::support::eventually("the stalled partition is taken to its end", || {
        member.consumer.take(*stalled, 1000, &mut records).unwrap();
        let done = records.last().is_some_and(|last| last.offset() == 5999);
        records.clear();
        done
    });
}

fn run_alone(test: &str) {
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .status();
    assert!(status.unwrap().success());
}

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn how_much_is_fetched_at_a_time_changes_for_partitions_that_are_assigned_already() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[]);
    let mut one_by_one = settings.clone();
    one_by_one.properties.insert("batch.num.messages".into(), "1".into());
    let (producer, collector) = producer(&one_by_one);
    let sink = producer.topic(&topic.name).unwrap();
    let value: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(10_000).collect();
    for i in 0..400 {
        let record =
            Outgoing { topic: &sink, partition: Some(0), timestamp: None, key: None, value: Some(&value), opaque: i };
        producer.produce(record, []).unwrap();
    }
    collector.wait(400);

    let mut member = Member::join(&settings, &unique("group"), &[&topic.name]);
    member.consumer.fetch_ahead(1, 50_000);
    let slot = member.accept(Position::Beginning)[0].1;
    // One fetch, since nothing is fetched while its first record is there.
    let fetch = |member: &mut Member| {
        let mut records = Vec::new();
        super::support::eventually("records are fetched", || {
            member.consumer.take(slot, 1, &mut records).unwrap();
            !records.is_empty()
        });
        while member.consumer.take(slot, 400, &mut records).unwrap() > 0 {}
        records.len()
    };
    let few = fetch(&mut member);
    assert!((1..=20).contains(&few), "{few}");
    member.consumer.fetch_ahead(1, usize::MAX);
    let most = (0..3).map(|_| fetch(&mut member)).max().unwrap();
    assert!(most > 50, "{most}");
}
