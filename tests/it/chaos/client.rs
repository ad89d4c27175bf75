//! The client: writes numbered records by key, steadily, until it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::Record;
use crate::support::writing::Writer;

/// Keys, so that each partition has several.
const KEYS: usize = 40;
/// How often it writes.
const BEAT: Duration = Duration::from_millis(20);

/// What a record asks of its handler, and how many of a thousand do. The others are plain.
const MOODS: [(&str, usize); 5] = [("slow", 20), ("flaky", 10), ("bad", 5), ("unwanted", 5), ("endless", 1)];

/// All records of a run, made from its seed.
pub struct Records {
    random: fastrand::Rng,
    next: u64,
    moods: &'static [(&'static str, usize)],
}

impl Records {
    /// Records of all moods.
    pub fn moody(seed: u64) -> Records {
        Records { random: fastrand::Rng::with_seed(seed), next: 0, moods: &MOODS }
    }

    /// Records that every handler is done with at once.
    pub fn plain(seed: u64) -> Records {
        Records { moods: &[], ..Records::moody(seed) }
    }

    /// Records that take their time.
    pub fn slow(seed: u64) -> Records {
        Records { moods: &[("slow", 1000)], ..Records::moody(seed) }
    }

    fn mood(&mut self) -> &'static str {
        let mut place = self.random.usize(..1000);
        for (mood, share) in self.moods {
            if place < *share {
                return mood;
            }
            place -= share;
        }
        "plain"
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (n, mood) = (self.next, self.mood());
        self.next += 1;
        let value = format!(r#"{{"n":{n},"mood":"{mood}"}}"#);
        // Some have no key.
        let key = self.random.usize(..KEYS + 1);
        Some(if key == KEYS { Record::of(value) } else { Record::new(format!("k{key}"), value) })
    }
}

pub struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Client {
    /// Begins to write so many records in a second.
    pub fn start(brokers: &str, topic: &str, mut records: Records, rate: u32) -> Client {
        let stop: Arc<AtomicBool> = Arc::default();
        let (writer, topic, told) = (Writer::new(brokers), topic.to_owned(), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let begun = Instant::now();
            while !told.load(Ordering::SeqCst) {
                let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
                while records.next < due {
                    writer.queue(&topic, &records.next().expect("there is always another"));
                }
                writer.poll();
                thread::sleep(BEAT);
            }
            writer.write(&topic, []);
            records.next
        });
        Client { stop, thread }
    }

    /// Waits until Kafka has everything; returns how many records that are.
    #[track_caller]
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("the client has written everything")
    }
}
