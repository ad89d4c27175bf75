//! Real workers as the host holds them: who hears what of a death.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use eddyline::pool::{
    Cause, Death, Group, GroupKind, HELLO, Isolate, IsolateEvent, LEAST_TRIALS, Link, Part, Pool, PoolOptions,
    WorkerCommand,
};
use eddyline::protocol::control::Load;
use eddyline::protocol::run::{Invocation, RecordView, RunBuilder};
use eddyline::protocol::words::Running;

use crate::support::cgroup::MemoryGroup;
use crate::support::pooled::{Nobody, program};
use crate::support::worker::handler;
use crate::support::{eventually, process};

const PATIENCE: Duration = Duration::from_secs(60);

fn command() -> WorkerCommand {
    WorkerCommand::new(env!("CARGO_BIN_EXE_eddyline"), "worker").expect("a snapshot")
}

fn start() -> Arc<Link> {
    start_with(&command())
}

fn start_with(command: &WorkerCommand) -> Arc<Link> {
    let link = Link::start(command, |_| {}).expect("a worker");
    link.wait_ready(HELLO).expect("its hello");
    link
}

/// An isolate and what is heard of it.
struct Held {
    isolate: Isolate,
    events: Receiver<IsolateEvent>,
}

impl Held {
    fn open(link: &Arc<Link>, load: &Load) -> Held {
        let (sender, events) = channel();
        let isolate =
            link.open(&program(load), Arc::new(move |event| _ = sender.send(event)), &Nobody).expect("an isolate");
        let held = Held { isolate, events };
        held.hears("Loaded", |event| matches!(event, IsolateEvent::Loaded(_)).then_some(()));
        held
    }

    #[track_caller]
    fn hears<T>(&self, what: &str, mut is: impl FnMut(&IsolateEvent) -> Option<T>) -> T {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what}: {error}"));
            if let Some(found) = is(&event) {
                return found;
            }
        }
    }

    fn run(&self, id: u64) {
        let mut run = RunBuilder::new(self.isolate.channel(), ["in"].into_iter());
        run.invocation(&Invocation { id, lane: 1, epoch: 1, attempt: 1, records: 1 });
        let view = RecordView { topic: "in", partition: 0, offset: 0, timestamp: -1, key: None, value: Some(b"x") };
        run.record(&view, std::iter::empty());
        self.isolate.send(run.finish());
    }

    /// Waits for a line of its console.
    #[track_caller]
    fn says(&self, line: &str) {
        self.hears(line, |event| matches!(event, IsolateEvent::Log(log) if log.text == line).then_some(()));
    }

    #[track_caller]
    fn dies(&self) -> Death {
        self.hears("its death", |event| match event {
            IsolateEvent::Died(death) => Some(death.clone()),
            _ => None,
        })
    }
}

fn lasting(body: &str) -> Load {
    let mut load = handler(body);
    load.limits.cpu_ms = 100_000;
    load.limits.wall_ms = 100_000;
    load.limits.heap_bytes = 256 << 20;
    load
}

const LOOPS: &str = "console.log('loops'); for (;;);";
/// Takes more and more memory, a bit at a time.
fn growing() -> Load {
    let mut load = lasting("const kept = []; for (;;) kept.push(new Array(10000).fill(1));");
    load.limits.heap_bytes = 2 << 30;
    load
}

#[test]
fn for_memory_the_one_that_grew_is_to_blame_though_others_were_running() {
    let link = start_with(&WorkerCommand { memory: Some(400 << 20), ..command() });
    let (grower, idle) = (Held::open(&link, &growing()), Held::open(&link, &lasting("")));
    let busy = [Held::open(&link, &lasting(LOOPS)), Held::open(&link, &lasting(LOOPS))];
    for held in &busy {
        held.run(1);
        held.says("loops");
    }
    grower.run(2);
    let death = grower.dies();
    assert_eq!((death.cause, death.part), (Cause::Memory, Part::Culprit), "{}", death.how);
    assert!(death.how.contains("exceeded its memory"), "{}", death.how);
    for held in busy {
        let death = held.dies();
        assert_eq!((death.part, death.running), (Part::None, Running::Invocation(1)));
    }
    assert_eq!(idle.dies().part, Part::None);
}

#[test]
fn what_the_kernel_kills_for_want_of_memory_is_told_from_what_a_person_kills() {
    let Some(group) = MemoryGroup::new("oom", 300 << 20) else { return };
    let link = start();
    let (grower, busy) = (Held::open(&link, &growing()), Held::open(&link, &lasting(LOOPS)));
    group.add(link.pid());
    busy.run(1);
    busy.says("loops");
    grower.run(2);
    let death = grower.dies();
    assert_eq!((death.cause, death.part), (Cause::Memory, Part::Culprit), "{}", death.how);
    assert!(death.how.contains("SIGKILL") && death.how.contains("want of memory"), "{}", death.how);
    assert_eq!(busy.dies().part, Part::None, "though it was running");
}

#[test]
fn for_a_crash_those_that_were_running_are_to_blame_and_for_a_kill_nobody() {
    for (signal, cause, part) in
        [(libc::SIGABRT, Cause::Crash, Part::Culprit), (libc::SIGKILL, Cause::Outside, Part::None)]
    {
        let link = start();
        let (busy, idle) = (Held::open(&link, &lasting(LOOPS)), Held::open(&link, &lasting("")));
        busy.run(7);
        busy.says("loops");
        process::signal(link.pid(), signal);
        let death = busy.dies();
        assert_eq!((death.cause, death.part, death.running), (cause, part, Running::Invocation(7)));
        assert_eq!(idle.dies().part, Part::None);
    }
    let link = start();
    let both = [Held::open(&link, &lasting(LOOPS)), Held::open(&link, &lasting(LOOPS))];
    for held in &both {
        held.run(1);
        held.says("loops");
    }
    process::signal(link.pid(), libc::SIGABRT);
    assert_eq!(both.map(|held| held.dies().part), [Part::Suspect, Part::Suspect]);
}

#[test]
fn groups_have_workers_of_their_own_while_they_need_them_and_trials_are_bounded() {
    let options = PoolOptions { command: command(), workers: 1, start_timeout: HELLO, host: Arc::new(Nobody) };
    let pool = Pool::start(options).expect("a pool");
    assert_eq!((pool.alive(GroupKind::Shared), pool.pids().len()), (1, 1));
    let load = program(&lasting(""));
    let route = || -> eddyline::pool::Route { Arc::new(|_| {}) };
    let open = |group: &Group| pool.open(group, 5, &load, route()).map(|(isolate, _)| isolate);
    let groups = [Group::Shared, Group::Tenant("a".into()), Group::Tenant("b".into()), Group::Alone("f".into())];
    let isolates = groups.each_ref().map(|group| eventually("an isolate", || open(group)));
    let mut pids = isolates.each_ref().map(Isolate::worker_pid).to_vec();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), groups.len());

    let [shared, tenant, _, alone] = isolates.each_ref().map(Isolate::worker_pid);
    let keeps_spare = |pid: u32| process::threads(pid).iter().any(|thread| thread.name == "spare");
    for pid in [shared, tenant] {
        eventually("a spare isolate", || keeps_spare(pid).then_some(()));
    }
    let trial = |number: usize| Group::Trial(format!("f{number}").into());
    let mut trials: Vec<Isolate> =
        (0..LEAST_TRIALS).map(|number| eventually("a trial", || open(&trial(number)))).collect();
    let one_more = trial(LEAST_TRIALS);
    assert!(open(&one_more).is_none(), "no more trials at once than that");
    assert_eq!(pool.alive(GroupKind::Trial), LEAST_TRIALS);
    let pid = trials[0].worker_pid();
    assert!(!keeps_spare(alone) && !keeps_spare(pid), "only functions of good standing come one after the other");
    trials.remove(0);
    pool.let_go(&trial(0));
    let next = eventually("the next trial", || open(&one_more));
    assert_ne!(next.worker_pid(), pid);
    eventually("the first one's worker is gone", || process::arguments(pid).is_empty().then_some(()));
    assert_eq!(pool.restarts(), 0);
    pool.stop();
}
