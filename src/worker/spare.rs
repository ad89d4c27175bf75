//! One isolate that is made before anybody asks for it, so that the next function which is loaded has its first result
//! at once.
//!
//! V8 wants to know a heap's limits when it makes it. So the spare one is made for the limits of the last load, which
//! are most functions', and a function with others gets a new one. It is made when nothing runs, and takes as much
//! memory as any isolate that has nothing to do.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::blank::Size;
use super::isolate::{self, Assignment, Shared};

/// After so long without a message a worker has time for a spare isolate, if no code runs.
const QUIET: Duration = Duration::from_millis(20);
/// One that never has time makes it nevertheless.
const AT_LATEST: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Spares {
    /// The host wants them.
    kept: bool,
    spare: Option<Spare>,
    due: Option<Due>,
}

struct Spare {
    size: Size,
    thread: Sender<Assignment>,
}

#[derive(Clone, Copy)]
struct Due {
    size: Size,
    at_latest: Instant,
}

impl Spares {
    /// From now on there is to be one for the next load.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// Gives the spare isolate to a function; gives the assignment back if there is none that fits.
    pub fn assign(&mut self, assignment: Assignment) -> Option<Assignment> {
        let size = Size::of(&assignment.load.limits);
        if self.kept {
            self.due = Some(Due { size, at_latest: Instant::now() + AT_LATEST });
        }
        match self.spare.take_if(|spare| spare.size == size) {
            Some(spare) => spare.thread.send(assignment).err().map(|refused| refused.0),
            None => Some(assignment),
        }
    }

    /// Before the worker waits for a message: makes what is due if there is time. Returns once there is a message to
    /// read, or nothing is due.
    pub fn make_in_time(&mut self, socket: &OwnedFd, shared: &Shared, is_busy: impl Fn() -> bool) {
        while let Some(Due { size, at_latest }) = self.due {
            let late = Instant::now() >= at_latest;
            if !late && is_readable(socket) {
                return;
            }
            if late || !is_busy() {
                self.due = None;
                if self.spare.as_ref().is_none_or(|spare| spare.size != size) {
                    self.make(size, shared);
                }
            }
        }
    }

    fn make(&mut self, size: Size, shared: &Shared) {
        let (thread, assignments) = channel();
        let shared = shared.clone();
        // One of another size ends when nobody can give it a function any more.
        self.spare = None;
        let started = isolate::spawn("spare", move || isolate::stand_by(size, &assignments, &shared));
        if started.is_ok() {
            self.spare = Some(Spare { size, thread });
        }
    }
}

/// Whether something can be read within [`QUIET`].
fn is_readable(socket: &OwnedFd) -> bool {
    let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(QUIET.subsec_nanos()) };
    let mut sockets = [PollFd::new(socket, PollFlags::IN)];
    // What goes wrong here goes wrong when it is read.
    poll(&mut sockets, Some(&patience)) != Ok(0)
}
