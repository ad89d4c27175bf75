//! The body of a request on its way from the worker to the server: bounded by a window, and sent again after a redirect
//! if it is all there is.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

use crate::pool::Line;
use crate::protocol::calls::{Reply, WINDOW};

/// Where a worker's pieces go.
#[derive(Debug)]
pub struct Upload {
    line: Line,
    id: u64,
    /// The whole length, if it was said beforehand.
    length: Option<u64>,
    most: u64,
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Bytes>,
    /// Bytes that the worker has sent and was not told to be taken.
    outstanding: usize,
    total: u64,
    ended: bool,
    /// More came than is allowed.
    overflown: bool,
    /// The server wants no more of it, so that what comes is dropped.
    unwanted: bool,
    reader: Option<Waker>,
}

/// The server's end of an upload.
#[derive(Debug)]
pub struct Reader {
    upload: Arc<Upload>,
}

#[derive(Debug, thiserror::Error)]
#[error("the request's body has more than {0} bytes; `max-request` in the node's [fetch] sets how many it may have")]
pub struct TooLong(pub u64);

impl Upload {
    pub fn new(line: Line, id: u64, length: Option<u64>, most: u64) -> Upload {
        Upload { line, id, length, most, state: Mutex::default(), ended: Notify::new() }
    }

    /// Takes a piece from the worker; the error is what it did wrong.
    pub fn push(&self, bytes: &[u8]) -> Result<(), &'static str> {
        let mut state = self.lock();
        if state.ended {
            return Err("a request's body goes on behind its end");
        }
        if state.outstanding + bytes.len() > WINDOW {
            return Err("a request's body exceeds its window");
        }
        state.total += bytes.len() as u64;
        if self.length.is_some_and(|length| state.total > length) {
            return Err("a request's body is longer than announced");
        }
        state.overflown |= state.total > self.most;
        state.outstanding += bytes.len();
        if state.unwanted || state.overflown {
            state.outstanding -= bytes.len();
            self.taken(bytes.len());
        } else {
            state.queue.push_back(Bytes::copy_from_slice(bytes));
        }
        wake(state);
        Ok(())
    }

    /// The worker has sent everything.
    pub fn end(&self) -> Result<(), &'static str> {
        let mut state = self.lock();
        if state.ended {
            return Err("a request's body ends twice");
        }
        if self.length.is_some_and(|length| state.total < length) {
            return Err("a request's body is shorter than announced");
        }
        state.ended = true;
        wake(state);
        self.ended.notify_one();
        Ok(())
    }

    /// Makes the body that is sent.
    pub fn reader(self: &Arc<Upload>) -> Reader {
        self.lock().unwanted = false;
        Reader { upload: Arc::clone(self) }
    }

    /// Asks the worker for all of it once more. What is still on its way must arrive first, so that it is not taken for
    /// the beginning.
    pub async fn again(&self) {
        loop {
            let ended = self.ended.notified();
            if self.lock().ended {
                break;
            }
            ended.await;
        }
        *self.lock() = State::default();
        self.line.send(Reply::Again.encode(self.line.channel(), self.id));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self, count: usize) {
        self.line.send(Reply::Taken(count as u32).encode(self.line.channel(), self.id));
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl Body for Reader {
    type Data = Bytes;
    type Error = TooLong;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TooLong>>> {
        let mut state = self.upload.lock();
        if state.overflown {
            return Poll::Ready(Some(Err(TooLong(self.upload.most))));
        }
        if let Some(bytes) = state.queue.pop_front() {
            state.outstanding -= bytes.len();
            drop(state);
            self.upload.taken(bytes.len());
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        self.upload.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.upload.lock();
        state.unwanted = true;
        state.reader = None;
        state.queue.clear();
        let waiting = std::mem::take(&mut state.outstanding);
        drop(state);
        if waiting > 0 {
            self.upload.taken(waiting);
        }
    }
}
