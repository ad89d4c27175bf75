//! A real worker whose fetches the real service serves, without a node around them.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eddyline::fetch::{Fetch, FetchOptions};
use eddyline::function::Program;
use eddyline::manifest::{Manifest, ParseOptions};
use eddyline::pool::{HELLO, Isolate, IsolateEvent, Link, WorkerCommand};
use eddyline::protocol::run::{Invocation, RecordView, RunBuilder};
use eddyline::telemetry::Metrics;

use super::worker::{self, Failed, Settled};

/// Nothing that a test waits for takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service of a test, with metrics of its own.
pub struct Service {
    pub fetch: Fetch,
    pub metrics: Arc<Metrics>,
}

/// A function in an isolate.
pub struct Caller {
    pub isolate: Isolate,
    events: Receiver<IsolateEvent>,
    runs: u32,
}

pub fn options() -> FetchOptions {
    FetchOptions {
        max_concurrent: 100,
        max_concurrent_per_function: 100,
        timeout: Duration::from_secs(30),
        max_request: 1 << 20,
        max_response: 1 << 20,
        certificates: None,
    }
}

/// One for all workers of the tests.
fn command() -> WorkerCommand {
    static COMMAND: OnceLock<WorkerCommand> = OnceLock::new();
    let make = || WorkerCommand::new(env!("CARGO_BIN_EXE_eddyline"), "worker").expect("a snapshot is made");
    COMMAND.get_or_init(make).clone()
}

pub fn link() -> Arc<Link> {
    let link = Link::start(&command(), |_| {}).expect("a worker starts");
    link.wait_ready(HELLO).expect("the worker is ready");
    link
}

/// A function whose handler has this body.
pub fn program(name: &str, more: &str, body: &str) -> Program {
    module(name, more, &format!("export default async function (record, ctx) {{ {body} }}"))
}

pub fn module(name: &str, more: &str, code: &str) -> Program {
    let text = format!("[source]\ntopics = [\"in\"]\n[sink]\ntopic = \"out\"\n{more}");
    let parsed = Manifest::parse(Path::new("function.toml"), name, &text, &ParseOptions::default());
    let manifest = parsed.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    let bundle = worker::function(code).bundle;
    Program::new(manifest, 1, String::new(), bundle, std::collections::BTreeMap::new())
}

impl Default for Service {
    fn default() -> Service {
        Service::new(options())
    }
}

impl Service {
    pub fn new(options: FetchOptions) -> Service {
        let metrics = Metrics::new();
        Service { fetch: Fetch::new(options, Arc::clone(&metrics)).expect("the options are good"), metrics }
    }

    /// Loads a function that may reach these hosts at private addresses into a worker of its own.
    pub fn caller(&self, private_net: &[String], body: &str) -> Caller {
        self.load(&link(), &program("test", &format!("[permissions]\nprivate-net = {private_net:?}"), body))
    }

    pub fn load(&self, link: &Arc<Link>, program: &Program) -> Caller {
        let (sender, events) = channel();
        let route = move |event| {
            let _ = sender.send(event);
        };
        let isolate = link.open(program, Arc::new(route), &self.fetch).expect("an isolate is asked for");
        let caller = Caller { isolate, events, runs: 0 };
        match caller.event() {
            IsolateEvent::Loaded(loaded) => assert!(loaded.result.is_ok(), "{loaded:?}"),
            other => panic!("{other:?}"),
        }
        caller
    }

    /// How often fetches of a function have ended so.
    pub fn count(&self, function: &str, outcome: &str) -> u64 {
        let line = format!("eddyline_fetch_requests_total{{function=\"{function}\",outcome=\"{outcome}\"}} ");
        let text = self.metrics.render();
        text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().expect("a number"))
    }
}

impl Caller {
    pub fn event(&self) -> IsolateEvent {
        self.events.recv_timeout(PATIENCE).expect("the worker answers in time")
    }

    /// Sends a record, as an invocation of its own.
    pub fn send(&mut self, value: &str) {
        self.runs += 1;
        let mut builder = RunBuilder::new(self.isolate.channel(), ["in"].into_iter());
        let id = u64::from(self.runs);
        builder.invocation(&Invocation { id, lane: 1, epoch: self.runs, attempt: 1, records: 1 });
        let record =
            RecordView { topic: "in", partition: 0, offset: 0, timestamp: 0, key: None, value: Some(value.as_bytes()) };
        builder.record(&record, std::iter::empty());
        self.isolate.send(builder.finish());
    }

    pub fn settled(&self) -> Settled {
        loop {
            match self.event() {
                IsolateEvent::Settled(body) => return worker::settled_of(&body).remove(0),
                IsolateEvent::Log(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn run(&mut self, value: &str) -> Settled {
        self.send(value);
        self.settled()
    }

    /// Runs a record, and gives the one result that it must have as JSON.
    pub fn json(&mut self, value: &str) -> serde_json::Value {
        let settled = self.run(value);
        serde_json::from_str(settled.outputs()[0].text()).expect("JSON")
    }

    pub fn failure(&mut self, value: &str) -> Failed {
        self.run(value).failed().clone()
    }
}
