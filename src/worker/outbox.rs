//! The worker's end of the socket, shared by its threads.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;
use serde::Serialize;

use crate::protocol::Kind;
use crate::protocol::control;
use crate::protocol::words::Words;

/// Writes whole messages. Writing blocks, so a host that reads slowly slows its isolates and nothing piles up.
#[derive(Debug)]
pub struct Outbox {
    socket: Mutex<OwnedFd>,
    words: Arc<Words>,
}

impl Outbox {
    pub fn new(socket: OwnedFd, words: Arc<Words>) -> Outbox {
        Outbox { socket: Mutex::new(socket), words }
    }

    /// Sends a message as [`crate::protocol::frame::Builder::finish`] made it.
    pub fn send(&self, message: &[u8]) {
        let notice = self.words.slots().pack(message);
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = notice.as_deref().unwrap_or(message);
        while !rest.is_empty() {
            match rustix::io::write(&*socket, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                // Nobody is left to work for.
                Err(_) => super::process::exit(0),
            }
        }
    }

    pub fn send_control(&self, kind: Kind, channel: u32, body: &impl Serialize) {
        self.send(&control::encode(kind, channel, body));
    }
}
