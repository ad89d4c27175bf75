//! The function that must not notice anything: a steady load of a quarter of a core on every worker, and what becomes
//! of each of its records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::ledger::{Reader, Seen};
use crate::support::wait::patience;
use crate::support::writing::Writer;
use crate::support::{Node, Record, Scene, eventually};

const PARTITIONS: i32 = 4;
/// With a millisecond of work in each record, this is a quarter of a core.
const RATE: u32 = 250;
const WORK: Duration = Duration::from_millis(1);

/// Answers with what it was asked and, where it finds that somebody else was here, with what it found.
const HANDLER: &str = r#"
const found = () => {
  const holders = [globalThis, Object.prototype, Array.prototype, Function.prototype, Promise, JSON, Math, console];
  if (holders.some((holder) => "leaked" in holder)) return "a name that another function left";
  try {
    if (JSON.parse(JSON.stringify([[1].map((one) => one)]))[0][0] !== 1) return "JSON that lies";
    if (new Map([[1, 2]]).get(1) !== 2 || Math.imul(2, 3) !== 6 || "toJSON" in Object.prototype) return "bent built-ins";
  } catch (error) {
    return "broken built-ins: " + error;
  }
  return "";
};
let state = 1;
export default function (record) {
  const [id, sent, work] = record.text().split(",").map(Number);
  for (let i = 0; i < work; i++) state = (Math.imul(state, 31) + i) | 0;
  return `${id},${sent},${found()},${state & 0}`;
}
"#;

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as i64
}

/// What became of one record.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    sent_ms: i64,
    /// When the broker got its result.
    done_ms: Option<i64>,
}

#[derive(Default)]
struct Story {
    fates: BTreeMap<u64, Fate>,
    /// What it found of others.
    found: Vec<String>,
    /// Records whose results are letters.
    failed: Vec<String>,
}

/// What the neighbour did in a stretch of time.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Of the records that were written in this time, how many per second.
    pub asked: f64,
    /// Results per second.
    pub rate: f64,
    /// From a record's writing to its result's arrival at the broker.
    pub p99_ms: i64,
}

pub struct Neighbour {
    story: Arc<Mutex<Story>>,
    stop: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
    _reader: Reader,
}

fn lock(story: &Mutex<Story>) -> MutexGuard<'_, Story> {
    story.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Neighbour {
    /// Deploys it, finds out how much work is enough, and begins to write.
    pub fn start(scene: &Scene, node: &Node) -> Neighbour {
        let input = scene.topic("calm-in", PARTITIONS);
        let output = scene.topic_with("calm-out", PARTITIONS, &[("message.timestamp.type", "LogAppendTime")]);
        let more = "[limits]\ncpu = \"10s\"\nwall = \"30s\"\n[retry]\nmax-attempts = 1";
        let function = scene.function("calm").reads(&input).writes(&output).with(more).handler(HANDLER);
        node.runs(&function);
        let story: Arc<Mutex<Story>> = Arc::default();
        let told = Arc::clone(&story);
        let reader = Reader::start(&scene.brokers, &[&output, &function.dead_letter], move |seen| take(&told, &seen));
        let work = calibrate(scene, &input, &story);
        let stop = Arc::new(AtomicBool::new(false));
        let writer = thread::spawn({
            let (story, stop, brokers) = (Arc::clone(&story), Arc::clone(&stop), scene.brokers.clone());
            move || write_until(&stop, &Writer::new(&brokers), &input, work, &story)
        });
        Neighbour { story, stop, writer: Some(writer), _reader: reader }
    }

    /// Lets it run for a while, and says what it did.
    pub fn alone_for(&self, time: Duration) -> Figures {
        // The first second warms everything up.
        thread::sleep(Duration::from_secs(1));
        let begin = now_ms();
        thread::sleep(time);
        let end = now_ms();
        self.figures(begin, end)
    }

    /// What it did in a stretch of time that is over. Waits until its last record is through, for a while.
    pub fn figures(&self, begin_ms: i64, end_ms: i64) -> Figures {
        let patience = Instant::now() + Duration::from_secs(2);
        while Instant::now() < patience && lock(&self.story).open(begin_ms, end_ms) {
            thread::sleep(Duration::from_millis(5));
        }
        lock(&self.story).figures(begin_ms, end_ms, now_ms())
    }

    /// Stops writing, waits for the last result, and says what is amiss.
    pub fn stop(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.writer.take().map(JoinHandle::join);
        let until = Instant::now() + patience();
        while Instant::now() < until && lock(&self.story).lost() > 0 {
            thread::sleep(Duration::from_millis(25));
        }
        let mut story = lock(&self.story);
        let mut amiss = Vec::new();
        let (lost, count) = (story.lost(), story.fates.len());
        if lost > 0 {
            amiss.push(format!("the neighbour lost {lost} of {count} records"));
        }
        let failed = std::mem::take(&mut story.failed);
        amiss.extend(failed.into_iter().map(|code| format!("a record of the neighbour became a letter: {code}")));
        story.found.sort();
        story.found.dedup();
        amiss.extend(story.found.drain(..).map(|found| format!("the neighbour found {found}")));
        amiss
    }
}

impl Story {
    fn within(&self, begin_ms: i64, end_ms: i64) -> impl Iterator<Item = &Fate> {
        self.fates.values().filter(move |fate| (begin_ms..end_ms).contains(&fate.sent_ms))
    }

    /// Whether a record of that time has no result yet.
    fn open(&self, begin_ms: i64, end_ms: i64) -> bool {
        self.within(begin_ms, end_ms).any(|fate| fate.done_ms.is_none())
    }

    fn lost(&self) -> usize {
        self.fates.values().filter(|fate| fate.done_ms.is_none()).count()
    }

    fn figures(&self, begin_ms: i64, end_ms: i64, now_ms: i64) -> Figures {
        let seconds = (end_ms - begin_ms) as f64 / 1000.0;
        let done = self.fates.values().filter(|fate| fate.done_ms.is_some_and(|at| (begin_ms..end_ms).contains(&at)));
        let done = done.count() as f64;
        let latency = |fate: &Fate| fate.done_ms.unwrap_or(now_ms) - fate.sent_ms;
        let mut all: Vec<i64> = self.within(begin_ms, end_ms).map(latency).collect();
        all.sort_unstable();
        // Of less than a hundred records, all but the slowest.
        let place = (all.len() * 99 / 100).min(all.len().saturating_sub(2));
        Figures {
            asked: all.len() as f64 / seconds,
            rate: done / seconds,
            p99_ms: all.get(place).copied().unwrap_or(i64::MAX),
        }
    }
}

fn take(story: &Mutex<Story>, seen: &Seen) {
    let mut story = lock(story);
    if let Some((code, message)) = &seen.error {
        story.failed.push(format!("{code} {message}"));
        return;
    }
    let mut parts = seen.value.split(',');
    let (Some(id), Some(sent)) = (parts.next(), parts.next()) else { return };
    let (Ok(id), Ok(sent_ms)) = (id.parse(), sent.parse()) else { return };
    let found = parts.next().unwrap_or_default();
    if !found.is_empty() {
        story.found.push(found.to_owned());
    }
    let fate = story.fates.entry(id).or_insert(Fate { sent_ms, done_ms: None });
    fate.done_ms.get_or_insert(seen.timestamp_ms);
}

/// How many turns of the handler's loop take as long as one record is to take.
fn calibrate(scene: &Scene, input: &str, story: &Mutex<Story>) -> u64 {
    // Beyond all that will ever be written.
    let mut id = 1 << 40;
    let mut took = |work: u64| {
        id -= 1;
        let sent = now_ms();
        let record = Record::new(id.to_string(), format!("{id},{sent},{work}")).on(0);
        scene.write(input, [record]);
        let done = eventually("the neighbour answers", || lock(story).fates.get(&id)?.done_ms);
        lock(story).fates.remove(&id);
        (done - sent).max(0)
    };
    const TURNS: u64 = 200_000_000;
    took(TURNS);
    let idle = (0..5).map(|_| took(0)).min().unwrap_or(0);
    let busy = (0..3).map(|_| took(TURNS)).min().unwrap_or(0);
    TURNS * WORK.as_millis() as u64 / (busy - idle).max(1) as u64
}

/// Writes at a steady pace, whatever becomes of what was written.
fn write_until(stop: &AtomicBool, writer: &Writer, input: &str, work: u64, story: &Mutex<Story>) {
    let begun = Instant::now();
    for id in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep((begun + Duration::from_secs(id) / RATE).saturating_duration_since(Instant::now()));
        let sent_ms = now_ms();
        lock(story).fates.insert(id, Fate { sent_ms, done_ms: None });
        let record = Record::new(id.to_string(), format!("{id},{sent_ms},{work}")).on((id % PARTITIONS as u64) as i32);
        writer.queue(input, &record);
        writer.poll();
    }
    writer.write(input, []);
}
