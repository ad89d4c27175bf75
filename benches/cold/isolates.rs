//! From a record whose function has no isolate to its result, and from one whose function has.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use eddyline::pool::WorkerCommand;
use eddyline::protocol::Kind;
use eddyline::protocol::control::Handler;
use eddyline::protocol::frame::Builder;
use serde::{Deserialize, Serialize};

use crate::worker::{self, Batch, Client};

/// What most functions are: some lines that read JSON and write it.
pub const CODE: &str = "const rate = 0.2;
export default function (record) {
  const order = record.json();
  order.tax = order.total * rate;
  return order;
}";
/// Isolates that belong to the worker's own start.
const FIRST: usize = 10;
/// How long a warm isolate has had nothing to do when its record comes.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a worker takes at most until it has made a spare isolate.
const SPARE: Duration = Duration::from_millis(60);
/// Records after which V8's compilers have done their work.
pub const WARMING: u64 = 5000;

/// Milliseconds, where nothing else is said.
#[derive(Debug, Serialize, Deserialize)]
pub struct Times {
    pub samples: usize,
    pub p50: f64,
    pub p99: f64,
    pub most: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Isolates {
    /// From the order to make an isolate to the first record's result.
    pub from_nothing: Times,
    /// The same where the worker keeps a spare isolate, which was made before the order.
    pub from_spare: Times,
    /// Of the first: a thread, and an isolate from the snapshot.
    pub making: Times,
    /// Of the first: the function's modules.
    pub loading: Times,
    /// Of the first: the first record, from the host to the isolate and back.
    pub first_record: Times,
    /// A record to an isolate that waits for one.
    pub warm: Times,
    /// The same without a pause before each.
    pub warm_at_once: Times,
}

pub fn batch(value: &[u8]) -> Batch<'_> {
    Batch { channel: 1, invocations: 1, records: 1, value, headers: &[], ahead: 3 }
}

/// A record of 1 KB.
pub fn value() -> Vec<u8> {
    format!(r#"{{"id":12345,"status":"paid","total":99.5,"note":"{}"}}"#, "x".repeat(960)).into_bytes()
}

pub fn measure(command: &WorkerCommand, samples: usize) -> Isolates {
    let mut client = Client::process(command);
    let (load, value) = (worker::function(CODE, Handler::Record), value());
    let batch = batch(&value);
    let pid = client.process.as_ref().expect("a process of its own").child.id();
    let alone = threads(pid);
    let mut all: Vec<[f64; 4]> = Vec::new();
    for round in 0..FIRST + samples {
        let begun = Instant::now();
        let loaded = client.load(1, &load);
        let ready = begun.elapsed();
        client.run(&batch, 1);
        let whole = begun.elapsed();
        if round >= FIRST {
            let (making, took) = (loaded.isolate_us as f64 / 1e3, loaded.took_us as f64 / 1e3);
            let whole = milliseconds(whole);
            all.push([whole, making, took - making, whole - milliseconds(ready)]);
        }
        unload(&mut client, pid, alone);
    }
    let of = |which: usize| times(all.iter().map(|one| one[which]).collect());
    let [from_nothing, making, loading, first_record] = [0, 1, 2, 3].map(of);
    let from_spare = from_spare(command, samples);
    client.load(1, &load);
    client.run(&batch, WARMING);
    let mut warm = |pause: Option<Duration>| {
        let one = |_| {
            pause.into_iter().for_each(sleep);
            let begun = Instant::now();
            client.run(&batch, 1);
            milliseconds(begun.elapsed())
        };
        times((0..samples).map(one).collect())
    };
    let (warm, warm_at_once) = (warm(Some(PAUSE)), warm(None));
    Isolates { from_nothing, from_spare, making, loading, first_record, warm, warm_at_once }
}

/// The same in a worker that keeps a spare isolate and has made it.
fn from_spare(command: &WorkerCommand, samples: usize) -> Times {
    let mut client = Client::process(command);
    let (load, value) = (worker::function(CODE, Handler::Record), value());
    let pid = client.process.as_ref().expect("a process of its own").child.id();
    let alone = threads(pid);
    client.write(&Builder::with_body(Kind::Spare, 0, &[]));
    client.load(1, &load);
    let mut all = Vec::new();
    for _ in 0..samples {
        unload(&mut client, pid, alone + 1);
        sleep(SPARE);
        let begun = Instant::now();
        client.load(1, &load);
        client.run(&batch(&value), 1);
        all.push(milliseconds(begun.elapsed()));
    }
    times(all)
}

/// Gives the isolate back, and waits until its thread has ended, so that the next one has the cores to itself.
fn unload(client: &mut Client, pid: u32, alone: usize) {
    client.write(&Builder::with_body(Kind::Unload, 1, &[]));
    client.receive(Kind::Unloaded);
    let begun = Instant::now();
    while threads(pid) > alone && begun.elapsed() < Duration::from_secs(1) {
        sleep(Duration::from_micros(200));
    }
}

/// How many threads a process has.
pub fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub fn times(mut samples: Vec<f64>) -> Times {
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share).round() as usize];
    Times { samples: samples.len(), p50: at(0.5), p99: at(0.99), most: at(1.0) }
}
