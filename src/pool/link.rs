//! Messages to and from one worker process.
//!
//! Writing never blocks the caller: what the socket does not take at once is left to the link's writer thread, and a
//! worker that takes too little is killed ([`Outgoing`]). Reading has a thread of its own, which hands each message to
//! the owner of its channel. Whatever breaks the protocol kills the worker.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use thiserror::Error;

use super::blame::{self, Cause, Part, Seen};
use super::calls::{Calls, Host, Line};
use super::cgroup::{self, ControlGroup};
use super::ending::{self, Signs};
use super::isolate::{Isolate, IsolateEvent, Route};
use super::oom::OomWatch;
use super::outgoing::Outgoing;
use super::phase::Phase;
use super::process::{self, Started, WorkerCommand};
use super::{last_words, memory};
use crate::function::Program;
use crate::protocol::control::{Hello, Loaded, Prepare, Prepared, Unloaded, decode, encode};
use crate::protocol::frame::{Assembler, Builder, Kind, Message};
use crate::protocol::sandbox::Held;
use crate::protocol::socket;
use crate::protocol::words::{MAX_ISOLATES, Running, Words};

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
    #[error("E4001: worker {pid} is not wholly confined: without {}", listed(missing))]
    Unconfined { pid: u32, missing: Vec<Held> },
    #[error("worker has no room for another isolate (it holds {MAX_ISOLATES})")]
    Full,
}

fn listed(missing: &[Held]) -> String {
    let missing: Vec<String> = missing.iter().map(|held| format!("{} ({})", held.layer, held.note)).collect();
    missing.join(", ")
}

/// How a worker ended.
#[derive(Debug, Clone)]
pub struct Death {
    pub pid: u32,
    /// For people: "was ended by signal 9 (SIGKILL)".
    pub how: String,
    pub cause: Cause,
    /// What the isolate was running, by its own word.
    pub running: Running,
    /// What the isolate had to do with it.
    pub part: Part,
}

/// A live worker and the line to it.
#[derive(Debug)]
pub struct Link {
    pid: u32,
    /// Names the process even when its number is another's; `None` on kernels without such a thing.
    process: Option<OwnedFd>,
    socket: OwnedFd,
    words: Words,
    outgoing: Outgoing,
    routes: Mutex<HashMap<u32, Owner>>,
    next_channel: AtomicU32,
    hello: Mutex<Option<Hello>>,
    prepared: Mutex<Option<Prepared>>,
    /// Wakes whoever waits for `hello`, `prepared` or the end.
    news: Condvar,
    dead: AtomicBool,
    how: Mutex<String>,
    needs_whole_sandbox: bool,
    /// We let it go, so that its end is no news.
    closing: AtomicBool,
    /// We ended it because it took too much memory.
    gorged: AtomicBool,
    oom: OomWatch,
    /// When the last isolate was given back, or when it started.
    idle_since: Mutex<Instant>,
}

/// Who hears of an isolate, and who serves it.
struct Owner {
    route: Route,
    calls: Arc<dyn Calls>,
    phase: Phase,
    /// Bytes that the isolate held when it last reported.
    told: u64,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").field("calls", &self.calls).finish_non_exhaustive()
    }
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
        let Started { child, socket, words, stderr } = process::start(command).map_err(LinkError::Start)?;
        let link = Arc::new(Link {
            pid: child.id(),
            process: pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok(),
            socket,
            words,
            outgoing: Outgoing::default(),
            routes: Mutex::default(),
            next_channel: AtomicU32::new(1),
            hello: Mutex::default(),
            prepared: Mutex::default(),
            news: Condvar::new(),
            dead: AtomicBool::new(false),
            how: Mutex::default(),
            needs_whole_sandbox: command.needs_whole_sandbox,
            closing: AtomicBool::new(false),
            gorged: AtomicBool::new(false),
            oom: OomWatch::new(),
            idle_since: Mutex::new(Instant::now()),
        });
        let group = command.memory.and_then(|cap| cgroup::confine(link.pid, cap));
        if let Some(cap) = command.memory {
            memory::watch(&link, cap).map_err(LinkError::Start)?;
        }
        let reader = Arc::clone(&link);
        let writer = Arc::clone(&link);
        std::thread::Builder::new()
            .name(format!("read-{}", link.pid))
            .spawn(move || reader.read_until_end(child, &stderr, group, on_death))
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
        let missing = hello.sandbox.missing();
        if self.needs_whole_sandbox && !missing.is_empty() {
            self.kill("lacks a layer of its sandbox");
            return Err(LinkError::Unconfined { pid: self.pid, missing });
        }
        Ok(hello)
    }

    /// Has a short-lived worker transpile and check a function.
    pub fn prepare(&self, prepare: &Prepare, patience: Duration) -> Result<Prepared, LinkError> {
        self.send(encode(Kind::Prepare, 0, prepare));
        // What it says of another function than the one that was asked for is nobody's.
        self.wait_for(&self.prepared, patience, |prepared| prepared.take().filter(|answer| answer.id == prepare.id))
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
            self.words.memory(channel).store(0, Ordering::Relaxed);
            routes.insert(channel, Owner { route, calls, phase: Phase::Loading, told: 0 });
            channel
        };
        let load = encode(Kind::Load, channel, program.load());
        let len = load.len();
        self.outgoing.add_program(len);
        self.send(load);
        Ok(Isolate::new(Arc::clone(self), channel, len))
    }

    /// Gives an isolate back whose program took `len` bytes. Its channel is not given to another before the worker was told.
    pub(super) fn close_route(&self, channel: u32, len: usize) {
        self.outgoing.remove_program(len);
        let mut routes = lock(&self.routes);
        let owner = routes.remove(&channel);
        if owner.is_some() && routes.is_empty() {
            *lock(&self.idle_since) = Instant::now();
        }
        self.send(Builder::with_body(Kind::Unload, channel, &[]));
        drop(routes);
        if let Some(owner) = owner {
            owner.calls.close();
        }
    }

    /// Whether any isolate was ever asked for.
    pub fn was_used(&self) -> bool {
        self.next_channel.load(Ordering::Relaxed) > 1
    }

    /// Since when it has held no isolate; `None` while it holds one.
    pub fn idle_since(&self) -> Option<Instant> {
        lock(&self.routes).is_empty().then(|| *lock(&self.idle_since))
    }

    /// Keeps the evidence fresh by which a want of memory is told from a person's `kill -9`; called every second or so.
    pub fn look(&self) {
        self.oom.look();
        self.words.slots().tidy();
    }

    /// Sends a finished message; never blocks. Returns a buffer for the next one.
    pub fn send(&self, message: Vec<u8>) -> Vec<u8> {
        let (sent, kept) = match self.words.slots().pack(&message) {
            Some(notice) => (notice, Some(message)),
            None => (message, None),
        };
        let free = self.outgoing.send(&self.socket, sent).unwrap_or_else(|_| {
            self.kill("asked for more than it read");
            Vec::new()
        });
        kept.unwrap_or(free)
    }

    /// Whether so much waits to be read by the worker that nothing large should be sent before it has read some of it.
    pub fn is_full(&self) -> bool {
        self.outgoing.is_full()
    }

    fn write_until_end(&self) {
        if let Err(why) = self.outgoing.write_until_end(&self.socket, || self.is_dead()) {
            self.kill(why);
        }
    }

    fn read_until_end(
        &self,
        mut child: Child,
        stderr: &OwnedFd,
        group: Option<ControlGroup>,
        on_death: impl FnOnce(&Death),
    ) {
        let violation = self.read_messages();
        let killed = lock(&self.how).clone();
        let closing = self.closing.load(Ordering::Acquire);
        let fled = violation.is_none() && killed.is_empty() && !closing && !ending::comes(&mut child);
        // Whatever made us stop reading, the process must be gone before anybody takes its records back.
        let _ = child.kill();
        let status = child.wait();
        self.outgoing.close();
        let signs = Signs {
            killed: &killed,
            gorged: self.gorged.load(Ordering::Acquire),
            closing,
            violation: violation.as_deref(),
            fled,
            oom: self.oom.has_struck() || group.is_some_and(|group| group.ran_out_of_memory()),
        };
        let (mut how, cause) = ending::explain(signs, &status);
        if let Some(words) = last_words::read(stderr) {
            how = format!("{how}, saying {words:?}");
        }
        lock(&self.how).clone_from(&how);
        let owners: Vec<(u32, Owner)> = {
            // Under this lock, so that nobody opens an isolate that would never hear of the death.
            let mut routes = lock(&self.routes);
            self.dead.store(true, Ordering::Release);
            routes.drain().collect()
        };
        self.news.notify_all();
        let seen: Vec<Seen> = owners.iter().map(|(channel, owner)| self.last_seen(*channel, owner.told)).collect();
        let parts = blame::judge(cause, &seen);
        let death = Death { pid: self.pid, how, cause, running: Running::Nothing, part: Part::None };
        for (((_, owner), seen), part) in owners.into_iter().zip(seen).zip(parts) {
            owner.calls.close();
            (owner.route)(IsolateEvent::Died(Death { running: seen.running, part, ..death.clone() }));
        }
        on_death(&death);
    }

    fn last_seen(&self, channel: u32, told: u64) -> Seen {
        let held = self.words.memory(channel).load(Ordering::Acquire);
        Seen { running: self.words.running(channel), growth: held.saturating_sub(told) }
    }

    /// Reads until the end of the socket (`None`) or until something was said that may not be said.
    fn read_messages(&self) -> Option<String> {
        let mut assembler = Assembler::default();
        loop {
            match assembler.fill(|room| socket::receive(&self.socket, room)) {
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
        let message = self.words.slots().unpack(message).map_err(|error| error.to_string())?;
        let bad = |error: serde_json::Error| format!("{:?}: {error}", message.kind);
        let event = match message.kind {
            Kind::Hello => {
                let hello = decode(&message).map_err(bad)?;
                if lock(&self.hello).replace(hello).is_some() {
                    return Err("Hello comes once".to_owned());
                }
                self.news.notify_all();
                return Ok(());
            }
            Kind::Prepared => {
                *lock(&self.prepared) = Some(decode::<Prepared>(&message).map_err(bad)?.cut());
                self.news.notify_all();
                return Ok(());
            }
            Kind::Loaded => IsolateEvent::Loaded(decode::<Loaded>(&message).map_err(bad)?.cut()),
            Kind::Unloaded => IsolateEvent::Unloaded(decode::<Unloaded>(&message).map_err(bad)?.cut()),
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
        let owner = match lock(&self.routes).get_mut(&channel) {
            Some(owner) => {
                if let Some(told) = owner.phase.hear(&event)? {
                    owner.told = told;
                }
                Some((Arc::clone(&owner.route), Arc::clone(&owner.calls)))
            }
            None => None,
        };
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
            // At once, since the reader, which makes sure of it, may have to wait for an owner first.
            if let Some(process) = &self.process {
                let _ = pidfd_send_signal(process, Signal::KILL);
            }
            let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        }
    }

    /// As [`Link::kill`], because it took more memory than there is for it.
    pub fn kill_for_memory(&self, why: &str) {
        self.gorged.store(true, Ordering::Release);
        self.kill(why);
    }

    /// Lets the worker go: it ends by itself at the end of its socket.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.outgoing.close();
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }
}
