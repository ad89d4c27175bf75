//! The snapshot that all workers share.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Instant;

use eddyline::pool::Snapshot;

const PROGRAM: &str = env!("CARGO_BIN_EXE_eddyline");

#[test]
fn nobody_can_change_it_once_it_is_made() {
    let begun = Instant::now();
    let snapshot = Snapshot::make(Path::new(PROGRAM)).unwrap();
    let length = snapshot.size().unwrap();
    println!("a snapshot of {} KiB is made in {} ms", length >> 10, begun.elapsed().as_millis());
    let path = format!("/proc/self/fd/{}", snapshot.as_raw_fd());
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    assert_eq!(file.write(b"x").unwrap_err().raw_os_error(), Some(libc::EPERM));
    assert_eq!(file.set_len(0).unwrap_err().raw_os_error(), Some(libc::EPERM));
    assert_eq!(snapshot.size().unwrap(), length);
}

#[test]
fn what_few_functions_use_is_not_in_it() {
    let snapshot = Snapshot::make(Path::new(PROGRAM)).unwrap();
    let bytes = std::fs::read(format!("/proc/self/fd/{}", snapshot.as_raw_fd())).unwrap();
    let holds = |name: &str| memchr::memmem::find(&bytes, name.as_bytes()).is_some();
    // Functions of the scripts for URLs, blobs and signals, and of those for streams, bodies and requests.
    let (there, later) =
        (["URLSearchParams", "BlobPrototype", "timerId"], ["readableStreamTee", "mixinBody", "RequestInit"]);
    assert!(there.into_iter().all(holds), "the names of what is in the snapshot are not found");
    assert_eq!(later.into_iter().filter(|name| holds(name)).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn a_maker_that_fails_is_told_of() {
    let error = Snapshot::make(Path::new("/bin/false")).unwrap_err().to_string();
    assert_eq!(error, "cannot make the snapshot of the workers: its maker exited with code 1");
    let error = Snapshot::make(Path::new("/bin/true")).unwrap_err().to_string();
    assert_eq!(error, "cannot make the snapshot of the workers: its maker exited with code 0");
    assert!(Snapshot::make(Path::new("/nothing/here")).is_err());
}
