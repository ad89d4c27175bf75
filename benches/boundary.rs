//! What the process boundary costs: one isolate in a worker process with every layer of the sandbox, against the same
//! isolate on a thread of this process. Both speak the same protocol to the same client; Kafka is not part of it, so
//! that its cost cannot hide the boundary's.
//!
//! `cargo bench --bench boundary`, with `EDDYLINE_BENCH_ROUNDS` for more or fewer rounds. Rounds alternate; medians and
//! their ratio are printed, for records per second and for CPU time of both sides together.

#[path = "worker/mod.rs"]
mod worker;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use eddyline::pool::Snapshot;
use eddyline::protocol::control::Handler;
use eddyline::protocol::sandbox::Sandbox;
use eddyline::protocol::words::Words;
use rustix::time::{ClockId, clock_gettime};

use worker::{Batch, Client};

/// Records in one message, as many as a subscription hands over at once under load.
const RECORDS: u64 = 500;
const MESSAGES: u64 = 200;
const CODE: &str =
    "export default function (record) { const order = record.json(); order.tax = order.total * 0.2; return order; }";

fn main() {
    let rounds: usize = std::env::var("EDDYLINE_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(11);
    let command = worker::command();
    let mut apart = Client::process(&command);
    let mut inside = thread_worker(&command.snapshot);
    let value = format!(r#"{{"id":12345,"status":"paid","total":99.5,"note":"{}"}}"#, "x".repeat(960));
    for client in [&mut apart, &mut inside] {
        client.load(1, &worker::function(CODE, Handler::Record));
        round(client, &value);
        round(client, &value);
    }
    let (mut process, mut thread) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        process.push(round(&mut apart, &value));
        thread.push(round(&mut inside, &value));
    }
    let per_record = |figures: &[Figures], of: fn(&Figures) -> Duration| {
        let mut all: Vec<f64> = figures.iter().map(|one| of(one).as_secs_f64()).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2] / (RECORDS * MESSAGES) as f64 * 1e9
    };
    let wall = [&process, &thread].map(|figures| per_record(figures, |one| one.wall));
    let cpu = [&process, &thread].map(|figures| per_record(figures, |one| one.cpu));
    println!("JSON of 1 KB, parsed, one field added, written; {rounds} rounds of {} records", RECORDS * MESSAGES);
    println!("                      elapsed/record   CPU/record");
    println!("worker process        {:11.0} ns {:9.0} ns", wall[0], cpu[0]);
    println!("thread of the host    {:11.0} ns {:9.0} ns", wall[1], cpu[1]);
    println!("throughput, process to thread: {:.3}", wall[1] / wall[0]);
    println!("CPU time, process to thread:   {:.3}", cpu[0] / cpu[1]);
}

/// The worker's code on a thread of this process, without the sandbox's layers.
fn thread_worker(snapshot: &Snapshot) -> Client {
    let (host, worker) = UnixStream::pair().expect("a pair of sockets");
    let (slots, words) = Words::create().expect("shared memory");
    let snapshot = snapshot.as_fd().try_clone_to_owned().expect("another descriptor");
    thread::spawn(move || eddyline::worker::main(worker.into(), words, &snapshot, Sandbox::default()));
    Client::greeted(host.into(), slots, None)
}

struct Figures {
    wall: Duration,
    cpu: Duration,
}

fn round(client: &mut Client, value: &str) -> Figures {
    let batch =
        Batch { channel: 1, invocations: RECORDS as u32, records: 1, value: value.as_bytes(), headers: &[], ahead: 3 };
    let (begun, before) = (Instant::now(), cpu(client));
    client.run(&batch, MESSAGES);
    Figures { wall: begun.elapsed(), cpu: cpu(client) - before }
}

/// CPU time so far of this process and of the worker, if that is another.
fn cpu(client: &Client) -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let own = Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
    own + client.process.as_ref().map_or(Duration::ZERO, |started| cpu_of(started.child.id()))
}

/// CPU time of a process and all its threads.
fn cpu_of(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the worker lives");
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    tasks.filter_map(of).sum()
}
