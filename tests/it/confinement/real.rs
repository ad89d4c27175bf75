//! Real workers, looked at from outside.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, mpsc};

use eddyline::pool::{Cause, Death, Link};
use eddyline::protocol::sandbox::Layer;

use super::probe::{Orders, Place, Range, Targets, command, worker};
use crate::support::worker::{Record, Worker, handler};
use crate::support::{process, wait::patience};

fn status(pid: u32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[test]
fn a_worker_is_confined_as_it_says() {
    let link = Link::start(&worker(), |_| {}).unwrap();
    let hello = link.wait_ready(patience()).unwrap();
    let (pid, holds) = (link.pid(), hello.sandbox.holding());
    assert!(
        ["descriptors", "resources", "identity", "privileges", "seccomp"].iter().all(|name| holds.contains(name)),
        "{hello:?}"
    );
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
    assert!(threads > 1, "the engine has threads");
    for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let text = fs::read_to_string(thread.path().join("status")).unwrap();
        for line in ["Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"] {
            assert!(text.contains(line), "{line} is missing: {text}");
        }
    }
    assert!(!status(pid, "Uid").starts_with("0\t"), "it does not run as root");
    for (layer, space) in [("namespaces", "net"), ("namespaces", "ipc"), ("namespaces", "uts"), ("root", "mnt")] {
        let of = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/{space}")).map(|it| it.ino()).ok();
        // Its own user may not look.
        if let (true, Some(its)) = (holds.contains(&layer), of(&pid.to_string())) {
            assert_ne!(Some(its), of("self"), "{space}");
        }
    }
    link.close();
}

#[test]
fn nothing_of_the_host_is_in_a_worker() {
    let link = Link::start(&worker(), |_| {}).unwrap();
    link.wait_ready(patience()).unwrap();
    let pid = link.pid();
    assert_eq!(process::arguments(pid), [env!("CARGO_BIN_EXE_eddyline"), "worker"]);
    // Who is not root cannot even look, which is as good.
    if let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) {
        assert_eq!(String::from_utf8_lossy(&environment), "");
    }
    if let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) {
        let open: Vec<(String, String)> = open
            .flatten()
            .map(|one| (one.file_name().to_string_lossy().into_owned(), fs::read_link(one.path()).unwrap_or_default()))
            .map(|(fd, to)| (fd, to.to_string_lossy().into_owned()))
            .collect();
        let of = |fd: &str| open.iter().find(|(found, _)| found == fd).map(|(_, to)| &to[..]).unwrap_or_default();
        assert_eq!((of("0"), of("1")), ("/dev/null", "/dev/null"), "{open:?}");
        assert!(of("2").starts_with("pipe:") && of("3").starts_with("socket:"), "{open:?}");
        assert!(of("4").contains("eddyline-words"), "{open:?}");
        // The second half of the socket is its own copy; the rest belongs to its event loops.
        let foreign =
            |to: &str| !["/dev/null", "pipe:", "anon_inode:", "/memfd:"].iter().any(|own| to.starts_with(own));
        let sockets: Vec<&str> = open.iter().map(|(_, to)| &to[..]).filter(|to| foreign(to)).collect();
        assert!(sockets.iter().all(|to| *to == of("3")), "{open:?}");
    }
    link.close();
}

#[test]
fn another_process_of_the_same_user_cannot_look_into_a_worker() {
    let link = Link::start(&worker(), |_| {}).unwrap();
    link.wait_ready(patience()).unwrap();
    let range = Range::new();
    let targets = Targets { pid: link.pid() as i32, ..range.targets.clone() };
    // A process without a sandbox, but without privileges as well, and of the user that workers of root get.
    for task in ["open the memory of another", "open the environment of another", "trace another"] {
        let end = super::probe::probe(task, &[Layer::Identity], Place::Here, &targets).end;
        assert!(matches!(end, super::probe::End::Failed(libc::EPERM | libc::EACCES)), "{task}: {end:?}");
    }
    link.close();
}

#[test]
fn time_zones_languages_and_chance_work_in_a_worker() {
    let body = "
        const date = new Date(Date.UTC(2026, 6, 1, 12));
        return {
          own: Intl.DateTimeFormat().resolvedOptions().timeZone,
          offset: date.getTimezoneOffset(),
          berlin: date.toLocaleString('de-DE', { timeZone: 'Europe/Berlin' }),
          number: new Intl.NumberFormat('en-IN').format(1234567),
          sorted: ['z', 'ä', 'a'].sort(new Intl.Collator('de').compare).join(''),
          random: Math.random(),
        };";
    let answer = |worker: &mut Worker| -> serde_json::Value {
        serde_json::from_str(worker.one(Record::new("1")).outputs()[0].text()).unwrap()
    };
    let (mut one, mut other) = (Worker::with(handler(body)), Worker::with(handler(body)));
    let (mut said, other) = (answer(&mut one), answer(&mut other));
    let random = said.as_object_mut().unwrap().remove("random").unwrap();
    assert_ne!(random, other["random"], "each worker has its own chance");
    let expected = serde_json::json!({
        "own": "UTC", "offset": 0, "berlin": "1.7.2026, 14:00:00", "number": "12,34,567", "sorted": "aäz",
    });
    assert_eq!(said, expected);
}

/// What a host hears of the death of a probe.
fn death(task: &str) -> Death {
    let orders = Orders {
        task: task.to_owned(),
        layers: Layer::ALL.to_vec(),
        place: Place::Here,
        targets: Targets::default(),
        quiet: true,
    };
    let (sender, heard) = mpsc::channel();
    let link = Link::start(&command(&orders), move |death| sender.send(death.clone()).unwrap()).unwrap();
    let death = heard.recv_timeout(patience()).expect("it dies");
    drop::<Arc<Link>>(link);
    death
}

#[test]
fn a_forbidden_call_is_a_crash_and_is_called_by_its_name() {
    let death = death("run a program");
    assert_eq!(death.cause, Cause::Crash);
    assert_eq!(death.how, "was killed by seccomp (SIGSYS) for a forbidden system call");
}

#[test]
fn the_last_words_of_a_worker_are_heard_and_cleaned() {
    let death = death("death with words");
    assert_eq!(death.cause, Cause::Crash);
    assert_eq!(death.how, "was ended by signal 6 (SIGABRT), saying \"Fatal error: out of  [31mluck\"");
}
