//! The worker's main thread: reads messages from the host and hands them to the isolates.

use std::collections::HashMap;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;

use deno_core::v8;
use rustix::io::Errno;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::isolate::{self, Assignment, Order, Shared};
use super::outbox::Outbox;
use super::spare::Spares;
use super::{clock, confine, engine, entropy, limits, prepare, snapshot};
use crate::protocol::control::{Credit, Hello, Load, Prepare, decode};
use crate::protocol::frame::Assembler;
use crate::protocol::sandbox::{Layer, Sandbox};
use crate::protocol::slots::{Body, Lent};
use crate::protocol::socket::receive;
use crate::protocol::words::{MAX_ISOLATES, Running, Words};
use crate::protocol::{self, Kind, Message};

/// What each lane may have outstanding.
pub const CREDIT: Credit = Credit { records: 4096, bytes: 64 << 20 };

const SOCKET: i32 = 3;
const WORDS: i32 = 4;
const SNAPSHOT: i32 = 5;
/// Descriptors below this are the worker's; what is above was inherited by accident.
const DESCRIPTORS: i32 = 6;

/// Runs a worker on the descriptors that its host left open: the socket on 3, the shared words on 4, the snapshot on 5.
pub fn main_from_fds() -> ExitCode {
    // SAFETY: the host starts a worker with these descriptors open, and nobody else in the process owns them.
    let [socket, words, snapshot] = [SOCKET, WORDS, SNAPSHOT].map(|raw| unsafe { OwnedFd::from_raw_fd(raw) });
    // A thread that panics holds invocations that would never settle; the shared words tell whose they are.
    std::panic::set_hook(Box::new(|panic| fail(&panic.to_string())));
    clock::prepare();
    // Before any thread is started and any of a user's bytes are read.
    let sandbox = confine::confine(&Layer::ALL, DESCRIPTORS);
    main(socket, words, &snapshot, sandbox)
}

/// Runs a worker until the host closes the socket.
pub fn main(socket: OwnedFd, words: OwnedFd, snapshot: &OwnedFd, sandbox: Sandbox) -> ExitCode {
    if let Err(error) = snapshot::open(snapshot) {
        fail(&format!("cannot map the snapshot: {error}"));
    }
    entropy::seed_engine();
    engine::initialise();
    let words = match Words::open(&words) {
        Ok(words) => Arc::new(words),
        Err(error) => fail(&format!("cannot map the shared words: {error}")),
    };
    let read_end = match socket.try_clone() {
        Ok(socket) => socket,
        Err(error) => fail(&format!("cannot duplicate the socket: {error}")),
    };
    if let Err(error) = limits::start() {
        fail(&format!("cannot start the watchdog: {error}"));
    }
    let shared = Shared { outbox: Arc::new(Outbox::new(socket, words.clone())), words };
    let hello = Hello {
        version: protocol::VERSION,
        pid: std::process::id(),
        engine: format!("V8 {}", v8::V8::get_version()),
        credit: CREDIT,
        sandbox,
    };
    shared.outbox.send_control(Kind::Hello, 0, &hello);
    serve(&read_end, &shared);
    exit(0)
}

fn serve(socket: &OwnedFd, shared: &Shared) {
    let mut router = Router { isolates: HashMap::new(), spares: Spares::default(), shared: shared.clone() };
    let mut assembler = Assembler::default();
    loop {
        router.make_spare(socket);
        match assembler.fill(|room| receive(socket, room)) {
            Ok(0) => return,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => fail(&format!("cannot read from the host: {error}")),
        }
        loop {
            match assembler.next_message() {
                Ok(None) => break,
                Ok(Some(message)) => router.route(message),
                Err(error) => fail(&format!("malformed message: {error}")),
            }
        }
    }
}

/// Knows which isolates live.
struct Router {
    isolates: HashMap<u32, UnboundedSender<Order>>,
    spares: Spares,
    shared: Shared,
}

impl Router {
    fn route(&mut self, message: Message) {
        let channel = message.channel;
        match message.kind {
            Kind::Load => self.load(channel, body(&message)),
            Kind::Run => self.order(channel, Order::Run(message.body.into())),
            Kind::RunAt => self.order(channel, Order::Run(Body::Lent(self.lent(&message)))),
            Kind::Recall => self.order(channel, Order::Recall(body(&message))),
            Kind::Unload => {
                self.order(channel, Order::Unload);
                self.isolates.remove(&channel);
            }
            Kind::Prepare => self.prepare(body(&message)),
            Kind::Spare => self.spares.keep(),
            Kind::Reply => self.order(channel, Order::Reply(message.body)),
            other => fail(&format!("a host does not send {other:?}")),
        }
    }

    fn lent(&self, notice: &Message) -> Lent {
        let lent = Lent::of(&self.shared.words, &notice.body);
        lent.unwrap_or_else(|error| fail(&format!("malformed {:?}: {error}", notice.kind)))
    }

    /// An isolate may have ended while this was on its way; then `Unloaded`, also on its way, tells the host.
    fn order(&self, channel: u32, order: Order) {
        if let Some(inbox) = self.isolates.get(&channel) {
            let _ = inbox.send(order);
        }
    }

    fn load(&mut self, channel: u32, load: Load) {
        if channel == 0 || channel as usize > MAX_ISOLATES {
            fail(&format!("channel {channel} cannot hold an isolate"));
        }
        if self.isolates.get(&channel).is_some_and(|inbox| !inbox.is_closed()) {
            fail(&format!("channel {channel} holds an isolate already"));
        }
        let (sender, inbox) = unbounded_channel();
        self.isolates.insert(channel, sender);
        let assignment = Assignment { channel, load, arrived_ns: clock::now_ns(), inbox };
        if let Some(assignment) = self.spares.assign(assignment) {
            let (shared, name) = (self.shared.clone(), assignment.load.function.clone());
            spawn(&name, move || isolate::run(assignment, &shared));
        }
    }

    /// Nothing has arrived: there may be time for what can wait.
    fn make_spare(&mut self, socket: &OwnedFd) {
        let (isolates, words) = (&self.isolates, &self.shared.words);
        let is_busy = || isolates.keys().any(|channel| words.running(*channel) != Running::Nothing);
        self.spares.make_in_time(socket, &self.shared, is_busy);
    }

    fn prepare(&self, request: Prepare) {
        let outbox = self.shared.outbox.clone();
        spawn(&request.function.clone(), move || {
            let prepared = prepare::run(request, &outbox);
            outbox.send_control(Kind::Prepared, 0, &prepared);
        });
    }
}

fn body<T: serde::de::DeserializeOwned>(message: &Message) -> T {
    decode(message).unwrap_or_else(|error| fail(&format!("malformed {:?}: {error}", message.kind)))
}

/// Starts a thread that somebody waits for.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    if let Err(error) = isolate::spawn(name, run) {
        fail(&format!("cannot start a thread: {error}"));
    }
}

/// Ends the worker because something is wrong that it cannot mend.
pub fn fail(message: &str) -> ! {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "eddyline worker: {message}");
    exit(2)
}

/// Ends the process at once: isolates may be running, so nothing that they use must be torn down.
pub fn exit(code: i32) -> ! {
    // SAFETY: `_exit` takes any code and does not return.
    unsafe { libc::_exit(code) }
}
