//! What one test has for itself: names that no other test uses, topics, a folder of functions, and nodes.

use std::fs;
use std::path::PathBuf;

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;
use tempfile::TempDir;

use super::broker::{Place, brokers};
use super::folder::{Draft, Function};
use super::node::Node;
use super::reading;
use super::record::Record;
use super::topics::Topics;
use super::wait::eventually;
use super::writing::Writer;

pub struct Scene {
    pub brokers: String,
    pub topics: Topics,
    pub writer: Writer,
    id: String,
    folder: TempDir,
    _place: Place,
}

impl Scene {
    /// Nothing where there is no broker; then the test has said that it is skipped.
    pub fn new(test: &str) -> Option<Scene> {
        Some(Scene::at(test, &brokers(test)?))
    }

    /// One on a broker that the test has for itself.
    pub fn at(test: &str, brokers: &str) -> Scene {
        let place = Place::wait();
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
        let folder = tempfile::Builder::new().prefix("eddyline-it-").tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("functions")).expect("a folder");
        Scene {
            topics: Topics::new(brokers),
            writer: Writer::new(brokers),
            id: format!("{test}-{}", random.to_lowercase()),
            brokers: brokers.to_owned(),
            folder,
            _place: place,
        }
    }

    /// The same scene on another broker.
    pub fn on(self, brokers: &str) -> Scene {
        let (topics, writer) = (Topics::new(brokers), Writer::new(brokers));
        Scene { brokers: brokers.to_owned(), topics, writer, ..self }
    }

    /// A name that only this test uses.
    pub fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.id)
    }

    pub fn functions(&self) -> PathBuf {
        self.folder.path().join("functions")
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Makes a topic.
    #[track_caller]
    pub fn topic(&self, short: &str, partitions: i32) -> String {
        self.topic_with(short, partitions, &[])
    }

    #[track_caller]
    pub fn topic_with(&self, short: &str, partitions: i32, configs: &[(&str, &str)]) -> String {
        let name = self.name(short);
        self.topics.create(&name, partitions, configs);
        name
    }

    pub fn function(&self, short: &str) -> Draft<'_> {
        Draft::new(self, self.name(short))
    }

    #[track_caller]
    pub fn write(&self, topic: &str, records: impl IntoIterator<Item = Record>) {
        self.writer.write(topic, records);
    }

    /// Everything that the topic holds.
    #[track_caller]
    pub fn read(&self, topic: &str) -> Vec<Record> {
        reading::read_all(&self.brokers, topic)
    }

    /// Everything that the topic holds, once it holds so many records.
    #[track_caller]
    pub fn read_when(&self, topic: &str, count: usize) -> Vec<Record> {
        eventually(&format!("{topic} holds {count} records"), || {
            let ends: i64 = reading::ends(&self.brokers, topic).iter().sum();
            (ends >= count as i64).then_some(())
        });
        self.read(topic)
    }

    pub fn start(&self) -> Node {
        self.start_with(&[])
    }

    /// Starts a node with further configuration: keys as in the file, `topics.create` for example.
    pub fn start_with(&self, settings: &[(&str, &str)]) -> Node {
        Node::start(&self.folder(), &self.settings(settings))
    }

    /// The configuration of a node of this scene; later ones of the same key count.
    pub fn settings<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let all = [
            ("kafka.brokers", self.brokers.as_str()),
            ("node.id", self.id.as_str()),
            ("workers.count", "1"),
            ("admin.listen", "127.0.0.1:0"),
            // Tests wait until their functions are in their groups.
            ("functions.sleep-after", "never"),
        ];
        [&all[..], more].concat()
    }

    /// Whether the function has committed everything that its sources hold at the moment of asking: then each of
    /// these records has its results, or its dead letter, in Kafka.
    #[track_caller]
    pub fn caught_up(&self, function: &Function) {
        let mut wanted: Vec<(String, i32, i64)> = Vec::new();
        for topic in &function.sources {
            for (partition, end) in (0..).zip(reading::ends(&self.brokers, topic)) {
                wanted.push((topic.clone(), partition, end));
            }
        }
        let consumer = reading::consumer(&self.brokers, &function.group);
        let mut asked = TopicPartitionList::new();
        for (topic, partition, _) in &wanted {
            asked.add_partition(topic, *partition);
        }
        let mut last = Vec::new();
        let is_committed = || {
            let timeout = std::time::Duration::from_secs(20);
            let answer = consumer.committed_offsets(asked.clone(), timeout).ok()?;
            last = wanted
                .iter()
                .filter_map(|(topic, partition, end)| {
                    let offset = answer.find_partition(topic, *partition)?.offset();
                    let behind = match offset {
                        Offset::Offset(offset) => offset < *end,
                        _ => *end > 0,
                    };
                    behind.then(|| format!("{topic}/{partition} at {offset:?} of {end}"))
                })
                .collect();
            if last.is_empty() { Some(()) } else { None }
        };
        eventually(&format!("{} has committed all of {:?}", function.name, function.sources), is_committed);
    }
}
