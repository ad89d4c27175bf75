//! What serves the calls of isolates, as the pool sees it: it knows whose a call is and nothing of what it asks for.

use std::fmt::Debug;
use std::sync::{Arc, Weak};

use super::link::Link;
use crate::function::Program;

/// Serves all isolates of a node.
pub trait Host: Debug + Send + Sync {
    /// Begins to serve an isolate of `program`, which is all that decides about what the isolate may do.
    fn serve(&self, program: &Program, line: Line) -> Arc<dyn Calls>;
}

/// Serves one isolate.
pub trait Calls: Debug + Send + Sync {
    /// Takes the body of a `Call`. Called on the worker's reader thread, so it must not wait; what it returns is why
    /// the worker is to be ended.
    fn call(&self, body: &[u8]) -> Result<(), String>;

    /// The isolate is gone: nothing is wanted any more.
    fn close(&self);
}

/// The way back to an isolate.
#[derive(Debug, Clone)]
pub struct Line {
    link: Weak<Link>,
    channel: u32,
}

impl Line {
    pub fn new(link: &Arc<Link>, channel: u32) -> Line {
        Line { link: Arc::downgrade(link), channel }
    }

    pub fn channel(&self) -> u32 {
        self.channel
    }

    /// As [`Link::is_full`].
    pub fn is_full(&self) -> bool {
        self.link.upgrade().is_some_and(|link| link.is_full())
    }

    /// Sends a finished message that was built for this channel; never blocks.
    pub fn send(&self, message: Vec<u8>) {
        if let Some(link) = self.link.upgrade() {
            link.send(message);
        }
    }
}
