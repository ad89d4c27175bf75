//! A client of a real worker process: what the host does, in the small.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::time::Duration;

use eddyline::outcome::Outcome;
use eddyline::pool::Snapshot;
use eddyline::protocol::control::{
    self, Bundle, Code, Handler, Hello, Limits, Load, Loaded, Log, Module, Prepare, Prepared, Recall, SourceFile,
    Unloaded,
};
use eddyline::protocol::frame::{Assembler, Builder};
use eddyline::protocol::run::{Invocation, RecordView, RunBuilder};
use eddyline::protocol::settled::{HeaderChange, How, ResultView, SettledReader, Value, Verdict};
use eddyline::protocol::words::{Running, Words};
use eddyline::protocol::{Kind, Message};

/// Nothing that a test waits for takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Worker {
    pub child: Child,
    socket: UnixStream,
    assembler: Assembler,
    backlog: VecDeque<Message>,
    pub words: Words,
    pub hello: Hello,
    pub logs: Vec<Log>,
    /// Runs so far that [`Worker::one`] and [`Worker::batch`] have made, each in an epoch of its own.
    runs: u32,
}

/// An invocation to be sent: its id, lane and epoch, and its records.
pub type Sent<'a> = ((u64, u32, u32), &'a [Record]);

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    pub id: u64,
    pub lane: u32,
    pub end: End,
}

#[derive(Debug, Clone, PartialEq)]
pub enum End {
    NotRun,
    Whole(Failed),
    Each(Vec<One>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum One {
    Filtered,
    Done(Vec<Output>),
    Failed(Failed),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    pub outcome: Outcome,
    pub message: String,
    pub stack: String,
}

pub type HeaderList = Vec<(Vec<u8>, Option<Vec<u8>>)>;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Output {
    pub topic: u16,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
    pub key: Option<Option<Vec<u8>>>,
    /// Whether they replace the record's headers, and the headers.
    pub headers: Option<(bool, HeaderList)>,
    /// `None` for the record's own value, `Some(None)` for null.
    pub value: Option<Option<Vec<u8>>>,
}

impl Output {
    pub fn value(bytes: impl AsRef<[u8]>) -> Output {
        Output { value: Some(Some(bytes.as_ref().to_vec())), ..Output::default() }
    }

    pub fn text(&self) -> &str {
        let value = self.value.as_ref().and_then(Option::as_ref).expect("the output has bytes");
        std::str::from_utf8(value).expect("the output is text")
    }
}

impl Settled {
    /// The results of an invocation with one record, which must have succeeded.
    pub fn outputs(&self) -> &[Output] {
        match &self.end {
            End::Each(all) => match &all[..] {
                [One::Filtered] => &[],
                [One::Done(outputs)] => outputs,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Why an invocation with one record failed.
    pub fn failed(&self) -> &Failed {
        match &self.end {
            End::Whole(failed) => failed,
            End::Each(all) => match &all[..] {
                [One::Failed(failed)] => failed,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

/// A record to be sent.
#[derive(Debug, Clone)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: HeaderList,
}

impl Record {
    pub fn new(value: impl AsRef<[u8]>) -> Record {
        Record {
            partition: 0,
            offset: 0,
            timestamp: 1_700_000_000_000,
            key: None,
            value: Some(value.as_ref().to_vec()),
            headers: Vec::new(),
        }
    }

    pub fn with_key(self, key: impl AsRef<[u8]>) -> Record {
        Record { key: Some(key.as_ref().to_vec()), ..self }
    }

    pub fn tombstone() -> Record {
        Record { value: None, ..Record::new("") }
    }
}

pub const LIMITS: Limits = Limits {
    cpu_ms: 5000,
    wall_ms: 10_000,
    heap_bytes: 64 << 20,
    external_bytes: 64 << 20,
    output_bytes: 1 << 20,
    results: 1000,
    log_bytes: 256 << 10,
    timers: 1000,
    fetches: 32,
    load_ms: 10_000,
};

/// A function of one module, with `out` as its sink and `also` declared.
pub fn function(code: &str) -> Load {
    modules(&[("index.js", code)])
}

pub fn modules(files: &[(&str, &str)]) -> Load {
    let module = |(path, code): &(&str, &str)| Module {
        path: (*path).to_owned(),
        code: Code::Text((*code).to_owned()),
        source_map: None,
    };
    Load {
        function: "test".to_owned(),
        version: 7,
        bundle: Bundle {
            entry: files[0].0.to_owned(),
            modules: files.iter().map(module).collect(),
            handler: Handler::Record,
        },
        topics: vec!["out".to_owned(), "also".to_owned()],
        env: BTreeMap::from([("CURRENCY".to_owned(), "EUR".to_owned())]),
        limits: LIMITS,
        stop_on_failure: false,
    }
}

/// A function whose `index.js` can import `./module.wasm`, given as WebAssembly text.
pub fn wasm(module: &str, code: &str) -> Load {
    let mut load = function(code);
    load.bundle.modules.push(binary("module.wasm", &wat::parse_str(module).unwrap()));
    load
}

pub fn binary(path: &str, bytes: &[u8]) -> Module {
    Module { path: path.to_owned(), code: Code::Binary(bytes.into()), source_map: None }
}

/// A handler of one record, by its body.
pub fn handler(body: &str) -> Load {
    function(&format!("export default function (record, ctx) {{ {body} }}"))
}

pub fn async_handler(body: &str) -> Load {
    function(&format!("export default async function (record, ctx) {{ {body} }}"))
}

pub fn batch(body: &str) -> Load {
    function(&format!("export default {{ batch(records, ctx) {{ {body} }} }}"))
}

/// One for all workers of the tests.
fn snapshot() -> &'static Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT.get_or_init(|| Snapshot::make(Path::new(env!("CARGO_BIN_EXE_eddyline"))).unwrap())
}

impl Worker {
    /// Starts a worker and reads its greeting.
    pub fn start() -> Worker {
        let (socket, theirs) = UnixStream::pair().unwrap();
        let (words, page) = Words::create().unwrap();
        let theirs: OwnedFd = theirs.into();
        let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
        command.arg("worker").env_clear();
        let (from, page_from) = (theirs.as_raw_fd(), page.as_raw_fd());
        let snapshot = snapshot().as_raw_fd();
        // SAFETY: only async-signal-safe calls happen between fork and exec.
        unsafe {
            command.pre_exec(move || {
                // Out of the way first, so that neither overwrites the other.
                let high = libc::fcntl(from, libc::F_DUPFD, 10);
                let page_high = libc::fcntl(page_from, libc::F_DUPFD, 10);
                let snapshot_high = libc::fcntl(snapshot, libc::F_DUPFD, 10);
                if libc::dup2(high, 3) < 0 || libc::dup2(page_high, 4) < 0 || libc::dup2(snapshot_high, 5) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                libc::close(high);
                libc::close(page_high);
                libc::close(snapshot_high);
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        drop((theirs, page));
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut worker = Worker {
            child,
            socket,
            assembler: Assembler::default(),
            backlog: VecDeque::new(),
            words,
            hello: Hello {
                version: 0,
                pid: 0,
                engine: String::new(),
                credit: control::Credit { records: 0, bytes: 0 },
                sandbox: Default::default(),
            },
            logs: Vec::new(),
            runs: 0,
        };
        let hello = worker.receive(Kind::Hello);
        worker.hello = control::decode(&hello).unwrap();
        worker
    }

    /// Starts a worker with one function on channel 1.
    pub fn with(load: Load) -> Worker {
        let mut worker = Worker::start();
        let loaded = worker.load(1, &load);
        assert!(loaded.result.is_ok(), "{loaded:?}");
        worker
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    pub fn send_control(&mut self, kind: Kind, channel: u32, body: &impl serde::Serialize) {
        self.send(&control::encode(kind, channel, body));
    }

    fn read(&mut self) -> Message {
        loop {
            if let Some(message) = self.assembler.next_message().unwrap() {
                return self.words.slots().unpack(message).unwrap();
            }
            let socket = &mut self.socket;
            let count = self.assembler.fill(|room| socket.read(room)).expect("the worker answers in time");
            assert!(count > 0, "the worker has gone: {:?}", self.child.wait());
        }
    }

    /// The next message of a kind; logs are gathered on the way, others kept for later.
    pub fn receive(&mut self, kind: Kind) -> Message {
        if let Some(at) = self.backlog.iter().position(|message| message.kind == kind) {
            return self.backlog.remove(at).unwrap();
        }
        loop {
            let message = self.read();
            if message.kind == Kind::Log {
                self.logs.push(control::decode(&message).unwrap());
            }
            if message.kind == kind {
                return message;
            }
            if message.kind != Kind::Log {
                self.backlog.push_back(message);
            }
        }
    }

    pub fn load(&mut self, channel: u32, load: &Load) -> Loaded {
        self.send_control(Kind::Load, channel, load);
        control::decode(&self.receive(Kind::Loaded)).unwrap()
    }

    pub fn prepare(&mut self, files: &[(&str, &str)]) -> Prepared {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        self.prepare_bytes(&files)
    }

    pub fn prepare_bytes(&mut self, files: &[(&str, &[u8])]) -> Prepared {
        let file = |(path, bytes): &(&str, &[u8])| SourceFile { path: (*path).to_owned(), bytes: bytes.to_vec() };
        let request = Prepare {
            id: 1,
            function: "test".to_owned(),
            files: files.iter().map(file).collect(),
            entry: files[0].0.to_owned(),
            load_ms: 2000,
            heap_bytes: 64 << 20,
            external_bytes: 64 << 20,
            env: BTreeMap::new(),
        };
        self.send_control(Kind::Prepare, 0, &request);
        control::decode(&self.receive(Kind::Prepared)).unwrap()
    }

    /// Sends records, each an invocation of its own, in lane 1 and epoch 1, with ids from 1.
    pub fn run(&mut self, records: &[Record]) {
        let invocations: Vec<_> = (1..).map(|id| (id, 1, 1)).zip(records.iter().map(std::slice::from_ref)).collect();
        self.run_in(1, &invocations);
    }

    /// Sends invocations, given by id, lane and epoch.
    pub fn run_in(&mut self, channel: u32, invocations: &[Sent<'_>]) {
        let mut builder = RunBuilder::new(channel, ["in"].into_iter());
        for ((id, lane, epoch), records) in invocations {
            let head = Invocation { id: *id, lane: *lane, epoch: *epoch, attempt: 1, records: records.len() as u32 };
            builder.invocation(&head);
            for record in *records {
                let view = RecordView {
                    topic: "in",
                    partition: record.partition,
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: record.key.as_deref(),
                    value: record.value.as_deref(),
                };
                builder.record(&view, record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())));
            }
        }
        let message = builder.finish();
        self.send(&self.words.slots().pack(&message).unwrap_or(message));
    }

    pub fn recall(&mut self, lane: u32, epoch: u32) {
        self.send_control(Kind::Recall, 1, &Recall { lane, epoch });
    }

    pub fn unload(&mut self) {
        self.send(&Builder::with_body(Kind::Unload, 1, b""));
    }

    /// Waits until `count` invocations have settled.
    pub fn settled(&mut self, count: usize) -> Vec<Settled> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(settled_of(&self.receive(Kind::Settled).body));
        }
        all
    }

    /// Runs one record, in an epoch newer than that of the one before, and says how it ended.
    pub fn one(&mut self, record: Record) -> Settled {
        self.batch(&[record])
    }

    /// The same on another channel than the first.
    pub fn one_in(&mut self, channel: u32, record: Record) -> Settled {
        self.runs += 1;
        self.run_in(channel, &[((self.runs.into(), 1, self.runs), &[record])]);
        self.settled(1).remove(0)
    }

    /// Runs a batch of records as one invocation.
    pub fn batch(&mut self, records: &[Record]) -> Settled {
        self.runs += 1;
        self.run_in(1, &[((self.runs.into(), 1, self.runs), records)]);
        self.settled(1).remove(0)
    }

    pub fn unloaded(&mut self) -> Unloaded {
        control::decode(&self.receive(Kind::Unloaded)).unwrap()
    }

    /// Waits for a line of log.
    pub fn log(&mut self) -> Log {
        while self.logs.is_empty() {
            self.receive(Kind::Log);
        }
        self.logs.remove(0)
    }

    /// Closes the socket and waits for the worker to end.
    pub fn hang_up(mut self) -> ExitStatus {
        self.socket.shutdown(std::net::Shutdown::Both).unwrap();
        self.child.wait().unwrap()
    }

    /// Waits for the worker to end by itself, badly, and says what the isolate on `channel` was running.
    pub fn running_at_its_end(&mut self, channel: u32) -> Running {
        let status = self.child.wait().unwrap();
        assert!(!status.success(), "{status:?}");
        self.words.running(channel)
    }

    /// Waits for the worker to end by itself.
    pub fn exit_status(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the body of a `Settled` message says.
pub fn settled_of(body: &[u8]) -> Vec<Settled> {
    let mut reader = SettledReader::new(body).unwrap();
    let mut all = Vec::new();
    while let Some(entry) = reader.entry().unwrap() {
        all.push(Settled { id: entry.id, lane: entry.lane, end: end(entry.how) });
    }
    all
}

fn end(how: How<'_>) -> End {
    let failed = |failure: eddyline::protocol::settled::FailureView<'_>| Failed {
        outcome: failure.outcome,
        message: failure.message.to_owned(),
        stack: failure.stack.to_owned(),
    };
    match how {
        How::NotRun => End::NotRun,
        How::Whole { failure, .. } => End::Whole(failed(failure)),
        How::Each { verdicts, .. } => End::Each(
            verdicts
                .iter()
                .map(|verdict| match verdict {
                    Verdict::Success { outcome: Outcome::Filtered, .. } => One::Filtered,
                    Verdict::Success { results, .. } => One::Done(results.iter().map(output).collect()),
                    Verdict::Failure(failure) | Verdict::Later { failure, .. } => One::Failed(failed(*failure)),
                })
                .collect(),
        ),
    }
}

fn output(result: ResultView<'_>) -> Output {
    let list = |list: eddyline::protocol::headers::Headers<'_>| {
        list.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect()
    };
    Output {
        topic: result.topic,
        partition: result.partition,
        timestamp: result.timestamp,
        key: result.key.map(|key| key.map(<[u8]>::to_vec)),
        headers: match result.headers {
            HeaderChange::Keep => None,
            HeaderChange::Patch(headers) => Some((false, list(headers))),
            HeaderChange::Replace(headers) => Some((true, list(headers))),
        },
        value: match result.value {
            Value::Same => None,
            Value::Null => Some(None),
            Value::Bytes(bytes) => Some(Some(bytes.to_vec())),
        },
    }
}
