//! Messages to and from one worker process.
//!
//! Writing never blocks the caller: what the socket does not take at once is left to the link's writer thread, and a
//! worker that takes nothing for [`STALL`] is killed. Reading has a thread of its own, which hands each message to the
//! owner of its channel. Whatever breaks the protocol kills the worker.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use thiserror::Error;

use super::calls::{Calls, Host, Line};
use super::isolate::{Isolate, IsolateEvent, Route};
use super::process::{self, Started, WorkerCommand};
use crate::function::Program;
use crate::protocol::control::{Hello, Prepare, Prepared, decode, encode};
use crate::protocol::frame::{Assembler, Kind, Message};
use crate::protocol::words::{MAX_ISOLATES, Words};

/// How long a worker may take nothing from its full socket.
const STALL: Duration = Duration::from_secs(10);
/// How long a worker that lives for one task may take to say hello.
pub const HELLO: Duration = Duration::from_secs(30);

#[derive(Debug, Error)]
pub enum LinkError {
    #[error("cannot start a worker process: {0}")]
    Start(#[source] io::Error),
    #[error("worker {pid} {how} before it was ready")]
    Ended { pid: u32, how: String },
    #[error("worker {pid} did not answer within {seconds} s")]
    Silent { pid: u32, seconds: u64 },
    #[error("worker speaks version {theirs} of the protocol, we speak {ours}")]
    Version { theirs: u32, ours: u32 },
    #[error("worker has no room for another isolate (it holds {MAX_ISOLATES})")]
    Full,
}

/// How a worker ended.
#[derive(Debug, Clone)]
pub struct Death {
    pub pid: u32,
    /// For people: "was ended by signal 9 (SIGKILL)".
    pub how: String,
    /// Whether the engine itself brought it down, rather than somebody from outside.
    pub crashed: bool,
    /// The invocation that the isolate was running, by the shared word.
    pub running: Option<u64>,
    /// Nobody but this isolate can be to blame: it alone was running anything.
    pub certain: bool,
    /// This isolate may be to blame.
    pub suspect: bool,
}

/// A live worker and the line to it.
#[derive(Debug)]
pub struct Link {
    pid: u32,
    socket: OwnedFd,
    words: Words,
    outgoing: Mutex<Outgoing>,
    /// Wakes the writer thread when something is left over, and at the end.
    more: Condvar,
    routes: Mutex<HashMap<u32, Owner>>,
    next_channel: AtomicU32,
    hello: Mutex<Option<Hello>>,
    prepared: Mutex<Option<Prepared>>,
    /// Wakes whoever waits for `hello`, `prepared` or the end.
    news: Condvar,
    dead: AtomicBool,
    how: Mutex<String>,
}

/// Who hears of an isolate, and who serves it.
struct Owner {
    route: Route,
    calls: Arc<dyn Calls>,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").field("calls", &self.calls).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Outgoing {
    queue: VecDeque<Vec<u8>>,
    /// Bytes of the first message that have gone already.
    gone: usize,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Starts a worker and its two threads. `on_death` is called once, on the reader's thread, after every owner was told.
    pub fn start(
        command: &WorkerCommand,
        on_death: impl FnOnce(&Death) + Send + 'static,
    ) -> Result<Arc<Link>, LinkError> {
        let Started { child, socket, words } = process::start(command).map_err(LinkError::Start)?;
        let link = Arc::new(Link {
            pid: child.id(),
            socket,
            words,
            outgoing: Mutex::default(),
            more: Condvar::new(),
            routes: Mutex::default(),
            next_channel: AtomicU32::new(1),
            hello: Mutex::default(),
            prepared: Mutex::default(),
            news: Condvar::new(),
            dead: AtomicBool::new(false),
            how: Mutex::default(),
        });
        let reader = Arc::clone(&link);
        let writer = Arc::clone(&link);
        std::thread::Builder::new()
            .name(format!("read-{}", link.pid))
            .spawn(move || reader.read_until_end(child, on_death))
            .map_err(LinkError::Start)?;
        std::thread::Builder::new()
            .name(format!("write-{}", link.pid))
            .spawn(move || writer.write_until_end())
            .map_err(LinkError::Start)?;
        Ok(link)
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Waits for the worker's first message.
    pub fn wait_ready(&self, patience: Duration) -> Result<Hello, LinkError> {
        let hello = self.wait_for(&self.hello, patience, |hello| hello.clone())?;
        if hello.version != crate::protocol::VERSION {
            self.kill("speaks another version of the protocol");
            return Err(LinkError::Version { theirs: hello.version, ours: crate::protocol::VERSION });
        }
        Ok(hello)
    }

    /// Has a short-lived worker transpile and check a function.
    pub fn prepare(&self, prepare: &Prepare, patience: Duration) -> Result<Prepared, LinkError> {
        self.send(encode(Kind::Prepare, 0, prepare));
        self.wait_for(&self.prepared, patience, |prepared| prepared.take())
    }

    fn wait_for<T, R>(
        &self,
        slot: &Mutex<T>,
        patience: Duration,
        mut get: impl FnMut(&mut T) -> Option<R>,
    ) -> Result<R, LinkError> {
        let until = Instant::now() + patience;
        let mut guard = lock(slot);
        loop {
            if let Some(found) = get(&mut guard) {
                return Ok(found);
            }
            if self.is_dead() {
                return Err(LinkError::Ended { pid: self.pid, how: lock(&self.how).clone() });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(guard);
                self.kill("did not answer in time");
                return Err(LinkError::Silent { pid: self.pid, seconds: patience.as_secs() });
            }
            // Woken at least every 100 ms, since the death is not announced under this slot's lock.
            let step = left.min(Duration::from_millis(100));
            guard = self.news.wait_timeout(guard, step).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Asks the worker for an isolate; `route` hears the answer and everything after it, `host` serves its calls.
    pub fn open(self: &Arc<Link>, program: &Program, route: Route, host: &dyn Host) -> Result<Isolate, LinkError> {
        let channel = {
            let mut routes = lock(&self.routes);
            if self.is_dead() {
                return Err(LinkError::Ended { pid: self.pid, how: lock(&self.how).clone() });
            }
            if routes.len() >= MAX_ISOLATES {
                return Err(LinkError::Full);
            }
            let channel = loop {
                let next = self.next_channel.fetch_add(1, Ordering::Relaxed) % (MAX_ISOLATES as u32 + 1);
                if next != 0 && !routes.contains_key(&next) {
                    break next;
                }
            };
            let calls = host.serve(program, Line::new(self, channel));
            routes.insert(channel, Owner { route, calls });
            channel
        };
        self.send(encode(Kind::Load, channel, program.load()));
        Ok(Isolate::new(Arc::clone(self), channel))
    }

    pub(super) fn close_route(&self, channel: u32) {
        let owner = lock(&self.routes).remove(&channel);
        if let Some(owner) = owner {
            owner.calls.close();
        }
    }

    /// Sends a finished message; never blocks.
    pub fn send(&self, message: Vec<u8>) {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.closed {
            return;
        }
        let mut gone = 0;
        if outgoing.queue.is_empty() {
            while gone < message.len() {
                match send(&self.socket, &message[gone..], SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                    Ok(count) => gone += count,
                    Err(Errno::INTR) => {}
                    // A full socket is the writer's business; a broken one the reader's.
                    Err(_) => break,
                }
            }
            if gone == message.len() {
                return;
            }
            outgoing.gone = gone;
        }
        outgoing.queue.push_back(message);
        self.more.notify_one();
    }

    fn write_until_end(&self) {
        loop {
            let mut outgoing = lock(&self.outgoing);
            while outgoing.queue.is_empty() && !outgoing.closed {
                outgoing = self.more.wait(outgoing).unwrap_or_else(PoisonError::into_inner);
            }
            if outgoing.closed {
                return;
            }
            while let Some(message) = outgoing.queue.front() {
                match send(&self.socket, &message[outgoing.gone..], SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                    Ok(count) if outgoing.gone + count == message.len() => {
                        outgoing.queue.pop_front();
                        outgoing.gone = 0;
                    }
                    Ok(count) => outgoing.gone += count,
                    Err(Errno::INTR) => {}
                    Err(_) => break,
                }
            }
            let done = outgoing.queue.is_empty();
            drop(outgoing);
            if !done && !self.wait_writable() {
                self.kill("took nothing from its socket");
                return;
            }
        }
    }

    fn wait_writable(&self) -> bool {
        let limit = Timespec { tv_sec: STALL.as_secs() as i64, tv_nsec: 0 };
        let mut fds = [PollFd::new(&self.socket, PollFlags::OUT)];
        match poll(&mut fds, Some(&limit)) {
            Ok(0) => false,
            Ok(_) => !self.is_dead(),
            Err(_) => true,
        }
    }

    fn read_until_end(&self, mut child: Child, on_death: impl FnOnce(&Death)) {
        let why = self.read_messages();
        // Whatever made us stop reading, the process must be gone before anybody takes its records back.
        let _ = child.kill();
        let status = child.wait();
        {
            let mut outgoing = lock(&self.outgoing);
            outgoing.closed = true;
            outgoing.queue.clear();
        }
        self.more.notify_all();
        let (mut how, crashed) = match status {
            Ok(status) => (process::describe(status), crashed(status)),
            Err(error) => (format!("ended: {error}"), false),
        };
        if let Some(why) = &why {
            how = format!("broke the protocol ({why}) and was killed");
        }
        let killed_by_us = lock(&self.how).clone();
        if !killed_by_us.is_empty() {
            how = format!("{killed_by_us} and was killed");
        }
        lock(&self.how).clone_from(&how);
        let owners: Vec<(u32, Owner)> = {
            // Under this lock, so that nobody opens an isolate that would never hear of the death.
            let mut routes = lock(&self.routes);
            self.dead.store(true, Ordering::Release);
            routes.drain().collect()
        };
        self.news.notify_all();
        let crashed = crashed || why.is_some() || !killed_by_us.is_empty();
        let busy = owners.iter().filter(|(channel, _)| self.words.running(*channel).is_some()).count();
        let mut death = Death { pid: self.pid, how, crashed, running: None, certain: false, suspect: false };
        for (channel, owner) in owners {
            let running = self.words.running(channel);
            let certain = running.is_some() && busy == 1;
            let suspect = running.is_some() || busy == 0;
            owner.calls.close();
            (owner.route)(IsolateEvent::Died(Death { running, certain, suspect, ..death.clone() }));
            death.running = death.running.or(running);
        }
        on_death(&death);
    }

    /// Reads until the end of the socket (`None`) or until something was said that may not be said.
    fn read_messages(&self) -> Option<String> {
        let mut assembler = Assembler::default();
        loop {
            match assembler.fill(|room| recv(&self.socket, room, RecvFlags::empty()).map(|(_, count)| count)) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return None,
            }
            loop {
                match assembler.next_message() {
                    Ok(Some(message)) => {
                        if let Err(why) = self.receive(message) {
                            return Some(why);
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return Some(error.to_string()),
                }
            }
        }
    }

    fn receive(&self, message: Message) -> Result<(), String> {
        let bad = |error: serde_json::Error| format!("{:?}: {error}", message.kind);
        let event = match message.kind {
            Kind::Hello => {
                *lock(&self.hello) = Some(decode(&message).map_err(bad)?);
                self.news.notify_all();
                return Ok(());
            }
            Kind::Prepared => {
                *lock(&self.prepared) = Some(decode(&message).map_err(bad)?);
                self.news.notify_all();
                return Ok(());
            }
            Kind::Loaded => IsolateEvent::Loaded(decode(&message).map_err(bad)?),
            Kind::Unloaded => IsolateEvent::Unloaded(decode(&message).map_err(bad)?),
            Kind::Log => IsolateEvent::Log(decode(&message).map_err(bad)?),
            Kind::Call => {
                let calls = lock(&self.routes).get(&message.channel).map(|owner| Arc::clone(&owner.calls));
                return calls.map_or(Ok(()), |calls| calls.call(&message.body));
            }
            Kind::Settled => {
                return self.pass_on(message.channel, IsolateEvent::Settled(message.body));
            }
            other => return Err(format!("{other:?} is not for a worker to send")),
        };
        self.pass_on(message.channel, event)
    }

    /// Hands an event to its owner; an isolate that was just given back has none any more, and that is no offence.
    fn pass_on(&self, channel: u32, event: IsolateEvent) -> Result<(), String> {
        let owner = lock(&self.routes).get(&channel).map(|owner| (Arc::clone(&owner.route), Arc::clone(&owner.calls)));
        match owner {
            Some((route, calls)) => {
                if matches!(event, IsolateEvent::Unloaded(_)) {
                    calls.close();
                }
                route(event);
            }
            None if channel == 0 || channel as usize > MAX_ISOLATES => {
                return Err(format!("channel {channel} cannot exist"));
            }
            None => {}
        }
        Ok(())
    }

    /// Ends the worker; its owners hear of it as of any other death.
    pub fn kill(&self, why: &str) {
        if !self.is_dead() {
            why.clone_into(&mut lock(&self.how));
            // The reader sees the end of the socket, and its own handle of the child does the killing.
            let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        }
    }

    /// Lets the worker go: it ends by itself at the end of its socket.
    pub fn close(&self) {
        lock(&self.outgoing).closed = true;
        self.more.notify_all();
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }
}

/// Whether the process brought itself down. SIGKILL and SIGTERM come from somebody else.
fn crashed(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    !matches!(status.signal(), Some(libc::SIGKILL | libc::SIGTERM | libc::SIGINT)) && status.code() != Some(0)
}
