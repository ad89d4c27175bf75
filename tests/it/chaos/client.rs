//! The client: writes numbered records by key, steadily, until it is stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::Record;
use crate::support::writing::Writer;

/// Keys, so that each partition has several, and none is quiet for long.
const KEYS: usize = 120;
/// How often it writes.
const BEAT: Duration = Duration::from_millis(20);

/// What a record asks of its handler, and how many of a thousand do. The others are plain.
const MOODS: [(&str, usize); 5] = [("slow", 20), ("flaky", 10), ("bad", 5), ("unwanted", 5), ("endless", 1)];

/// While handlers are struck: nearly more than they can do, and more failures than successes at some times.
const SLOW: [(&str, usize); 1] = [("slow", 600)];
const THROWING: [(&str, usize); 2] = [("flaky", 400), ("bad", 50)];

type Moods = &'static [(&'static str, usize)];

/// What the handlers meet with for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fair,
    Slow,
    Throwing,
}

/// All records of a run, made from its seed.
pub struct Records {
    random: fastrand::Rng,
    next: u64,
    moods: Moods,
    weather: Weather,
}

impl Records {
    /// Records of all moods.
    pub fn moody(seed: u64) -> Records {
        Records { random: fastrand::Rng::with_seed(seed), next: 0, moods: &MOODS, weather: Weather::Fair }
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
        let moods: Moods = match self.weather {
            Weather::Fair => self.moods,
            Weather::Slow => &SLOW,
            Weather::Throwing => &THROWING,
        };
        let mut place = self.random.usize(..1000);
        for (mood, share) in moods {
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
    weather: Arc<Mutex<Weather>>,
    thread: JoinHandle<u64>,
}

impl Client {
    /// Begins to write so many records in a second.
    pub fn start(brokers: &str, topic: &str, mut records: Records, rate: u32) -> Client {
        let stop: Arc<AtomicBool> = Arc::default();
        let weather = Arc::new(Mutex::new(Weather::Fair));
        let (writer, topic) = (Writer::new(brokers), topic.to_owned());
        let (told, outside) = (Arc::clone(&stop), Arc::clone(&weather));
        let thread = thread::spawn(move || {
            let begun = Instant::now();
            while !told.load(Ordering::SeqCst) {
                let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
                records.weather = *outside.lock().unwrap_or_else(PoisonError::into_inner);
                while records.next < due {
                    writer.queue(&topic, &records.next().expect("there is always another"));
                }
                writer.poll();
                thread::sleep(BEAT);
            }
            writer.write(&topic, []);
            records.next
        });
        Client { stop, weather, thread }
    }

    /// What the records that it writes from now on ask of their handlers; false where it does not write any more.
    pub fn turns(&self, weather: Weather) -> bool {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
        !self.thread.is_finished()
    }

    /// Waits until Kafka has everything; returns how many records that are.
    #[track_caller]
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("the client has written everything")
    }
}
