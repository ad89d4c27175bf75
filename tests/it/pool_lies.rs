//! Workers that are none: what the host does with processes that say what they may not, or read nothing.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eddyline::pool::{Cause, Isolate, IsolateEvent, Link, WorkerCommand};
use eddyline::protocol::calls::Reply;
use eddyline::protocol::control::{Credit, Handler, Hello, Loaded, Problem, Unloaded, encode};
use eddyline::protocol::frame::{Builder, Kind};
use eddyline::protocol::settled::{MOST_TEXT, SettledBuilder};

use crate::support::pooled::{Nobody, program};
use crate::support::worker::handler;
use crate::support::{eventually, process};

const PATIENCE: Duration = Duration::from_secs(60);

/// A shell in the place of a worker; its socket is descriptor 3.
fn shell(script: &str) -> Arc<Link> {
    let command = WorkerCommand::new(env!("CARGO_BIN_EXE_eddyline"), "worker").expect("a snapshot");
    let arguments = vec!["-c".to_owned(), script.to_owned()];
    let command = WorkerCommand { program: "/bin/sh".into(), arguments, ..command };
    Link::start(&command, |_| {}).expect("a shell")
}

fn open(link: &Arc<Link>) -> (Isolate, Receiver<IsolateEvent>) {
    let (sender, events) = channel();
    let route = Arc::new(move |event| _ = sender.send(event));
    (link.open(&program(&handler("")), route, &Nobody).expect("an isolate"), events)
}

/// What the worker that holds this isolate died of.
#[track_caller]
fn died(events: &Receiver<IsolateEvent>) -> String {
    loop {
        if let IsolateEvent::Died(death) = events.recv_timeout(PATIENCE).expect("its death") {
            assert_eq!(death.cause, Cause::Crash);
            return death.how;
        }
    }
}

/// Bytes as `printf` takes them.
fn printable(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

/// What a worker dies of that says this when it is asked for its first isolate.
#[track_caller]
fn dies_of(messages: &[Vec<u8>]) -> String {
    let bytes = printable(&messages.concat());
    let link = shell(&format!("head -c 1 <&3 >/dev/null; printf '{bytes}' >&3; exec sleep 1000"));
    let (_isolate, events) = open(&link);
    died(&events)
}

fn loaded(result: Result<Handler, Problem>) -> Vec<u8> {
    encode(Kind::Loaded, 1, &Loaded { result, took_us: 1, isolate_us: 1 })
}

fn settled(entries: u64) -> Vec<u8> {
    let mut builder = SettledBuilder::new(1);
    (0..entries).for_each(|id| builder.not_run(id, 1));
    builder.finish(0, 0, 0)
}

#[test]
fn an_isolate_that_lives_twice_or_settles_nothing_ends_its_worker() {
    let loaded = || loaded(Ok(Handler::Record));
    let unloaded = || encode(Kind::Unloaded, 1, &Unloaded { reason: None });
    for (messages, why) in [
        (vec![loaded(), loaded()], "Loaded from an isolate that is Ready"),
        (vec![self::loaded(Err(Problem::default())), loaded()], "Loaded from an isolate that is Gone"),
        (vec![loaded(), settled(1), unloaded(), unloaded()], "Unloaded from an isolate that is Gone"),
        (vec![settled(1)], "Settled from an isolate that is Loading"),
        (vec![loaded(), settled(1), settled(0)], "Settled says nothing"),
    ] {
        let how = dies_of(&messages);
        assert!(how.contains("broke the protocol") && how.contains(why), "{how}");
    }
}

#[test]
fn a_worker_that_says_hello_again_is_ended() {
    let credit = Credit { records: 1, bytes: 1 };
    let hello = Hello { version: 1, pid: 1, engine: "none".to_owned(), credit, sandbox: Default::default() };
    let hello = encode(Kind::Hello, 0, &hello);
    let how = dies_of(&[hello.clone(), hello]);
    assert!(how.contains("broke the protocol") && how.contains("Hello comes once"), "{how}");
}

#[test]
fn long_texts_of_a_worker_are_cut() {
    const LONG: usize = 1_000_000;
    let said = loaded(Err(Problem { message: "x".repeat(LONG), ..Problem::default() }));
    let at = said.windows(2).position(|two| two == b"xx").expect("the text");
    // No argument of a program may be as long as all of it.
    let (before, behind) = (printable(&said[..at]), printable(&said[at + LONG..]));
    let text = format!("printf '{before}'; head -c {LONG} /dev/zero | tr '\\0' x; printf '{behind}'");
    let link = shell(&format!("head -c 1 <&3 >/dev/null; {{ {text}; }} >&3; exec sleep 1000"));
    let (_isolate, events) = open(&link);
    let IsolateEvent::Loaded(Loaded { result: Err(problem), .. }) = events.recv_timeout(PATIENCE).expect("a problem")
    else {
        panic!("something else")
    };
    assert_eq!(problem.message.len(), MOST_TEXT);
}

#[test]
fn a_place_in_shared_memory_that_cannot_be_ends_its_worker() {
    let settled_at =
        |slot: u32, len: u32| Builder::with_body(Kind::SettledAt, 1, &[slot.to_le_bytes(), len.to_le_bytes()].concat());
    // The host's own slots, one that is none, more than a slot holds, and a body that says nothing.
    for (slot, len) in [(0, 10), (u32::MAX, 10), (64, u32::MAX), (64, 0)] {
        let how = dies_of(&[loaded(Ok(Handler::Record)), settled_at(slot, len)]);
        assert!(how.contains("broke the protocol"), "{slot} {len}: {how}");
    }
    let how = dies_of(&[loaded(Ok(Handler::Record)), Builder::with_body(Kind::RunAt, 1, &[0; 8])]);
    assert!(how.contains("broke the protocol"), "{how}");
}

#[test]
fn a_worker_that_reads_no_answers_is_ended_before_they_take_much_memory() {
    let link = shell("exec sleep 1000");
    let (_isolate, events) = open(&link);
    let answer = || Reply::Failed(&"x".repeat(1 << 20)).encode(1, 1);
    let fits = (0..1000).take_while(|_| {
        link.send(answer());
        !link.is_dead()
    });
    assert!((200..1000).contains(&fits.count()));
    let how = died(&events);
    assert!(how.contains("asked for more than it read"), "{how}");
}

#[test]
fn more_records_than_a_worker_reads_make_its_queue_full_and_do_not_end_it() {
    let link = shell("exec cat <&3 >/dev/null");
    let (_isolate, events) = open(&link);
    process::signal(link.pid(), libc::SIGSTOP);
    assert!(!link.is_full());
    let run = vec![b'x'; 1 << 20];
    for _ in 0..400 {
        link.send(Builder::with_body(Kind::Run, 1, &run));
    }
    assert!(link.is_full());
    process::signal(link.pid(), libc::SIGCONT);
    eventually("there is room again", || (!link.is_full()).then_some(()));
    assert!(events.try_recv().is_err(), "it lives");
}

#[test]
fn a_worker_ends_at_once_though_an_owner_takes_nothing_from_it() {
    let said = printable(&loaded(Ok(Handler::Record)));
    let link = shell(&format!("head -c 1 <&3 >/dev/null; printf '{said}' >&3; exec sleep 1000"));
    let ((told, heard), (go, wait)) = (channel(), channel::<()>());
    let wait = Mutex::new(wait);
    let route = Arc::new(move |_| {
        let _ = told.send(());
        let _ = wait.lock().map(|wait| wait.recv());
    });
    let _isolate = link.open(&program(&handler("")), route, &Nobody).expect("an isolate");
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(()));
    link.kill("was to end");
    eventually("it is gone", || process::arguments(link.pid()).is_empty().then_some(()));
    assert!(!link.is_dead(), "its owner has not heard of it yet");
    drop(go);
    eventually("its death is known", || link.is_dead().then_some(()));
}
