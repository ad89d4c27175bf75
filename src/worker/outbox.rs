//! The worker's end of the socket, shared by its threads.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use serde::Serialize;

use crate::protocol::Kind;
use crate::protocol::control;

/// Writes whole messages. Writing blocks, so a host that reads slowly slows its isolates and nothing piles up.
#[derive(Debug)]
pub struct Outbox {
    socket: Mutex<OwnedFd>,
}

impl Outbox {
    pub fn new(socket: OwnedFd) -> Outbox {
        Outbox { socket: Mutex::new(socket) }
    }

    /// Sends a message as [`crate::protocol::frame::Builder::finish`] made it.
    pub fn send(&self, message: &[u8]) {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = message;
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
