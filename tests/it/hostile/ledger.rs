//! Everything that has arrived on some topics, read as it arrives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::end::End;
use crate::support::reading;

/// Reads topics in a thread of its own and hands each record to `take`, until it is dropped.
pub struct Reader {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A record as the readers see it.
pub struct Seen {
    pub key: String,
    pub value: String,
    pub timestamp_ms: i64,
    /// Of a dead letter: its code, and what it says.
    pub error: Option<(String, String)>,
}

impl Reader {
    pub fn start(brokers: &str, topics: &[&str], mut take: impl FnMut(Seen) + Send + 'static) -> Reader {
        let consumer = reading::consumer(brokers, "eddyline-tests");
        let mut wanted = TopicPartitionList::new();
        for topic in topics {
            for partition in 0..reading::partitions(brokers, topic).expect("the topic exists") {
                wanted.add_partition_offset(topic, partition, Offset::Beginning).expect("a partition");
            }
        }
        consumer.assign(&wanted).expect("partitions are assigned");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                next(&consumer).into_iter().for_each(&mut take);
            }
        });
        Reader { stop, thread: Some(thread) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn next(consumer: &BaseConsumer) -> Option<Seen> {
    let message = match consumer.poll(Duration::from_millis(100))? {
        Ok(message) => message,
        Err(KafkaError::PartitionEOF(_)) => return None,
        Err(error) => {
            eprintln!("reading: {error}");
            return None;
        }
    };
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let headers = reading::headers(&message);
    let header =
        |wanted: &[u8]| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| text(value.as_deref()));
    Some(Seen {
        key: text(message.key()),
        value: text(message.payload()),
        timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
        error: header(b"eddyline.error.code").zip(header(b"eddyline.error.message")),
    })
}

/// What became of records, by their keys.
#[derive(Clone, Default)]
pub struct Ends {
    all: Arc<Mutex<HashMap<String, Became>>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Became {
    results: Vec<String>,
    letters: Vec<(String, String)>,
}

impl Ends {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Became>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn take(&self, seen: Seen) {
        let mut all = self.all();
        let became = all.entry(seen.key).or_default();
        match seen.error {
            Some(letter) => became.letters.push(letter),
            None => became.results.push(seen.value),
        }
    }

    /// How the record of that key has ended, if anything of it has been seen.
    pub fn of(&self, key: &str) -> Option<End> {
        let all = self.all();
        let became = all.get(key)?;
        Some(match (&became.letters[..], &became.results[..]) {
            ([], results) => End::Done(results.to_vec()),
            ([(code, _)], []) => End::Failed(code.clone()),
            (letters, results) => End::Nothing(format!("both letters and results: {letters:?} {results:?}")),
        })
    }

    /// What its letter says.
    pub fn message(&self, key: &str) -> Option<String> {
        let all = self.all();
        let (_, message) = all.get(key)?.letters.first()?;
        Some(message.chars().take(300).collect())
    }

    /// Keys that `known` does not know.
    pub fn strangers(&self, known: impl Fn(&str) -> bool) -> Vec<String> {
        self.all().keys().filter(|key| !known(key)).cloned().collect()
    }
}
