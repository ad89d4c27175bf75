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
fn a_maker_that_fails_is_told_of() {
    let error = Snapshot::make(Path::new("/bin/false")).unwrap_err().to_string();
    assert_eq!(error, "cannot make the snapshot of the workers: its maker exited with code 1");
    let error = Snapshot::make(Path::new("/bin/true")).unwrap_err().to_string();
    assert_eq!(error, "cannot make the snapshot of the workers: its maker exited with code 0");
    assert!(Snapshot::make(Path::new("/nothing/here")).is_err());
}
