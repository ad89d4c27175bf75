//! Starting a subscription, and telling a running one what to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::inbox::{Inbox, Order, inbox};
use super::isolates::Version;
use super::subscription::{Paused, Setup, Subscription};

/// A running subscription, as the control plane holds it.
pub struct Handle {
    inbox: Inbox,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<Paused>>>,
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
        self.ended.load(Ordering::Acquire) || self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end; tells if it has paused itself.
    pub fn join(mut self) -> Option<Paused> {
        self.thread.take()?.join().ok().flatten()
    }
}

/// Starts a subscription in a thread of its own. Its topics exist and its positions are settled. `on_end` is called when
/// it has ended, asked to or not.
pub fn start(setup: Setup, on_end: impl FnOnce() + Send + 'static) -> std::io::Result<Handle> {
    let (inbox, outlet) = inbox();
    let own = inbox.clone();
    let ended = Arc::new(AtomicBool::new(false));
    let has_ended = Arc::clone(&ended);
    let name = setup.version.program.name().to_owned();
    let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
        let span = tracing::info_span!("subscription", function = %name);
        let _inside = span.enter();
        let paused = Subscription::new(setup, own).run(&outlet);
        has_ended.store(true, Ordering::Release);
        on_end();
        paused
    })?;
    Ok(Handle { inbox, ended, thread: Some(thread) })
}
