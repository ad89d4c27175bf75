//! Keeps the wanted workers running: those of the shared group always, those of the others while somebody uses them.
//!
//! One thread starts all workers, because a worker is tied to the life of the thread that started it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::calls::Host;
use super::fleet::{Fleet, Ready, State};
use super::group::{Group, GroupKind};
use super::isolate::{Isolate, Route};
use super::link::{Link, LinkError};
use super::process::WorkerCommand;
use crate::function::Program;
use crate::protocol::control::Hello;
use crate::protocol::frame::{Builder, Kind};
use crate::protocol::sandbox::Sandbox;

#[derive(Debug, Clone)]
pub struct PoolOptions {
    pub command: WorkerCommand,
    /// Most worker processes of one group, and always as many of the shared one.
    pub workers: usize,
    /// How long a new worker may take until it answers.
    pub start_timeout: Duration,
    /// Serves the calls of all isolates.
    pub host: Arc<dyn Host>,
}

/// The worker processes of this node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    workers: usize,
    fleet: Mutex<Fleet>,
    restarts: AtomicU64,
    stopping: AtomicBool,
    orders: Mutex<Sender<Order>>,
    host: Arc<dyn Host>,
}

#[derive(Debug)]
enum Order {
    Start(Place),
    Ready(Place, Ready),
    Failed(Place, LinkError),
    Died { place: Place, pid: u32, how: String },
    Stop,
}

/// A slot of a group.
#[derive(Debug, Clone)]
struct Place {
    group: Group,
    slot: usize,
}

/// How often idle workers are looked for, and evidence is kept fresh.
const TICK: Duration = Duration::from_secs(1);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Starts the shared workers and waits until all are ready.
    pub fn start(options: PoolOptions) -> Result<Pool, LinkError> {
        let (orders, inbox) = channel();
        let workers = options.workers.max(1);
        let inner = Arc::new(Inner {
            workers,
            fleet: Mutex::new(Fleet::new(workers)),
            restarts: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            orders: Mutex::new(orders.clone()),
            host: options.host,
        });
        let (ready, first) = channel();
        let supervisor = Supervisor {
            inner: Arc::clone(&inner),
            command: options.command,
            start_timeout: options.start_timeout,
            orders,
            first: Some(ready),
        };
        std::thread::Builder::new()
            .name("workers".to_owned())
            .spawn(move || supervisor.run(&inbox))
            .map_err(LinkError::Start)?;
        first.recv().unwrap_or(Ok(()))?;
        Ok(Pool { inner })
    }

    /// Most workers of one group.
    pub fn len(&self) -> usize {
        self.inner.workers
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Live workers of a kind of group.
    pub fn alive(&self, kind: GroupKind) -> usize {
        lock(&self.inner.fleet).alive(kind)
    }

    pub fn restarts(&self) -> u64 {
        self.inner.restarts.load(Ordering::Relaxed)
    }

    /// Process ids of all live workers.
    pub fn pids(&self) -> Vec<u32> {
        lock(&self.inner.fleet).workers().map(|ready| ready.link.pid()).collect()
    }

    /// The engine that runs the handlers, as the workers name it.
    pub fn engine(&self) -> Option<String> {
        lock(&self.inner.fleet).workers().next().map(|ready| ready.hello.engine.clone())
    }

    /// What confines the workers, as one of them says.
    pub fn sandbox(&self) -> Option<Sandbox> {
        lock(&self.inner.fleet).workers().next().map(|ready| ready.hello.sandbox.clone())
    }

    /// Asks a worker of this group for an isolate. `None` while that worker is down or starts; ask again soon.
    pub fn open(&self, group: &Group, slot: usize, program: &Program, route: Route) -> Option<(Isolate, Hello)> {
        if self.inner.stopping.load(Ordering::Acquire) {
            return None;
        }
        let ready = {
            let mut fleet = lock(&self.inner.fleet);
            let (number, slot) = fleet.slot_for(group, slot)?;
            if slot.is_startable(Instant::now()) && *group != Group::Shared {
                slot.state = State::Starting;
                self.order(Order::Start(Place { group: group.clone(), slot: number }));
            }
            match &slot.state {
                State::Ready(ready) => ready.clone(),
                State::Empty | State::Starting => return None,
            }
        };
        let isolate = ready.link.open(program, route, &*self.inner.host).ok()?;
        Some((isolate, ready.hello))
    }

    /// Ends the workers of a group that nobody will need again soon. Its isolates must have been given back before.
    pub fn let_go(&self, group: &Group) {
        let gone = lock(&self.inner.fleet).remove(group);
        gone.iter().for_each(|ready| ready.link.close());
    }

    /// Lets all workers go. Isolates must have been given back before.
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        self.order(Order::Stop);
    }

    fn order(&self, order: Order) {
        let _ = lock(&self.inner.orders).send(order);
    }
}

struct Supervisor {
    inner: Arc<Inner>,
    command: WorkerCommand,
    start_timeout: Duration,
    orders: Sender<Order>,
    /// Who waits for the shared workers to be ready for the first time.
    first: Option<Sender<Result<(), LinkError>>>,
}

impl Supervisor {
    fn run(mut self, inbox: &Receiver<Order>) {
        let mut tick = Instant::now() + TICK;
        loop {
            let vacant = self.fill();
            let wake = vacant.map_or(tick, |at| at.min(tick));
            match inbox.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(Order::Start(place)) => self.begin(place),
                Ok(Order::Ready(place, ready)) => self.arrived(&place, ready),
                Ok(Order::Failed(place, error)) => {
                    if let Some(first) = self.first.take() {
                        let _ = first.send(Err(error));
                        break;
                    }
                    self.failed(&place, &error);
                }
                Ok(Order::Died { place, pid, how }) => self.died(&place, pid, &how),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= tick {
                tick = Instant::now() + TICK;
                self.tick();
            }
        }
        let all = lock(&self.inner.fleet).remove_all();
        all.iter().for_each(|ready| ready.link.close());
    }

    /// Starts workers in the empty slots of the shared group. Returns when the next of them may be started.
    fn fill(&self) -> Option<Instant> {
        let now = Instant::now();
        let (mut due, mut next) = (Vec::new(), None);
        for (number, slot) in lock(&self.inner.fleet).vacant() {
            match slot.not_before.filter(|time| *time > now) {
                None => due.push(number),
                Some(time) => next = Some(next.map_or(time, |next: Instant| next.min(time))),
            }
        }
        for slot in due {
            let place = Place { group: Group::Shared, slot };
            self.change(&place, |slot| slot.state = State::Starting);
            self.begin(place);
        }
        next
    }

    fn change<R>(&self, place: &Place, change: impl FnOnce(&mut super::fleet::Slot) -> R) -> Option<R> {
        lock(&self.inner.fleet).slot(&place.group, place.slot).map(change)
    }

    /// Starts a worker; whether it comes up is told by an order.
    fn begin(&self, place: Place) {
        let (orders, at) = (self.orders.clone(), place.clone());
        let started = Link::start(&self.command, move |death| {
            let _ = orders.send(Order::Died { place: at, pid: death.pid, how: death.how.clone() });
        });
        let link = match started {
            Ok(link) => link,
            Err(error) => return self.order(Order::Failed(place, error)),
        };
        let (orders, timeout, at) = (self.orders.clone(), self.start_timeout, place.clone());
        let awaited = Arc::clone(&link);
        let waiting = std::thread::Builder::new().name(format!("hello-{}", link.pid())).spawn(move || {
            let order = match awaited.wait_ready(timeout) {
                Ok(hello) => Order::Ready(at, Ready { link: awaited, hello }),
                Err(error) => Order::Failed(at, error),
            };
            let _ = orders.send(order);
        });
        if let Err(error) = waiting {
            link.close();
            self.order(Order::Failed(place, LinkError::Start(error)));
        }
    }

    fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    fn arrived(&mut self, place: &Place, ready: Ready) {
        let (link, pid) = (Arc::clone(&ready.link), ready.link.pid());
        if place.group.keeps_spare() {
            link.send(Builder::with_body(Kind::Spare, 0, &[]));
        }
        match self.change(place, |slot| slot.arrived(ready)) {
            // Nobody needs it any more.
            None => return link.close(),
            Some(true) => _ = self.inner.restarts.fetch_add(1, Ordering::Relaxed),
            Some(false) => {}
        }
        tracing::debug!(pid, group = %place.group, slot = place.slot, "worker is ready");
        if link.is_dead() {
            // Its death was told before its birth.
            self.died(place, pid, "ended");
        }
        if self.first.is_some() && lock(&self.inner.fleet).is_complete() {
            let _ = self.first.take().map(|first| first.send(Ok(())));
        }
    }

    fn failed(&self, place: &Place, error: &LinkError) {
        tracing::error!(%error, group = %place.group, slot = place.slot, "cannot start a worker, trying again");
        self.change(place, |slot| slot.failed(Instant::now()));
    }

    /// A worker that died is replaced at once, however often: who brings workers down has to leave them.
    fn died(&self, place: &Place, pid: u32, how: &str) {
        self.change(place, |slot| {
            let State::Ready(ready) = &slot.state else { return };
            if ready.link.pid() != pid {
                return;
            }
            tracing::warn!(pid, %how, group = %place.group, "a worker died and is replaced");
            let used = ready.link.was_used();
            slot.died = true;
            // What dies without any function's doing would die again.
            if used { slot.state = State::Empty } else { slot.failed(Instant::now()) }
        });
    }

    fn tick(&self) {
        let mut fleet = lock(&self.inner.fleet);
        fleet.workers().for_each(|ready| ready.link.look());
        let idle = fleet.remove_idle(Instant::now());
        drop(fleet);
        for ready in idle {
            tracing::debug!(pid = ready.link.pid(), "a worker that nobody uses is let go");
            ready.link.close();
        }
    }
}
