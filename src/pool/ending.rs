//! How a worker ended, for people, and why, for blame.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use super::blame::Cause;
use super::process;

/// How long a worker may take to be gone once its end of the socket is closed.
const DYING: Duration = Duration::from_secs(2);

/// What is known of an end beside the state that the process left.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'a> {
    /// Why we killed it; empty if we did not.
    pub killed: &'a str,
    /// We killed it because it took too much memory.
    pub gorged: bool,
    /// We let it go.
    pub closing: bool,
    /// What it said that may not be said.
    pub violation: Option<&'a str>,
    /// It closed its socket and lived on.
    pub fled: bool,
    /// The kernel has lately ended a process for want of memory.
    pub oom: bool,
}

pub fn explain(signs: Signs<'_>, status: &io::Result<ExitStatus>) -> (String, Cause) {
    let killed = |why: &str| format!("{why} and was killed");
    match (signs.killed, signs.violation) {
        (why, _) if signs.gorged => (killed(why), Cause::Memory),
        ("", None) if signs.closing => ("was let go".to_owned(), Cause::Outside),
        ("", None) if signs.fled => (killed("closed its socket"), Cause::Crash),
        ("", None) => by_itself(status, signs.oom),
        ("", Some(why)) => (killed(&format!("broke the protocol ({why})")), Cause::Crash),
        (why, _) => (killed(why), Cause::Crash),
    }
}

fn by_itself(status: &io::Result<ExitStatus>, oom: bool) -> (String, Cause) {
    let status = match status {
        Ok(status) => *status,
        Err(error) => return (format!("ended: {error}"), Cause::Outside),
    };
    let how = process::describe(status);
    match status.signal() {
        Some(libc::SIGKILL) if oom => (format!("{how}, by the kernel for want of memory"), Cause::Memory),
        Some(libc::SIGKILL | libc::SIGTERM | libc::SIGINT) => (how, Cause::Outside),
        // It has no reason to exit as long as we hold the other end of its socket.
        _ => (how, Cause::Crash),
    }
}

/// Whether the process, whose end of the socket is closed, is about to be gone. One that closed it on purpose is not.
pub fn comes(child: &mut Child) -> bool {
    let until = Instant::now() + DYING;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(signs: Signs<'_>, status: i32) -> Cause {
        explain(signs, &Ok(ExitStatus::from_raw(status))).1
    }

    #[test]
    fn signals_of_people_are_nobodys_fault_and_all_others_are() {
        let nothing = Signs::default();
        for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGINT] {
            assert_eq!(cause(nothing, signal), Cause::Outside);
        }
        for signal in [libc::SIGSEGV, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS, libc::SIGBUS, libc::SIGILL] {
            assert_eq!(cause(nothing, signal), Cause::Crash);
        }
        for code in [0, 2] {
            assert_eq!(cause(nothing, code << 8), Cause::Crash, "nobody asked it to exit");
        }
    }

    #[test]
    fn what_we_did_ourselves_is_known() {
        let killed = Signs { killed: "settled nothing in time", ..Signs::default() };
        let (how, why) = explain(killed, &Ok(ExitStatus::from_raw(libc::SIGKILL)));
        assert_eq!((how.as_str(), why), ("settled nothing in time and was killed", Cause::Crash));
        assert_eq!(cause(Signs { gorged: true, ..killed }, libc::SIGKILL), Cause::Memory);
        assert_eq!(cause(Signs { closing: true, ..Signs::default() }, libc::SIGKILL), Cause::Outside);
        assert_eq!(cause(Signs { violation: Some("x"), ..Signs::default() }, libc::SIGKILL), Cause::Crash);
        assert_eq!(cause(Signs { fled: true, ..Signs::default() }, libc::SIGKILL), Cause::Crash);
    }

    #[test]
    fn the_kernels_kill_is_told_from_a_persons_by_its_count() {
        assert_eq!(cause(Signs { oom: true, ..Signs::default() }, libc::SIGKILL), Cause::Memory);
        assert_eq!(cause(Signs { oom: true, ..Signs::default() }, libc::SIGTERM), Cause::Outside);
    }
}
