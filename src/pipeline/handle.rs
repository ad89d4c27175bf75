//! Starting a subscription, and telling a running one what to do.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::inbox::{Inbox, Order, inbox};
use super::isolates::Version;
use super::subscription::{Setup, Subscription};

/// A running subscription, as the control plane holds it.
pub struct Handle {
    inbox: Inbox,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    pub fn install(&self, version: Arc<Version>) {
        self.inbox.order(Order::Install(version));
    }

    pub fn subscribe(&self, topics: Vec<String>) {
        self.inbox.order(Order::Subscribe(topics));
    }

    /// Asks it to end; several can drain at once. [`Handle::join`] waits.
    pub fn drain(&self, within: Duration) {
        self.inbox.order(Order::Drain(within));
    }

    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts a subscription in a thread of its own. Its topics exist and its positions are settled.
pub fn start(setup: Setup) -> std::io::Result<Handle> {
    let (inbox, outlet) = inbox();
    let own = inbox.clone();
    let name = setup.version.program.name().to_owned();
    let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
        let span = tracing::info_span!("subscription", function = %name);
        let _inside = span.enter();
        Subscription::new(setup, own).run(&outlet);
    })?;
    Ok(Handle { inbox, thread: Some(thread) })
}
