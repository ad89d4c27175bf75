//! Attacks against no layer, against each of them, and against all.

use eddyline::protocol::sandbox::Layer::{
    self, Descriptors, Identity, Landlock, Namespaces, Privileges, Resources, Root, Seccomp,
};
use libc::{EACCES, ENOENT, ENOSYS, EPERM, EROFS, SIGSYS};

use super::attacks::{ATTACKS, Free};
use super::probe::{End, Place, Range, Report, Targets, probe};

fn look(task: &str, layers: &[Layer]) -> String {
    probe(task, layers, Place::Here, &Targets::default()).found
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn without_any_layer_the_attacks_work() {
    let range = Range::new();
    for (name, free, _) in ATTACKS {
        let end = probe(name, &[], Place::Here, &range.targets).end;
        match free {
            Free::Works => assert_eq!(end, End::Done, "{name}"),
            Free::Fails(error) => assert_eq!(end, End::Failed(*error), "{name}"),
            Free::Varies => {}
        }
        assert!(!matches!(end, End::Killed(_)), "{name}: {end:?}");
    }
}

/// With every layer on, each attack is refused by the filter: as not permitted, as unknown, or by death.
#[track_caller]
fn assert_all_fail(place: Place) {
    let range = Range::new();
    for (name, ..) in ATTACKS {
        let end = probe(name, &Layer::ALL, place, &range.targets).end;
        assert!(matches!(end, End::Failed(EPERM | ENOSYS) | End::Killed(SIGSYS)), "{name}: {end:?}");
    }
}

#[test]
fn with_all_layers_every_attack_fails() {
    assert_all_fail(Place::Here);
}

#[test]
fn in_a_container_that_refuses_namespaces_every_attack_fails() {
    assert_all_fail(Place::Container);
}

#[test]
fn what_no_library_would_try_ends_the_worker() {
    let range = Range::new();
    let fatal = [
        "run a program",
        "fork",
        "fork into namespaces",
        "trace another",
        "be traced",
        "read the memory of another",
        "make a TCP socket",
        "make a local socket",
        "mount",
        "make a namespace",
        "enter a namespace",
        "load a program into the kernel",
        "make a ring",
        "use a keyring",
        "become root",
        "call as a 32-bit program",
    ];
    for name in fatal {
        if name != "call as a 32-bit program" || cfg!(target_arch = "x86_64") {
            assert_eq!(probe(name, &[Seccomp], Place::Here, &range.targets).end, End::Killed(SIGSYS), "{name}");
        }
    }
}

#[test]
fn the_filter_alone_refuses_every_attack() {
    let range = Range::new();
    for (name, ..) in ATTACKS {
        let end = probe(name, &[Seccomp], Place::Here, &range.targets).end;
        assert!(matches!(end, End::Failed(EPERM | ENOSYS) | End::Killed(SIGSYS)), "{name}: {end:?}");
    }
}

#[test]
fn landlock_alone_refuses_files_ports_and_signals() {
    let range = Range::new();
    let report = probe("nothing", &[Landlock], Place::Here, &range.targets);
    if !report.sandbox.holding().contains(&"landlock") {
        return eprintln!("skipped: this kernel has no Landlock");
    }
    let note = &report.sandbox.layers[0].note;
    let attack = |name| probe(name, &[Landlock], Place::Here, &range.targets).end;
    for name in [
        "open a file",
        "open the password file",
        "open its own program",
        "open its own memory",
        "open the memory of another",
        "open a device",
        "open the root",
        "create a file",
        "make a folder",
        "run a program",
    ] {
        assert_eq!(attack(name), End::Failed(EACCES), "{name}");
    }
    assert_eq!(attack("trace another"), End::Failed(EPERM));
    assert_eq!(attack("read the memory of another"), End::Failed(EPERM));
    if note.contains("ports") && !note.contains("neither") {
        assert_eq!(attack("connect by TCP"), End::Failed(EACCES));
        assert_eq!(attack("listen by TCP"), End::Failed(EACCES));
    }
    if note.contains("ABI") && note.contains("signals (") {
        for name in ["ask for another", "signal another", "signal a thread of another", "connect to a socket by name"] {
            assert_eq!(attack(name), End::Failed(EPERM), "{name}");
        }
    }
}

/// Runs the test as root and as somebody else, where this program may choose.
fn as_whoever_can(mut test: impl FnMut(Place)) {
    test(Place::Here);
    if is_root() {
        test(Place::Nobody);
    }
}

/// Whether the layer was put on; a machine may forbid namespaces, but nothing else may be in the way.
fn holds(report: &Report, layer: Layer) -> bool {
    let holds = report.sandbox.holding().contains(&layer.name());
    if !holds {
        let why = format!("{:?}", report.sandbox);
        assert!(why.contains(" namespace"), "{why}");
        eprintln!("skipped: {why}");
    }
    holds
}

#[test]
fn namespaces_alone_cut_the_network_off() {
    let range = Range::new();
    as_whoever_can(|place| {
        let report = probe("host name", &[Namespaces], place, &range.targets);
        if !holds(&report, Namespaces) {
            return;
        }
        assert_eq!(report.found, "worker");
        let attack = |name| probe(name, &[Namespaces], place, &range.targets).end;
        assert_eq!(attack("connect by TCP"), End::Failed(libc::ENETUNREACH));
        assert_eq!(attack("reach a port by UDP"), End::Failed(libc::ENETUNREACH));
        assert_eq!(attack("connect to a socket by name"), End::Failed(libc::ECONNREFUSED));
    });
}

#[test]
fn an_empty_root_alone_hides_every_file() {
    let range = Range::new();
    as_whoever_can(|place| {
        let report = probe("root", &[Root], place, &range.targets);
        if !holds(&report, Root) {
            return;
        }
        assert!(report.found.starts_with("Ok(0) false Err("), "{}", report.found);
        let attack = |name| probe(name, &[Root], place, &range.targets).end;
        for name in [
            "open a file",
            "open the password file",
            "open its own program",
            "open its own memory",
            "open the memory of another",
            "open the environment of another",
            "open a device",
            "make a folder",
            "ask for a file",
            "change the folder",
            "connect to a socket by path",
            "run a program",
        ] {
            let end = attack(name);
            assert!(matches!(end, End::Failed(ENOENT | EROFS | EACCES)), "{name}: {end:?}");
        }
    });
}

#[test]
fn a_root_becomes_nobody() {
    let own = rustix::process::geteuid().as_raw().to_string();
    let expected = if is_root() { "65534" } else { &own };
    assert_eq!(look("identity", &[Identity]), expected);
    if is_root() {
        let range = Range::new();
        for name in ["signal another", "trace another", "open the memory of another", "open the environment of another"]
        {
            let end = probe(name, &[Identity], Place::Here, &range.targets).end;
            assert!(matches!(end, End::Failed(EPERM | EACCES)), "{name}: {end:?}");
        }
    }
}

#[test]
fn privileges_are_gone_and_do_not_come_back() {
    let expected = "no capabilities: true, no new privileges: true, closed to others: true";
    assert_eq!(look("privileges", &[Privileges]), expected);
    assert_eq!(look("privileges", &[Namespaces, Root, Identity, Privileges]), expected);
    let range = Range::new();
    for name in ["mount", "name the machine"] {
        assert_eq!(probe(name, &[Privileges], Place::Here, &range.targets).end, End::Failed(EPERM), "{name}");
    }
}

#[test]
fn nothing_is_open_that_the_host_did_not_hand_over() {
    // Such as a library opens without a thought for children, and none of the numbers that a worker's own take.
    let file = std::fs::File::open("/dev/null").unwrap();
    let leak = rustix::io::fcntl_dupfd_cloexec(&file, 100).unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let own = "[0, 1, 2, 3, 4, 5]";
    assert_ne!(look("descriptors", &[]), own, "the descriptor is inherited");
    assert_eq!(look("descriptors", &[Descriptors]), own);
}

#[test]
fn resources_are_limited() {
    assert_eq!(look("limits", &[Resources]), "[0, 0, 64, 0]");
    assert_eq!(look("writing", &[]), "written");
    assert_eq!(look("writing", &[Resources]), std::io::ErrorKind::FileTooLarge.to_string());
}

#[test]
fn nothing_is_left_of_the_environment() {
    assert!(std::env::var_os("PATH").is_some(), "there is something to inherit");
    assert_eq!(look("environment", &[]), "[(\"TZ\", \"UTC\")]");
}

#[test]
fn a_worker_still_ends_with_its_host() {
    as_whoever_can(|place| {
        let layers = [Resources, Namespaces, Root, Identity, Privileges, Landlock];
        let report = probe("death signal", &layers, place, &Targets::default());
        // Becoming nobody before it is confined makes the probe forget it, so there it only must not fail.
        let expected = if place == Place::Here { "Ok(Some(\"Signal::KILL\"))" } else { "Ok(None)" };
        assert_eq!(report.found, expected);
    });
}

#[test]
fn chance_is_still_to_be_had() {
    assert_eq!(look("chance", &Layer::ALL), "16 true");
}

#[test]
fn a_container_that_refuses_namespaces_leaves_the_other_layers() {
    let report = probe("nothing", &Layer::ALL, Place::Container, &Targets::default());
    let missing = report.sandbox.missing();
    let names: Vec<Layer> = missing.iter().map(|held| held.layer).collect();
    assert_eq!(names, [Namespaces, Root], "{missing:?}");
    assert!(missing.iter().all(|held| held.note.contains("not permitted")), "{missing:?}");
}
