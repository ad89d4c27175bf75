//! The cap on a worker's memory.

use std::sync::{Arc, mpsc};

use eddyline::pool::{Cause, IsolateEvent, Link, Part, WorkerCommand};
use eddyline::protocol::run::{Invocation, RecordView, RunBuilder};
use eddyline::protocol::words::Running;

use crate::support::pooled::{Nobody, program};
use crate::support::wait::patience;
use crate::support::worker::{LIMITS, handler};

const CAP: u64 = 400 << 20;

/// Runs a record through a handler in a worker with a cap, and says what the host heard last.
fn run(body: &str) -> IsolateEvent {
    let mut command = WorkerCommand::new(env!("CARGO_BIN_EXE_eddyline"), "worker").unwrap();
    command.memory = Some(CAP);
    let link = Link::start(&command, |_| {}).unwrap();
    link.wait_ready(patience()).unwrap();
    let mut load = handler(body);
    load.limits = eddyline::protocol::control::Limits { external_bytes: 2 << 30, ..LIMITS };
    let (sender, heard) = mpsc::channel();
    let route = move |event| drop(sender.send(event));
    let isolate = link.open(&program(&load), Arc::new(route), &Nobody).unwrap();
    assert!(matches!(heard.recv_timeout(patience()).unwrap(), IsolateEvent::Loaded(loaded) if loaded.result.is_ok()));
    let mut run = RunBuilder::new(isolate.channel(), ["in"].into_iter());
    run.invocation(&Invocation { id: 7, lane: 1, epoch: 1, attempt: 1, records: 1 });
    let record = RecordView { topic: "in", partition: 0, offset: 0, timestamp: 0, key: None, value: Some(b"1") };
    run.record(&record, std::iter::empty());
    isolate.send(run.finish());
    heard.recv_timeout(patience()).unwrap()
}

#[test]
fn a_worker_that_outgrows_its_memory_is_ended_and_that_is_said() {
    // Each buffer is written to, so that it is really there; what is held is never let go.
    let grow = "
        const held = [];
        for (;;) {
          if (held.length < 24) held.push(new Uint8Array(64 << 20).fill(1));
        }";
    let IsolateEvent::Died(death) = run(grow) else { panic!("it lives") };
    assert_eq!(death.how, "exceeded its memory of 400MiB and was killed");
    assert_eq!((death.cause, death.part, death.running), (Cause::Memory, Part::Culprit, Running::Invocation(7)));
}

#[test]
fn a_worker_within_its_memory_is_left_alone() {
    let event = run("const held = new Uint8Array(64 << 20).fill(1); return held.length;");
    assert!(matches!(event, IsolateEvent::Settled(_)), "{event:?}");
}
