//! The host's side of one worker, in the small: what the benches that measure workers share.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use eddyline::pool::{self, Started, WorkerCommand};
use eddyline::protocol::control::{self, Bundle, Code, Handler, Limits, Load, Loaded, Module};
use eddyline::protocol::frame::Assembler;
use eddyline::protocol::headers::HeaderView;
use eddyline::protocol::run::{Invocation, RecordView, RunBuilder};
use eddyline::protocol::settled::{How, SettledReader, Verdict};
use eddyline::protocol::words::Words;
use eddyline::protocol::{Kind, Message};

pub struct Client {
    socket: UnixStream,
    assembler: Assembler,
    words: Words,
    /// Where it is a process of its own.
    pub process: Option<Started>,
    sent: u64,
}

/// One message's worth of invocations, sent again and again.
pub struct Batch<'a> {
    pub channel: u32,
    pub invocations: u32,
    /// Records of each invocation.
    pub records: u32,
    pub value: &'a [u8],
    pub headers: &'a [HeaderView<'a>],
    /// Messages on their way at any time.
    pub ahead: u64,
}

pub fn command() -> WorkerCommand {
    WorkerCommand::new(env!("CARGO_BIN_EXE_eddyline"), "worker").expect("a snapshot is made")
}

impl Client {
    /// A worker process with every layer of its sandbox.
    pub fn process(command: &WorkerCommand) -> Client {
        let mut started = pool::start(command).expect("a worker process starts");
        let socket = std::mem::replace(&mut started.socket, UnixStream::pair().expect("a pair of sockets").0.into());
        let words = std::mem::replace(&mut started.words, Words::create().expect("shared memory").0);
        Client::greeted(socket, words, Some(started))
    }

    /// A client of whatever worker is at the other end, once that has said hello.
    pub fn greeted(socket: OwnedFd, words: Words, process: Option<Started>) -> Client {
        let mut client = Client { socket: socket.into(), assembler: Assembler::default(), words, process, sent: 0 };
        client.receive(Kind::Hello);
        client
    }

    pub fn write(&mut self, message: &[u8]) {
        self.socket.write_all(message).expect("the worker takes it");
    }

    /// The next message, which must be of this kind.
    pub fn receive(&mut self, kind: Kind) -> Message {
        loop {
            if let Some(message) = self.assembler.next_message().expect("the worker keeps to the protocol") {
                let message = self.words.slots().unpack(message).expect("a place that can be");
                assert_eq!(message.kind, kind, "{}", String::from_utf8_lossy(&message.body));
                return message;
            }
            let socket = &mut self.socket;
            let count = self.assembler.fill(|room| socket.read(room)).expect("the worker can be read");
            assert!(count > 0, "the worker has gone");
        }
    }

    pub fn load(&mut self, channel: u32, load: &Load) -> Loaded {
        self.write(&control::encode(Kind::Load, channel, load));
        let loaded: Loaded = control::decode(&self.receive(Kind::Loaded)).expect("an answer");
        assert!(loaded.result.is_ok(), "{loaded:?}");
        loaded
    }

    fn send(&mut self, batch: &Batch<'_>) {
        let mut builder = RunBuilder::new(batch.channel, ["in"].into_iter());
        for _ in 0..batch.invocations {
            self.sent += 1;
            let (id, records) = (self.sent, batch.records);
            builder.invocation(&Invocation { id, lane: 1, epoch: 1, attempt: 1, records });
            for offset in 0..i64::from(records) {
                let (key, value) = (Some(&b"key"[..]), Some(batch.value));
                let record = RecordView { topic: "in", partition: 0, offset, timestamp: 1, key, value };
                builder.record(&record, batch.headers.iter().copied());
            }
        }
        let message = builder.finish();
        match self.words.slots().pack(&message) {
            Some(notice) => self.write(&notice),
            None => self.write(&message),
        }
    }

    /// Sends the batch so often, a few ahead, until all is settled. Returns the CPU time of the isolate's thread, in
    /// nanoseconds.
    pub fn run(&mut self, batch: &Batch<'_>, messages: u64) -> u64 {
        let each = u64::from(batch.invocations);
        let (mut sent, mut settled, mut cpu_ns) = (0, 0, 0);
        while settled < messages * each {
            while sent < messages && sent * each < settled + batch.ahead * each {
                self.send(batch);
                sent += 1;
            }
            let message = self.receive(Kind::Settled);
            let mut reader = SettledReader::new(&message.body).expect("a whole message");
            cpu_ns += reader.cpu_ns;
            while let Some(entry) = reader.entry().expect("a whole entry") {
                assert!(is_success(&entry.how), "{entry:?}");
                settled += 1;
            }
        }
        cpu_ns
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(started) = &mut self.process {
            let _ = started.child.kill();
            let _ = started.child.wait();
        }
    }
}

fn is_success(how: &How<'_>) -> bool {
    match how {
        How::Each { verdicts, .. } => verdicts.iter().all(|verdict| matches!(verdict, Verdict::Success { .. })),
        How::NotRun | How::Whole { .. } => false,
    }
}

/// A function of one module.
pub fn function(code: &str, handler: Handler) -> Load {
    let module = Module { path: "index.js".to_owned(), code: Code::Text(code.to_owned()), source_map: None };
    Load {
        function: "bench".to_owned(),
        version: 1,
        bundle: Bundle { entry: "index.js".to_owned(), modules: vec![module], handler },
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
    }
}
