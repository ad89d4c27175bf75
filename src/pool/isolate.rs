//! One isolate as its owner sees it.

use std::sync::Arc;

use super::link::{Death, Link};
use crate::protocol::control::{Loaded, Log, Recall, Unloaded, encode};
use crate::protocol::frame::Kind;

/// What its owner hears of an isolate.
#[derive(Debug)]
pub enum IsolateEvent {
    Loaded(Loaded),
    /// The body of a `Settled` message, still to be checked.
    Settled(Vec<u8>),
    /// Gone by itself: a limit was hit.
    Unloaded(Unloaded),
    Log(Log),
    /// The whole worker died. Nothing more will be heard.
    Died(Death),
}

/// Where an isolate's events go. Called on the worker's reader thread, so it must only pass them on. While it makes that
/// thread wait, nothing more is read from the worker.
pub type Route = Arc<dyn Fn(IsolateEvent) + Send + Sync>;

/// One isolate of one function version in one worker. Dropping it gives it back.
#[derive(Debug)]
pub struct Isolate {
    link: Arc<Link>,
    channel: u32,
    /// Bytes of the message that its program went in.
    program: usize,
}

impl Isolate {
    pub(super) fn new(link: Arc<Link>, channel: u32, program: usize) -> Isolate {
        Isolate { link, channel, program }
    }

    pub fn channel(&self) -> u32 {
        self.channel
    }

    pub fn worker_pid(&self) -> u32 {
        self.link.pid()
    }

    /// The worker that holds it.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Sends a finished message that was built for this isolate's channel. Returns a buffer for the next one.
    pub fn send(&self, message: Vec<u8>) -> Vec<u8> {
        self.link.send(message)
    }

    /// Asks for what `lane` has not begun of `epoch` and before.
    pub fn recall(&self, lane: u32, epoch: u32) {
        self.send(encode(Kind::Recall, self.channel, &Recall { lane, epoch }));
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        self.link.close_route(self.channel, self.program);
    }
}
