//! A broker, a topic, a consumer and a producer for one test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use eddyline::kafka::{
    Batching, Code, Consumer, ConsumerEvent, Deliveries, Message, NewTopic, Outgoing, Position, Producer, Report,
    Settings, Slot, TopicInfo, TopicPartition, Topics,
};

pub const PATIENCE: Duration = Duration::from_secs(30);

/// The real Kafka of this run, or `None`, said aloud, where there is none.
pub fn real_kafka() -> Option<Settings> {
    match std::env::var("EDDYLINE_TEST_BROKERS") {
        Ok(brokers) => Some(Settings::new(brokers)),
        Err(_) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("EDDYLINE_TEST_BROKERS is not set, and CI must not skip tests")
        }
        Err(_) => {
            eprintln!("skipped: EDDYLINE_TEST_BROKERS names no Kafka to test against");
            None
        }
    }
}

/// A name that no other test and no earlier run uses.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{since}-{next}")
}

pub fn new_topic(name: &str, partitions: i32, configs: &[(&str, &str)]) -> NewTopic {
    let configs = configs.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    NewTopic { name: name.to_owned(), partitions, replication: None, configs: configs.collect::<BTreeMap<_, _>>() }
}

pub fn topics(settings: &Settings) -> Topics {
    Topics::new(settings, None).unwrap()
}

/// Makes a topic with a name of its own.
pub fn create(settings: &Settings, partitions: i32, configs: &[(&str, &str)]) -> TopicInfo {
    let name = unique("it");
    let topic = new_topic(&name, partitions, configs);
    topics(settings).create(&[topic], PATIENCE).unwrap();
    TopicInfo { name, partitions }
}

pub fn all_of(topic: &TopicInfo) -> Vec<TopicPartition> {
    (0..topic.partitions).map(|partition| TopicPartition::new(topic.name.as_str(), partition)).collect()
}

/// What a report said.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub opaque: usize,
    pub result: Result<(i32, i64), Code>,
    pub value: Option<Vec<u8>>,
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Keeps every report.
#[derive(Default)]
pub struct Collector {
    reports: Mutex<Vec<Delivered>>,
    more: Condvar,
}

impl Deliveries for Collector {
    fn delivered(&self, reports: &[Report<'_>]) {
        let mut all = self.reports.lock().unwrap();
        all.extend(reports.iter().map(|report| Delivered {
            opaque: report.opaque(),
            result: report.result(),
            value: report.value().map(<[u8]>::to_vec),
            key: report.key().map(<[u8]>::to_vec),
            headers: owned(report.headers()),
        }));
        self.more.notify_all();
    }
}

impl Collector {
    /// Waits for that many reports, and returns them ordered by their numbers.
    pub fn wait(&self, count: usize) -> Vec<Delivered> {
        let reports = self.reports.lock().unwrap();
        let (reports, timeout) =
            self.more.wait_timeout_while(reports, PATIENCE, |reports| reports.len() < count).unwrap();
        assert!(!timeout.timed_out(), "{} of {count} reports", reports.len());
        let mut reports = reports.clone();
        reports.sort_by_key(|report| report.opaque);
        reports
    }
}

pub fn owned<'a>(headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    headers.map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect()
}

pub fn producer(settings: &Settings) -> (Producer, Arc<Collector>) {
    let collector = Arc::new(Collector::default());
    let deliveries = Arc::clone(&collector);
    let producer = Producer::new(settings, Batching::Shared, deliveries).unwrap();
    (producer, collector)
}

/// Writes `count` records with the values "0", "1", … to one partition.
pub fn fill(settings: &Settings, topic: &str, partition: i32, count: usize) {
    let (producer, collector) = producer(settings);
    let topic = producer.topic(topic).unwrap();
    for i in 0..count {
        let value = i.to_string();
        let record = Outgoing {
            topic: &topic,
            partition: Some(partition),
            timestamp: None,
            key: None,
            value: Some(value.as_bytes()),
            opaque: i,
        };
        producer.produce(record, []).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let reports = collector.wait(count);
    assert!(reports.iter().all(|report| report.result.is_ok()));
}

/// Wakes a test's thread.
#[derive(Default)]
pub struct Bell(Mutex<bool>, Condvar);

impl Bell {
    pub fn ring(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    /// Whether it rang.
    pub fn wait(&self, longest: Duration) -> bool {
        let rung = self.0.lock().unwrap();
        let (mut rung, _) = self.1.wait_timeout_while(rung, longest, |rung| !*rung).unwrap();
        std::mem::take(&mut *rung)
    }
}

/// A consumer that a test drives by hand.
pub struct Member {
    pub consumer: Consumer,
    pub bell: Arc<Bell>,
}

impl Member {
    pub fn join(settings: &Settings, group: &str, topics: &[&str]) -> Self {
        let bell = Arc::new(Bell::default());
        let wake = Arc::clone(&bell);
        let mut consumer = Consumer::new(settings, group, Arc::new(move || wake.ring())).unwrap();
        let topics: Vec<String> = topics.iter().map(ToString::to_string).collect();
        consumer.subscribe(&topics).unwrap();
        Self { consumer, bell }
    }

    /// The next event that is no passing error.
    pub fn event(&mut self) -> Option<ConsumerEvent> {
        loop {
            match self.consumer.poll()? {
                ConsumerEvent::Error(error) => eprintln!("passing: {error}"),
                ConsumerEvent::Fatal(error) => panic!("fatal: {error}"),
                event => return Some(event),
            }
        }
    }

    /// Waits for an event.
    pub fn next_event(&mut self) -> ConsumerEvent {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.event() {
                return event;
            }
            assert!(Instant::now() < deadline, "no event came");
            self.bell.wait(Duration::from_millis(100));
        }
    }

    /// Waits for partitions and takes them over, each from there.
    pub fn accept(&mut self, position: Position) -> Vec<(TopicPartition, Slot)> {
        let ConsumerEvent::Assign(partitions) = self.next_event() else {
            panic!("expected partitions");
        };
        self.take_over(partitions, position)
    }

    pub fn take_over(&mut self, partitions: Vec<TopicPartition>, position: Position) -> Vec<(TopicPartition, Slot)> {
        let wanted: Vec<_> = partitions.iter().map(|p| (p.clone(), position)).collect();
        let slots = self.consumer.assign(&wanted).unwrap();
        partitions.into_iter().zip(slots).collect()
    }

    /// Takes from whatever is ready until that many records are there, by wakes alone.
    pub fn take(&mut self, count: usize) -> Vec<Message> {
        let deadline = Instant::now() + PATIENCE;
        let (mut records, mut ready) = (Vec::new(), Vec::new());
        while records.len() < count {
            assert!(Instant::now() < deadline, "{} of {count} records", records.len());
            assert!(self.event().is_none(), "no event is expected while taking");
            self.consumer.ready(&mut ready);
            for slot in ready.drain(..) {
                while self.consumer.take(slot, 100, &mut records).unwrap() == 100 {}
            }
            if records.len() < count {
                self.bell.wait(Duration::from_millis(100));
            }
        }
        records
    }
}

pub fn texts(records: &[Message]) -> Vec<String> {
    let text = |record: &Message| String::from_utf8(record.value().unwrap().to_vec()).unwrap();
    records.iter().map(text).collect()
}

/// Polls a condition until it holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
