//! Keeps the wanted number of workers running.
//!
//! One thread starts all workers, because a worker is tied to the life of the thread that started it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::calls::Host;
use super::isolate::{Isolate, Route};
use super::link::{Link, LinkError};
use super::process::WorkerCommand;
use crate::function::Program;
use crate::protocol::control::Hello;

#[derive(Debug, Clone)]
pub struct PoolOptions {
    pub command: WorkerCommand,
    /// Number of worker processes.
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
    slots: Vec<Mutex<Option<Ready>>>,
    restarts: AtomicU64,
    stopping: AtomicBool,
    orders: Mutex<Sender<Order>>,
    host: Arc<dyn Host>,
}

/// A worker that said hello.
#[derive(Debug, Clone)]
struct Ready {
    link: Arc<Link>,
    hello: Hello,
}

#[derive(Debug)]
enum Order {
    Died { slot: usize },
    Stop,
}

/// A worker that fails again and again is started at growing intervals up to this.
const MAX_RESTART_DELAY: Duration = Duration::from_secs(5);
const FIRST_RESTART_DELAY: Duration = Duration::from_millis(20);
/// A worker that lived this long was healthy.
const HEALTHY: Duration = Duration::from_secs(10);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Starts the workers and waits until the first of each slot is ready.
    pub fn start(options: PoolOptions) -> Result<Pool, LinkError> {
        let (orders, inbox) = channel();
        let inner = Arc::new(Inner {
            slots: (0..options.workers.max(1)).map(|_| Mutex::new(None)).collect(),
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
        };
        std::thread::Builder::new()
            .name("workers".to_owned())
            .spawn(move || supervisor.run(&inbox, &ready))
            .map_err(LinkError::Start)?;
        first.recv().unwrap_or(Ok(()))?;
        Ok(Pool { inner })
    }

    /// Number of slots; a slot's worker may be down for a moment.
    pub fn len(&self) -> usize {
        self.inner.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.inner.slots.is_empty()
    }

    pub fn alive(&self) -> usize {
        self.inner.slots.iter().filter(|slot| lock(slot).is_some()).count()
    }

    pub fn restarts(&self) -> u64 {
        self.inner.restarts.load(Ordering::Relaxed)
    }

    /// Process ids of the live workers.
    pub fn pids(&self) -> Vec<u32> {
        self.inner.slots.iter().filter_map(|slot| lock(slot).as_ref().map(|ready| ready.link.pid())).collect()
    }

    /// The engine that runs the handlers, as the workers name it.
    pub fn engine(&self) -> Option<String> {
        self.inner.slots.iter().find_map(|slot| lock(slot).as_ref().map(|ready| ready.hello.engine.clone()))
    }

    /// Asks the worker of `slot` for an isolate. `None` while that worker is down; ask again soon.
    pub fn open(&self, slot: usize, program: &Program, route: Route) -> Option<(Isolate, Hello)> {
        let ready = lock(&self.inner.slots[slot % self.inner.slots.len()]).clone()?;
        let isolate = ready.link.open(program, route, &*self.inner.host).ok()?;
        Some((isolate, ready.hello))
    }

    /// Lets all workers go. Isolates must have been given back before.
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        let _ = lock(&self.inner.orders).send(Order::Stop);
    }
}

struct Supervisor {
    inner: Arc<Inner>,
    command: WorkerCommand,
    start_timeout: Duration,
    orders: Sender<Order>,
}

/// When a slot is to be filled, and how patient we have become with it.
struct Plan {
    at: Option<Instant>,
    delay: Duration,
    started: Instant,
}

impl Supervisor {
    fn run(&self, inbox: &Receiver<Order>, ready: &Sender<Result<(), LinkError>>) {
        let now = Instant::now();
        let count = self.inner.slots.len();
        let mut plans: Vec<Plan> =
            (0..count).map(|_| Plan { at: None, delay: FIRST_RESTART_DELAY, started: now }).collect();
        let first: Result<(), LinkError> = (0..count).try_for_each(|slot| self.fill(slot));
        let failed = first.is_err();
        let _ = ready.send(first);
        if failed {
            return;
        }
        loop {
            let now = Instant::now();
            let next = plans.iter().filter_map(|plan| plan.at).min();
            let patience = next.map_or(Duration::from_secs(3600), |at| at.saturating_duration_since(now));
            match inbox.recv_timeout(patience) {
                Ok(Order::Died { slot }) => {
                    lock(&self.inner.slots[slot]).take();
                    let plan = &mut plans[slot];
                    if plan.started.elapsed() > HEALTHY {
                        plan.delay = FIRST_RESTART_DELAY;
                    }
                    plan.at = Some(Instant::now() + plan.delay);
                }
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            for (slot, plan) in plans.iter_mut().enumerate() {
                if plan.at.is_some_and(|at| at <= Instant::now()) {
                    plan.delay = (plan.delay * 2).min(MAX_RESTART_DELAY);
                    plan.started = Instant::now();
                    plan.at = match self.fill(slot) {
                        Ok(()) => {
                            self.inner.restarts.fetch_add(1, Ordering::Relaxed);
                            None
                        }
                        Err(error) => {
                            tracing::error!(%error, slot, "cannot replace a worker, trying again");
                            Some(Instant::now() + plan.delay)
                        }
                    };
                }
            }
        }
        for slot in &self.inner.slots {
            if let Some(ready) = lock(slot).take() {
                ready.link.close();
            }
        }
    }

    fn fill(&self, slot: usize) -> Result<(), LinkError> {
        let orders = self.orders.clone();
        let inner = Arc::clone(&self.inner);
        let link = Link::start(&self.command, move |death| {
            if !inner.stopping.load(Ordering::Acquire) {
                tracing::warn!(pid = death.pid, how = %death.how, "a worker died and is replaced");
            }
            let _ = orders.send(Order::Died { slot });
        })?;
        let hello = link.wait_ready(self.start_timeout)?;
        tracing::debug!(pid = link.pid(), slot, "worker is ready");
        *lock(&self.inner.slots[slot]) = Some(Ready { link, hello });
        Ok(())
    }
}
