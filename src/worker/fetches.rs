//! The open fetches of an isolate: what the host has said of them, and what is still to be told to the host.
//!
//! Each belongs to the invocation whose code began it, and ends with it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use deno_core::JsBuffer;

use super::outbox::Outbox;
use crate::protocol::calls::{Call, MAX_CHUNK, Reply, Request, RequestBody, ResponseHead, WINDOW, most_open};
use crate::protocol::wire::WireError;

/// Ids are unique in the whole worker, so that an answer which comes too late finds nobody.
static NEXT: AtomicU64 = AtomicU64::new(1);

pub struct Fetches {
    channel: u32,
    outbox: Arc<Outbox>,
    open: RefCell<HashMap<u64, Open>>,
}

/// What is left to be sent of a request's body.
pub enum Upload {
    None,
    /// All of it, kept until the response is there because a redirect may ask for it again.
    Whole(JsBuffer, usize),
    /// Whatever a stream gives.
    Stream,
}

struct Open {
    /// The number of the invocation that it belongs to.
    owner: u64,
    head: Option<ResponseHead>,
    chunks: VecDeque<Vec<u8>>,
    queued: usize,
    /// The host will say no more.
    ended: bool,
    failure: Option<String>,
    upload: Upload,
    /// Bytes of the request that may be sent.
    room: usize,
    /// Waits for the response.
    reader: Option<Waker>,
    /// Waits for room.
    writer: Option<Waker>,
}

/// What an operation learns of the body of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    Data,
    End,
    /// The fetch was given up.
    Gone,
}

impl Fetches {
    pub fn new(channel: u32, outbox: Arc<Outbox>) -> Fetches {
        Fetches { channel, outbox, open: RefCell::default() }
    }

    /// Whether an invocation that may have `each` open has as many, or the isolate has all that it may have. A response
    /// that has come to its end counts no longer, but by what of it lies unread.
    pub fn is_full(&self, owner: u64, each: u32) -> bool {
        let open = self.open.borrow();
        let count = |wanted: &dyn Fn(&Open) -> bool| {
            let (ended, live): (Vec<&Open>, Vec<&Open>) =
                open.values().filter(|open| wanted(open)).partition(|open| open.ended);
            live.len() + ended.iter().map(|open| open.queued).sum::<usize>() / WINDOW
        };
        count(&|open| open.owner == owner) >= each as usize || count(&|_| true) >= most_open(each)
    }

    pub fn begin(&self, owner: u64, request: Request, upload: Upload) -> u64 {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.send(id, &Call::Fetch(request));
        let mut open = Open {
            owner,
            head: None,
            chunks: VecDeque::new(),
            queued: 0,
            ended: false,
            failure: None,
            upload,
            room: WINDOW,
            reader: None,
            writer: None,
        };
        self.push(id, &mut open);
        self.open.borrow_mut().insert(id, open);
        id
    }

    /// Takes the body of a `Reply`. One for a fetch that was given up meanwhile is dropped.
    pub fn hear(&self, body: &[u8]) -> Result<(), WireError> {
        let (id, reply) = Reply::decode(body)?;
        let mut all = self.open.borrow_mut();
        let Some(open) = all.get_mut(&id) else { return Ok(()) };
        match reply {
            Reply::Head(head) => {
                open.ended = !head.has_body;
                open.head = Some(head);
            }
            Reply::Chunk(bytes) => {
                open.queued += bytes.len();
                open.chunks.push_back(bytes.to_vec());
            }
            Reply::End => open.ended = true,
            Reply::Failed(why) => {
                open.failure = Some(why.to_owned());
                open.ended = true;
            }
            Reply::Taken(count) => {
                open.room += count as usize;
                self.push(id, open);
            }
            Reply::Again => {
                if let Upload::Whole(_, at) = &mut open.upload {
                    (*at, open.room) = (0, WINDOW);
                }
                self.push(id, open);
            }
        }
        open.wake();
        Ok(())
    }

    /// Sends as much of a whole body as there is room for.
    fn push(&self, id: u64, open: &mut Open) {
        let Upload::Whole(body, at) = &mut open.upload else { return };
        // Sent to its end before.
        if *at > body.len() {
            return;
        }
        while *at < body.len() && open.room > 0 {
            let end = (*at + open.room.min(MAX_CHUNK)).min(body.len());
            self.send(id, &Call::Chunk(&body[*at..end]));
            open.room -= end - *at;
            *at = end;
        }
        if *at == body.len() {
            self.send(id, &Call::End);
            *at += 1;
        }
    }

    /// Looks for the head of a response; false if there will be none.
    pub fn poll_head(&self, id: u64, waker: &Waker) -> Poll<Result<bool, String>> {
        let mut all = self.open.borrow_mut();
        let Some(open) = all.get_mut(&id) else { return Poll::Ready(Ok(false)) };
        if open.head.is_some() {
            return Poll::Ready(Ok(true));
        }
        if let Some(failure) = open.failure.take() {
            all.remove(&id);
            return Poll::Ready(Err(failure));
        }
        open.reader = Some(waker.clone());
        Poll::Pending
    }

    /// Takes the head that [`Fetches::poll_head`] has found.
    pub fn take_head(&self, id: u64) -> Option<ResponseHead> {
        let mut all = self.open.borrow_mut();
        let head = all.get_mut(&id)?.head.take()?;
        if !head.has_body {
            all.remove(&id);
        }
        Some(head)
    }

    /// Looks for the next bytes of a response.
    pub fn poll_body(&self, id: u64, waker: &Waker) -> Poll<Result<Arrived, String>> {
        let mut all = self.open.borrow_mut();
        let Some(open) = all.get_mut(&id) else { return Poll::Ready(Ok(Arrived::Gone)) };
        if !open.chunks.is_empty() {
            return Poll::Ready(Ok(Arrived::Data));
        }
        if open.ended {
            let failure = all.remove(&id).and_then(|open| open.failure);
            return Poll::Ready(failure.map_or(Ok(Arrived::End), Err));
        }
        open.reader = Some(waker.clone());
        Poll::Pending
    }

    /// Takes all bytes of a response that have arrived, and makes room for more.
    pub fn take_body(&self, id: u64) -> Vec<u8> {
        let mut all = self.open.borrow_mut();
        let Some(open) = all.get_mut(&id) else { return Vec::new() };
        let mut bytes = open.chunks.pop_front().unwrap_or_default();
        for chunk in open.chunks.drain(..) {
            bytes.extend_from_slice(&chunk);
        }
        open.queued = 0;
        if !open.ended && !bytes.is_empty() {
            self.send(id, &Call::Taken(bytes.len() as u32));
        }
        bytes
    }

    /// Waits until something of a stream may be sent; false if nothing is wanted any more.
    pub fn poll_room(&self, id: u64, waker: &Waker) -> Poll<bool> {
        let mut all = self.open.borrow_mut();
        let Some(open) = all.get_mut(&id).filter(|open| !open.ended) else { return Poll::Ready(false) };
        if open.room > 0 {
            return Poll::Ready(true);
        }
        open.writer = Some(waker.clone());
        Poll::Pending
    }

    /// Sends what there is room for, and says how much that was.
    pub fn write(&self, id: u64, bytes: &[u8]) -> usize {
        let mut all = self.open.borrow_mut();
        let Some(open) = all.get_mut(&id).filter(|open| matches!(open.upload, Upload::Stream)) else { return 0 };
        let most = open.room.min(bytes.len());
        for chunk in bytes[..most].chunks(MAX_CHUNK) {
            self.send(id, &Call::Chunk(chunk));
        }
        open.room -= most;
        most
    }

    /// A stream has come to its end.
    pub fn finish(&self, id: u64) {
        let mut all = self.open.borrow_mut();
        if let Some(open) = all.get_mut(&id).filter(|open| !open.ended)
            && matches!(open.upload, Upload::Stream)
        {
            open.upload = Upload::None;
            self.send(id, &Call::End);
        }
    }

    /// Gives a fetch up.
    pub fn cancel(&self, id: u64) {
        let open = self.open.borrow_mut().remove(&id);
        if let Some(mut open) = open {
            if !open.ended {
                self.send(id, &Call::Cancel);
            }
            open.wake();
        }
    }

    /// Gives up everything that belongs to an invocation.
    pub fn cancel_of(&self, owner: u64) {
        let open = self.open.borrow();
        let owned: Vec<u64> = open.iter().filter(|(_, open)| open.owner == owner).map(|(id, _)| *id).collect();
        drop(open);
        owned.into_iter().for_each(|id| self.cancel(id));
    }

    fn send(&self, id: u64, call: &Call<'_>) {
        self.outbox.send(&call.encode(self.channel, id));
    }
}

impl Open {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

/// What follows the head of a request with this body.
pub fn announced(upload: &Upload) -> RequestBody {
    match upload {
        Upload::None => RequestBody::None,
        Upload::Whole(body, _) => RequestBody::Whole(body.len() as u64),
        Upload::Stream => RequestBody::Stream,
    }
}
