//! What the process boundary costs: one isolate in a worker process with every layer of the sandbox, against the same
//! isolate on a thread of this process. Both speak the same protocol to the same client; Kafka is not part of it, so
//! that its cost cannot hide the boundary's.
//!
//! `cargo bench --bench boundary`, with `EDDYLINE_BENCH_ROUNDS` for more or fewer rounds. Rounds alternate; medians and
//! their ratio are printed, for records per second and for CPU time of both sides together.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use eddyline::pool::{self, Snapshot, WorkerCommand};
use eddyline::protocol::control::{self, Bundle, Code, Handler, Limits, Load, Loaded, Module};
use eddyline::protocol::frame::Assembler;
use eddyline::protocol::run::{Invocation, RecordView, RunBuilder};
use eddyline::protocol::sandbox::Sandbox;
use eddyline::protocol::settled::SettledReader;
use eddyline::protocol::words::Words;
use eddyline::protocol::{Kind, Message};
use rustix::time::{ClockId, clock_gettime};

/// Records in one message, as many as a subscription hands over at once under load.
const RECORDS: u64 = 500;
/// Messages on their way at any time.
const WINDOW: u64 = 3;
const MESSAGES: u64 = 200;

fn main() {
    let rounds: usize = std::env::var("EDDYLINE_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(11);
    let command = WorkerCommand::new(env!("CARGO_BIN_EXE_eddyline"), "worker").expect("a snapshot is made");
    let started = pool::start(&command).expect("a worker process starts");
    let mut apart = Client::new(started.socket, Some(started.child.id()));
    let mut inside = Client::new(thread_worker(&command.snapshot), None);
    let value = format!(r#"{{"id":12345,"status":"paid","total":99.5,"note":"{}"}}"#, "x".repeat(960));
    for client in [&mut apart, &mut inside] {
        client.load();
        client.round(&value);
        client.round(&value);
    }
    let (mut process, mut thread) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        process.push(apart.round(&value));
        thread.push(inside.round(&value));
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
fn thread_worker(snapshot: &Snapshot) -> OwnedFd {
    let (host, worker) = UnixStream::pair().expect("a pair of sockets");
    let (_, words) = Words::create().expect("a shared page");
    let snapshot = snapshot.as_fd().try_clone_to_owned().expect("another descriptor");
    thread::spawn(move || eddyline::worker::main(worker.into(), words, &snapshot, Sandbox::default()));
    host.into()
}

struct Figures {
    wall: Duration,
    cpu: Duration,
}

struct Client {
    socket: UnixStream,
    assembler: Assembler,
    worker: Option<u32>,
    sent: u64,
}

impl Client {
    fn new(socket: OwnedFd, worker: Option<u32>) -> Client {
        let mut client = Client { socket: socket.into(), assembler: Assembler::default(), worker, sent: 0 };
        assert_eq!(client.receive().kind, Kind::Hello);
        client
    }

    fn receive(&mut self) -> Message {
        loop {
            if let Some(message) = self.assembler.next_message().expect("the worker keeps to the protocol") {
                return message;
            }
            let socket = &mut self.socket;
            let count = self.assembler.fill(|room| socket.read(room)).expect("the worker can be read");
            assert!(count > 0, "the worker has gone");
        }
    }

    fn load(&mut self) {
        let code = "export default function (record) { const order = record.json(); order.tax = order.total * 0.2; return order; }";
        let module = Module { path: "index.js".to_owned(), code: Code::Text(code.to_owned()), source_map: None };
        let load = Load {
            function: "boundary".to_owned(),
            version: 1,
            bundle: Bundle { entry: "index.js".to_owned(), modules: vec![module], handler: Handler::Record },
            topics: vec!["out".to_owned()],
            env: BTreeMap::new(),
            limits: Limits {
                cpu_ms: 1000,
                wall_ms: 10_000,
                heap_bytes: 64 << 20,
                external_bytes: 64 << 20,
                output_bytes: 1 << 20,
                results: 1000,
                log_bytes: 256 << 10,
                timers: 1000,
                fetches: 32,
                load_ms: 10_000,
            },
            stop_on_failure: false,
        };
        self.socket.write_all(&control::encode(Kind::Load, 1, &load)).expect("the worker takes it");
        let loaded: Loaded = control::decode(&self.receive()).expect("an answer");
        loaded.result.expect("the function loads");
    }

    fn send(&mut self, value: &str) {
        let mut builder = RunBuilder::new(1, ["in"].into_iter());
        for _ in 0..RECORDS {
            self.sent += 1;
            builder.invocation(&Invocation { id: self.sent, lane: 1, epoch: 1, attempt: 1, records: 1 });
            let offset = self.sent as i64;
            let (key, value) = (Some(&b"key"[..]), Some(value.as_bytes()));
            let none = std::iter::empty::<(&[u8], Option<&[u8]>)>();
            builder.record(&RecordView { topic: "in", partition: 0, offset, timestamp: 1, key, value }, none);
        }
        self.socket.write_all(&builder.finish()).expect("the worker takes it");
    }

    fn round(&mut self, value: &str) -> Figures {
        let (begun, cpu) = (Instant::now(), self.cpu());
        let (mut sent, mut settled) = (0, 0);
        while settled < MESSAGES * RECORDS {
            while sent < MESSAGES && sent * RECORDS < settled + WINDOW * RECORDS {
                self.send(value);
                sent += 1;
            }
            let message = self.receive();
            assert_eq!(message.kind, Kind::Settled);
            let mut reader = SettledReader::new(&message.body).expect("a whole message");
            while reader.entry().expect("a whole entry").is_some() {
                settled += 1;
            }
        }
        Figures { wall: begun.elapsed(), cpu: self.cpu() - cpu }
    }

    /// CPU time so far of this process and of the worker, if that is another.
    fn cpu(&self) -> Duration {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let own = Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
        own + self.worker.map_or(Duration::ZERO, cpu_of)
    }
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
