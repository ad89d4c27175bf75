//! Partitions as Java chooses them, refusals told one by one, flushes that return.

use std::sync::Arc;
use std::time::Duration;

use eddyline::kafka::{Batching, Code, Outgoing, ProduceError, Producer, Settings, Topic};

use super::support::{Collector, PATIENCE, create, producer, real_kafka, topics, unique};

fn record<'a>(topic: &'a Topic, value: &'a [u8], opaque: usize) -> Outgoing<'a> {
    Outgoing { topic, partition: None, timestamp: None, key: None, value: Some(value), opaque }
}

#[test]
fn a_key_goes_to_the_partition_that_javas_client_chooses() {
    let Some(settings) = real_kafka() else { return };
    // From the tests of Java's client: murmur2 of the key.
    let hashes: [(&[u8], i32); 6] = [
        (b"21", -973_932_308),
        (b"foobar", -790_332_482),
        (b"a-little-bit-long-string", -985_981_536),
        (b"a-little-bit-longer-string", -1_486_304_829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        (b"abc", 479_470_107),
    ];
    let partitions = 7;
    let topic = create(&settings, partitions, &[]);
    let (producer, collector) = producer(&settings);
    let sink = producer.topic(&topic.name).unwrap();
    for (i, (key, _)) in hashes.iter().enumerate() {
        let mut record = record(&sink, b"x", i);
        record.key = Some(key);
        producer.produce(record, []).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    for (report, (key, hash)) in collector.wait(hashes.len()).iter().zip(hashes) {
        let expected = (hash & i32::MAX) % partitions;
        assert_eq!(report.result.unwrap().0, expected, "{key:?}");
    }
}

#[test]
fn an_empty_key_is_a_key() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 16, &[]);
    let (producer, collector) = producer(&settings);
    let sink = producer.topic(&topic.name).unwrap();
    for i in 0..50 {
        let mut record = record(&sink, b"x", i);
        record.key = Some(b"");
        producer.produce(record, []).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
    // Java's murmur2 of nothing is 275646681.
    let chosen = 275_646_681 % 16;
    let reports = collector.wait(50);
    assert!(reports.iter().all(|report| report.result.unwrap().0 == chosen));
}

#[test]
fn a_record_too_large_for_its_topic_is_told_with_its_bytes() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[("max.message.bytes", "10000")]);
    let limit = topics(&settings).takes(&topic.name, PATIENCE).max_message_bytes;
    assert_eq!(limit, Some(10_000));
    let collector = Arc::new(Collector::default());
    let producer = Producer::new(&settings, Batching::Alone, Arc::clone(&collector) as _).unwrap();
    let sink = producer.topic(&topic.name).unwrap();
    let large = incompressible(20_000);
    producer.produce(record(&sink, b"before", 0), []).unwrap();
    producer.produce(record(&sink, &large, 1), [(&b"h"[..], None)]).unwrap();
    producer.produce(record(&sink, b"after", 2), []).unwrap();
    producer.flush(PATIENCE).unwrap();
    let reports = collector.wait(3);
    assert!(reports[0].result.is_ok());
    assert_eq!(reports[1].result, Err(Code::TOO_LARGE));
    assert_eq!(reports[1].value.as_ref(), Some(&large));
    assert_eq!(reports[1].headers, [(b"h".to_vec(), None)]);
    assert!(reports[2].result.is_ok(), "{:?}", reports[2].result);
    assert!(producer.fatal().is_none());
}

#[test]
fn a_batch_refused_for_one_record_goes_through_one_by_one() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 1, &[("max.message.bytes", "10000")]);
    let collector = Arc::new(Collector::default());
    let shared = Producer::new(&settings, Batching::Shared, Arc::clone(&collector) as _).unwrap();
    let sink = shared.topic(&topic.name).unwrap();
    let values: Vec<Vec<u8>> = (0..10).map(|_| incompressible(3000)).collect();
    for (i, value) in values.iter().enumerate() {
        shared.produce(record(&sink, value, i), []).unwrap();
    }
    shared.flush(PATIENCE).unwrap();
    let refused: Vec<usize> = collector
        .wait(10)
        .iter()
        .filter(|report| report.result == Err(Code::TOO_LARGE))
        .map(|report| report.opaque)
        .collect();
    assert!(!refused.is_empty(), "the shared batch exceeds the topic's limit");

    let again = Arc::new(Collector::default());
    let alone = Producer::new(&settings, Batching::Alone, Arc::clone(&again) as _).unwrap();
    let sink = alone.topic(&topic.name).unwrap();
    for &i in &refused {
        alone.produce(record(&sink, &values[i], i), []).unwrap();
    }
    alone.flush(PATIENCE).unwrap();
    assert!(again.wait(refused.len()).iter().all(|report| report.result.is_ok()));
    assert!(shared.fatal().is_none());
    shared.produce(record(&sink_of(&shared, &topic.name), b"later", 10), []).unwrap();
    shared.flush(PATIENCE).unwrap();
    assert!(collector.wait(11)[10].result.is_ok(), "the shared producer goes on");
}

fn sink_of(producer: &Producer, name: &str) -> Topic {
    producer.topic(name).unwrap()
}

#[test]
fn producing_creates_no_topic() {
    let Some(settings) = real_kafka() else { return };
    let mut settings = settings;
    settings.properties.insert("topic.metadata.propagation.max.ms".into(), "500".into());
    let name = unique("it-absent");
    let (producer, collector) = producer(&settings);
    let sink = producer.topic(&name).unwrap();
    match producer.produce(record(&sink, b"x", 0), []) {
        Err(ProduceError::UnknownTopic) => {}
        Ok(()) => {
            let unknown = [Code::UNKNOWN_TOPIC, Code::UNKNOWN_TOPIC_OR_PARTITION];
            let refused = collector.wait(1)[0].result.unwrap_err();
            assert!(unknown.contains(&refused), "{refused}");
        }
        Err(other) => panic!("{other}"),
    }
    let seen = topics(&settings).describe(&[&name], PATIENCE).unwrap();
    assert_eq!(seen, [None]);
}

#[test]
fn a_partition_that_does_not_exist_is_refused() {
    let Some(settings) = real_kafka() else { return };
    let topic = create(&settings, 2, &[]);
    let (producer, collector) = producer(&settings);
    let sink = producer.topic(&topic.name).unwrap();
    producer.produce(record(&sink, b"x", 0), []).unwrap();
    collector.wait(1);
    let mut record = record(&sink, b"x", 1);
    record.partition = Some(2);
    let refused = producer.produce(record, []);
    assert!(matches!(refused, Err(ProduceError::UnknownPartition)), "{refused:?}");
}

#[test]
fn a_full_queue_is_told_and_takes_records_again_later() {
    let Some(mut settings) = real_kafka() else {
        return;
    };
    let topic = create(&settings, 1, &[]);
    settings.properties.insert("queue.buffering.max.messages".into(), "10".into());
    settings.properties.insert("linger.ms".into(), "500".into());
    let (producer, collector) = producer(&settings);
    let sink = producer.topic(&topic.name).unwrap();
    for i in 0..10 {
        producer.produce(record(&sink, b"x", i), []).unwrap();
    }
    let refused = producer.produce(record(&sink, b"x", 10), []);
    assert!(matches!(refused, Err(ProduceError::QueueFull)), "{refused:?}");
    assert!(producer.in_flight() >= 10);
    collector.wait(10);
    producer.flush(PATIENCE).unwrap();
    producer.produce(record(&sink, b"x", 10), []).unwrap();
    collector.wait(11);
}

#[test]
fn a_flush_without_a_broker_gives_up_in_time_and_dropping_reports_what_was_lost() {
    // Nothing listens on port 1.
    let settings = Settings::new("127.0.0.1:1");
    let (producer, collector) = producer(&settings);
    let sink = producer.topic("nowhere").unwrap();
    producer.produce(record(&sink, b"x", 7), []).unwrap();
    let refused = producer.flush(Duration::from_millis(200)).unwrap_err();
    assert_eq!(refused.code(), Some(Code::TIMED_OUT));
    drop(sink);
    drop(producer);
    let report = &collector.wait(1)[0];
    assert_eq!((report.opaque, report.result), (7, Err(Code::PURGED)));
}

/// Bytes that lz4 cannot shrink.
fn incompressible(len: usize) -> Vec<u8> {
    std::iter::repeat_with(|| fastrand::u8(..)).take(len).collect()
}
