//! What waits to be written to a worker. It is counted, because a worker that has been taken over asks for answers and
//! reads none.
//!
//! What is large waits outside while the queue [is full](Outgoing::is_full): records in their partitions, pieces of
//! responses in their fetches. Each open isolate has room for its program. What else waits is little, as long as the
//! worker reads; beyond a bound it is killed.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use crate::protocol::Kind;

/// How long a worker may take nothing from its full socket.
const STALL: Duration = Duration::from_secs(10);
/// How long the queue may be full without a break. What fills it stops then, so reading alone makes room.
const CHOKED: Duration = Duration::from_secs(60);
/// Bytes from which on nothing large is added.
const FULL: usize = 64 << 20;
/// Most bytes that may wait beside records and the programs of open isolates. Of an honest worker there are at most,
/// beside what makes the queue full, the heads and pieces of responses that found it not full at the same time (256
/// fetches of a node with less than 256 KiB each), and for each open fetch a few lines to say how it ended: 256 KiB for
/// an isolate with 256 of them.
const MOST: usize = 4 * FULL;

/// The worker left too much unread.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMuch;

#[derive(Debug, Default)]
pub struct Outgoing {
    queue: Mutex<Queue>,
    /// As the queue says, for those who only ask.
    full: AtomicBool,
    /// Wakes the writer thread when something is left over, and at the end.
    more: Condvar,
}

impl Outgoing {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is large has to wait outside.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// An isolate is opened with a program of so many bytes.
    pub fn add_program(&self, len: usize) {
        self.lock().programs += len;
    }

    /// That isolate was given back.
    pub fn remove_program(&self, len: usize) {
        self.lock().programs -= len;
    }

    /// Sends a finished message, or has it wait; never blocks. Returns a buffer for the next one, which is that of this one
    /// if it has gone.
    pub fn send(&self, socket: &OwnedFd, message: Vec<u8>) -> Result<Vec<u8>, TooMuch> {
        let mut queue = self.lock();
        if queue.closed {
            return Ok(message);
        }
        let mut gone = 0;
        if queue.is_empty() {
            while gone < message.len() {
                match write(socket, &message[gone..]) {
                    Ok(count) => gone += count,
                    Err(Errno::INTR) => {}
                    // A full socket is the writer's business; a broken one the reader's.
                    Err(_) => break,
                }
            }
            if gone == message.len() {
                return Ok(message);
            }
        }
        let pushed = queue.push(message, gone);
        self.full.store(queue.is_full(), Ordering::Relaxed);
        self.more.notify_one();
        pushed.map(|()| Vec::new())
    }

    /// Writes what could not be written at once. The error is why the worker is to be killed.
    pub fn write_until_end(&self, socket: &OwnedFd, is_dead: impl Fn() -> bool) -> Result<(), &'static str> {
        let mut full_since = None;
        loop {
            let mut queue = self.lock();
            while queue.is_empty() && !queue.closed {
                queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            if queue.closed {
                return Ok(());
            }
            while let Some(rest) = queue.first() {
                match write(socket, rest) {
                    Ok(count) => queue.advance(count),
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => break,
                    // The reader sees its end too.
                    Err(_) => return Ok(()),
                }
            }
            let (done, full) = (queue.is_empty(), queue.is_full());
            self.full.store(full, Ordering::Relaxed);
            drop(queue);
            full_since = full.then(|| full_since.unwrap_or_else(Instant::now));
            if full_since.is_some_and(|since| since.elapsed() > CHOKED) {
                return Err("read too slowly");
            }
            if !done && (!wait_writable(socket) || is_dead()) {
                return Err("took nothing from its socket");
            }
        }
    }

    /// Forgets all that waits, and takes no more.
    pub fn close(&self) {
        self.lock().close();
        self.full.store(false, Ordering::Relaxed);
        self.more.notify_all();
    }
}

fn write(socket: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
}

fn wait_writable(socket: &OwnedFd) -> bool {
    let limit = Timespec { tv_sec: STALL.as_secs() as i64, tv_nsec: 0 };
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    !matches!(poll(&mut fds, Some(&limit)), Ok(0))
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Vec<u8>>,
    /// Bytes of the first message that have gone already.
    gone: usize,
    closed: bool,
    /// Bytes of all messages in the queue, and of those without records.
    waiting: usize,
    besides: usize,
    /// Bytes of the programs that open isolates were given.
    programs: usize,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn is_full(&self) -> bool {
        self.waiting > FULL
    }

    /// Has a message wait of which `gone` bytes were written, which is zero unless it is the first.
    fn push(&mut self, message: Vec<u8>, gone: usize) -> Result<(), TooMuch> {
        if self.messages.is_empty() {
            self.gone = gone;
        }
        self.waiting += message.len();
        self.besides += besides(&message);
        self.messages.push_back(message);
        // A single message may have any size.
        if self.besides > MOST + self.programs && self.messages.len() > 1 {
            self.close();
            return Err(TooMuch);
        }
        Ok(())
    }

    /// What is left of the first message.
    fn first(&self) -> Option<&[u8]> {
        self.messages.front().map(|message| &message[self.gone..])
    }

    /// So many bytes of the first message were written.
    fn advance(&mut self, count: usize) {
        self.gone += count;
        if self.messages.front().is_some_and(|message| message.len() <= self.gone)
            && let Some(message) = self.messages.pop_front()
        {
            self.gone = 0;
            self.waiting -= message.len();
            self.besides -= besides(&message);
        }
    }

    fn close(&mut self) {
        *self = Queue { closed: true, programs: self.programs, ..Queue::default() };
    }
}

fn besides(message: &[u8]) -> usize {
    if Kind::of(message) == Some(Kind::Run) { 0 } else { message.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frame::Builder;

    const LEN: usize = 1 << 20;

    fn message(kind: Kind) -> Vec<u8> {
        let mut message = Builder::with_body(kind, 1, &[]);
        message.resize(LEN, 0);
        message
    }

    /// How many messages pass one after the other, of up to 1000.
    fn passing(queue: &mut Queue, kind: Kind) -> usize {
        (0..1000).take_while(|_| queue.push(message(kind), 0).is_ok()).count()
    }

    #[test]
    fn answers_that_are_not_read_end_at_a_bound_and_nothing_is_kept_of_them() {
        let mut queue = Queue::default();
        assert_eq!(passing(&mut queue, Kind::Reply), MOST / LEN);
        assert!(queue.closed && queue.is_empty());
    }

    #[test]
    fn records_and_programs_of_open_isolates_are_never_too_much() {
        let mut queue = Queue::default();
        assert_eq!(passing(&mut queue, Kind::Run), 1000);
        let mut queue = Queue::default();
        queue.programs += 100 * LEN;
        assert_eq!(passing(&mut queue, Kind::Load), MOST / LEN + 100);
        let mut queue = Queue::default();
        queue.programs += 100 * LEN;
        queue.programs -= 100 * LEN;
        assert_eq!(passing(&mut queue, Kind::Load), MOST / LEN);
    }

    #[test]
    fn what_has_gone_no_longer_counts() {
        let mut queue = Queue::default();
        for _ in 0..=FULL / LEN {
            assert!(!queue.is_full());
            queue.push(message(Kind::Reply), 0).unwrap();
        }
        assert!(queue.is_full());
        queue.advance(LEN - 1);
        assert_eq!((queue.is_full(), queue.first().map(<[u8]>::len)), (true, Some(1)));
        queue.advance(1);
        assert_eq!((queue.is_full(), queue.first().map(<[u8]>::len)), (false, Some(LEN)));
        for _ in 0..10 * MOST / LEN {
            queue.push(message(Kind::Reply), 0).unwrap();
            queue.advance(LEN);
        }
    }
}
