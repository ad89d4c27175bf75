//! How much of a response may be on its way to a worker.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::protocol::calls::WINDOW;

/// Counts the bytes that were sent and that the worker has not taken yet.
#[derive(Debug, Default)]
pub struct Window {
    outstanding: Mutex<usize>,
    taken: Notify,
}

impl Window {
    /// Waits until `count` bytes may be sent, and counts them. Only one task may wait.
    pub async fn enter(&self, count: usize) {
        loop {
            // Before the look, so that nothing which is taken in between is missed.
            let taken = self.taken.notified();
            {
                let mut outstanding = self.outstanding.lock().unwrap_or_else(PoisonError::into_inner);
                if *outstanding + count <= WINDOW {
                    *outstanding += count;
                    return;
                }
            }
            taken.await;
        }
    }

    /// The worker has taken `count` bytes; false if it never got as many.
    pub fn leave(&self, count: usize) -> bool {
        let mut outstanding = self.outstanding.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = outstanding.checked_sub(count) else { return false };
        *outstanding = left;
        self.taken.notify_one();
        true
    }
}
