//! An isolate's life on its thread: load, wait for work, run, report, end.

use std::ffi::CString;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use deno_core::PollEventLoopOptions;
use tokio::sync::mpsc::UnboundedReceiver;

use super::blank::{Blank, Size};
use super::engine::Engine;
use super::invoke::{self, Doomed, Invoker};
use super::lanes::Lanes;
use super::limits::Limit;
use super::loading::{Ready, internal, prepare};
use super::native::Native;
use super::outbox::Outbox;
use super::report::Report;
use super::rest::{self, Rest};
use super::{arrivals, clock, growth, process, struck};
use crate::ids::IdMap;
use crate::protocol::Kind;
use crate::protocol::control::{Handler, Load, Loaded, Recall};
use crate::protocol::slots::Body;
use crate::protocol::words::{SOMETHING, Words};

/// Stack of an isolate's thread; V8 is told to use a quarter of it.
pub const STACK: usize = 8 << 20;

/// What the main thread passes on to an isolate.
pub enum Order {
    /// The body of a `Run` message.
    Run(Body),
    Recall(Recall),
    /// The body of a `Reply` message.
    Reply(Vec<u8>),
    Unload,
}

/// What an isolate shares with the rest of the worker.
#[derive(Clone)]
pub struct Shared {
    pub outbox: Arc<Outbox>,
    pub words: Arc<Words>,
}

/// A function, and whom its isolate serves.
pub struct Assignment {
    pub channel: u32,
    pub load: Load,
    pub arrived_ns: u64,
    pub inbox: UnboundedReceiver<Order>,
}

/// Starts a thread that an isolate can live on.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(run).map(drop)
}

/// What an isolate on the calling thread lives in. The thread must be its own.
pub fn place() -> (Arc<Native>, tokio::runtime::Runtime) {
    let native = Arc::new(Native::default());
    let Ok(runtime) = native.runtime() else {
        process::fail("cannot start an isolate's timer");
    };
    (native, runtime)
}

/// Makes an isolate for a function and runs it until it is unloaded.
pub fn run(assignment: Assignment, shared: &Shared) {
    let (native, runtime) = place();
    live(&runtime, &native, None, assignment, shared);
}

/// Makes an isolate, waits for its function and runs it until it is unloaded.
pub fn stand_by(size: Size, assignments: &mpsc::Receiver<Assignment>, shared: &Shared) {
    let (native, runtime) = place();
    // If there is none, it is made when it is needed, and the function's owner told why it cannot be.
    let mut blank = runtime.block_on(async { Blank::make(size, native.clone()).ok() });
    let assignment = assignments.recv_timeout(rest::STILL).or_else(|_| {
        runtime.block_on(async { blank.as_mut().map(Blank::rest) });
        assignments.recv()
    });
    match assignment {
        Ok(assignment) => {
            name_thread(&assignment.load.function);
            live(&runtime, &native, blank, assignment, shared);
        }
        Err(_) => runtime.block_on(async { drop(blank) }),
    }
}

fn live(
    runtime: &tokio::runtime::Runtime,
    native: &Arc<Native>,
    blank: Option<Blank>,
    assignment: Assignment,
    shared: &Shared,
) {
    let loaded = runtime.block_on(load_into(blank, assignment, native, shared));
    let Some(isolate) = loaded else { return };
    runtime.block_on(isolate.serve());
}

/// For those who look at threads from outside; as much of it as there is room for.
fn name_thread(name: &str) {
    let shown = name.as_bytes()[..name.len().min(15)].to_vec();
    let _ = CString::new(shown).map(|name| rustix::thread::set_name(&name));
}

/// Loads a function and tells the host; `None` when it cannot be loaded, and then the channel is free again.
async fn load_into(
    blank: Option<Blank>,
    assignment: Assignment,
    native: &Arc<Native>,
    shared: &Shared,
) -> Option<Isolate> {
    let Assignment { channel, load, arrived_ns, inbox } = assignment;
    growth::prepare(&shared.words, channel);
    shared.words.word(channel).store(SOMETHING, Ordering::Release);
    let blank = blank.map_or_else(|| Blank::make(Size::of(&load.limits), native.clone()).map_err(internal), Ok);
    let isolate_us = (clock::now_ns() - arrived_ns) / 1000;
    let ready = match blank {
        Ok(blank) => {
            let words = shared.words.clone();
            blank.guard().set_blame(move |id| words.blame(channel, if id == 0 { SOMETHING } else { id }));
            prepare(blank, channel, &load, &shared.outbox).await
        }
        Err(problem) => Err(problem),
    };
    shared.words.word(channel).store(0, Ordering::Release);
    let took_us = (clock::now_ns() - arrived_ns) / 1000;
    let answer = |result| shared.outbox.send_control(Kind::Loaded, channel, &Loaded { result, took_us, isolate_us });
    let ready = match ready {
        Ok(ready) => ready,
        Err(problem) => {
            // Before the host hears of it, because it may load the channel again at once.
            drop(inbox);
            native.outlast().await;
            answer(Err(*problem));
            return None;
        }
    };
    let Ready { engine, arena, guard, charges, glue, handler } = ready;
    let limits = load.limits;
    guard.set_limits(Duration::from_millis(limits.cpu_ms), Duration::from_millis(limits.wall_ms));
    answer(Ok(handler));
    let invoker = Invoker {
        arena,
        report: Report::new(channel, shared.outbox.clone()),
        guard,
        charges,
        glue,
        handler,
        stop_on_failure: load.stop_on_failure,
        words: shared.words.clone(),
        lanes: Lanes::new(process::CREDIT),
        pending: IdMap::default(),
        scratch: Vec::new(),
        settled: false,
    };
    Some(Isolate { engine, invoker, inbox, rest: Rest::default() })
}

struct Isolate {
    engine: Engine,
    invoker: Invoker,
    inbox: UnboundedReceiver<Order>,
    rest: Rest,
}

/// Why serving ends.
enum End {
    Asked,
    Doomed(Limit),
}

impl From<Doomed> for End {
    fn from(Doomed(limit): Doomed) -> End {
        End::Doomed(limit)
    }
}

impl Isolate {
    async fn serve(mut self) {
        let end = loop {
            if let Err(end) = self.turn().await {
                break end;
            }
        };
        // Before the host hears of the end, because it may load the channel again at once.
        drop(self.inbox);
        let mut invoker = self.invoker;
        invoker.guard.native().outlast().await;
        invoker.surrender();
        invoker.announce(0);
        let memory = {
            deno_core::scope!(scope, self.engine.runtime);
            invoke::held(scope)
        };
        let reason = match end {
            End::Asked => None,
            End::Doomed(limit) => Some(limit.outcome().label().to_owned()),
        };
        invoker.report.close(memory, reason);
    }

    /// One round: takes what has arrived, runs what can run, and waits if nothing can.
    async fn turn(&mut self) -> Result<(), End> {
        while let Ok(order) = self.inbox.try_recv() {
            self.take(order)?;
        }
        let more = self.run()?;
        if more || self.invoker.pending.is_empty() {
            self.glance().await?;
        }
        if more {
            return Ok(());
        }
        self.flush()?;
        self.invoker.arena.renew_stray_budget();
        if self.invoker.pending.is_empty() {
            let order = self.next().await;
            return self.take(order);
        }
        self.wait().await
    }

    /// Waits for something to do, and rests if there is nothing for a while.
    async fn next(&mut self) -> Order {
        loop {
            let (inbox, rest) = (&mut self.inbox, &mut self.rest);
            let order = poll_fn(|context| match inbox.poll_recv(context) {
                Poll::Ready(order) => Poll::Ready(Some(order.unwrap_or(Order::Unload))),
                Poll::Pending => rest.poll(context).map(|()| None),
            });
            if let Some(order) = order.await {
                self.rest.disturb();
                return order;
            }
            self.invoker.report.shrink();
            self.invoker.lanes.shrink();
            self.invoker.scratch = Vec::new();
            self.rest.rest(self.engine.runtime.v8_isolate());
        }
    }

    fn take(&mut self, order: Order) -> Result<(), End> {
        match order {
            Order::Unload => Err(End::Asked),
            Order::Recall(Recall { lane, epoch }) => {
                self.invoker.recall(lane, epoch);
                Ok(())
            }
            Order::Reply(body) => {
                let heard = self.invoker.arena.fetches.hear(&body);
                heard.unwrap_or_else(|error| process::fail(&format!("a Reply message is malformed: {error}")));
                Ok(())
            }
            Order::Run(body) => {
                let work = arrivals::index(body)
                    .unwrap_or_else(|error| process::fail(&format!("a Run message is malformed: {error}")));
                for work in work {
                    let records = work.head.records;
                    if records == 0 || (self.invoker.handler == Handler::Record && records != 1) {
                        process::fail(&format!("an invocation has {records} records"));
                    }
                    if let Err(overdrawn) = self.invoker.arrive(work) {
                        process::fail(&format!("lane {} got more than its credit", overdrawn.lane));
                    }
                }
                Ok(())
            }
        }
    }

    /// Enters what can be entered; says whether there is more to do at once.
    fn run(&mut self) -> Result<bool, End> {
        let inbox = &self.inbox;
        let mut arrived = false;
        deno_core::scope!(scope, self.engine.runtime);
        self.invoker.run_ready(scope, || {
            arrived = !inbox.is_empty();
            arrived
        })?;
        self.invoker.collect_woken(scope)?;
        Ok(arrived || self.invoker.lanes.is_ready())
    }

    /// Lets the event loop run once without waiting for it: for promises and timers that could go on although there is
    /// work, and, even if nobody waits, for rejections that nobody handles.
    async fn glance(&mut self) -> Result<(), End> {
        let waiting = !self.invoker.pending.is_empty();
        if waiting {
            // The clock of the timers goes on only while this thread has nothing to do.
            tokio::task::yield_now().await;
        }
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        poll_event_loop(&mut self.engine, &mut self.invoker, &mut context)?;
        if waiting {
            self.settle_waiting()?;
        }
        Ok(())
    }

    /// Settles those whose promises have settled and those whose time is up.
    fn settle_waiting(&mut self) -> Result<(), End> {
        deno_core::scope!(scope, self.engine.runtime);
        self.invoker.collect_woken(scope)?;
        self.invoker.expire(scope)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), End> {
        if !self.invoker.report.is_empty() {
            deno_core::scope!(scope, self.engine.runtime);
            self.invoker.report.flush(invoke::held(scope));
            self.invoker.weigh(scope)?;
        }
        Ok(())
    }

    /// Drives promises and timers until one settles, something arrives or a deadline passes.
    async fn wait(&mut self) -> Result<(), End> {
        let now = clock::now_ns();
        let deadline = self.invoker.next_deadline_ns().unwrap_or(u64::MAX);
        let left = Duration::from_nanos(deadline.saturating_sub(now));
        let (engine, invoker, inbox) = (&mut self.engine, &mut self.invoker, &mut self.inbox);
        let mut late = pin!(tokio::time::sleep(left));
        let order = poll_fn(|context| {
            if let Err(doomed) = poll_event_loop(engine, invoker, context) {
                return Poll::Ready(Err(doomed));
            }
            if !invoker.arena.woken.borrow().is_empty() || late.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(None));
            }
            inbox.poll_recv(context).map(|order| Ok(Some(order.unwrap_or(Order::Unload))))
        })
        .await?;
        self.settle_waiting()?;
        order.map_or(Ok(()), |order| self.take(order))
    }
}

/// Lets the event loop run once, under the watchdog.
fn poll_event_loop(
    engine: &mut Engine,
    invoker: &mut Invoker,
    context: &mut std::task::Context<'_>,
) -> Result<(), Doomed> {
    {
        deno_core::scope!(scope, engine.runtime);
        invoke::forget_running(scope);
    }
    invoker.announce(invoker.waiting_word());
    // Where nobody waits, nobody's time can be up.
    invoker.guard.begin_shared(if invoker.pending.is_empty() { u64::MAX } else { clock::now_ns() });
    invoker.charges.begin_turn();
    // What fails here belongs to no invocation; the handlers' own promises are looked at one by one.
    let _ = engine.runtime.poll_event_loop(context, PollEventLoopOptions::default());
    let overdone = invoker.charges.end_turn(!invoker.pending.is_empty());
    invoker.guard.expect_turns(!invoker.pending.is_empty());
    let stopped = invoker.guard.end_shared();
    invoker.announce(0);
    let Some(limit) = stopped else {
        // What nobody owns has had its share, although it stops again and again by itself.
        return if overdone { Err(Doomed(Limit::Cpu)) } else { Ok(()) };
    };
    if let Some(number) = invoker.suspect(struck::number()) {
        invoker.condemn(number, limit);
    }
    Err(Doomed(limit))
}
