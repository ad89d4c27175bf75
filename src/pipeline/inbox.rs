//! What wakes a subscription: isolates, Kafka, and orders from the control plane, in one queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::gate::Gate;
use super::isolates::Version;
use crate::pool::{IsolateEvent, Route};

/// What the control plane may ask of a running subscription.
pub enum Order {
    /// Run this version from now on.
    Install(Arc<Version>),
    /// Read these topics from now on.
    Subscribe(Vec<String>),
    /// Finish what is in flight within this time, commit, leave the group, end.
    Drain(Duration),
}

pub enum Event {
    /// Kafka's client has records, events or delivery reports.
    Kafka,
    Isolate {
        tag: u64,
        event: IsolateEvent,
    },
    Order(Order),
}

/// The sending end; cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    events: Sender<Event>,
    /// Set while a `Kafka` event is queued, so that a thousand wake-ups cost one.
    woken: Arc<AtomicBool>,
    gate: Arc<Gate>,
}

pub struct Outlet {
    events: Receiver<Event>,
    woken: Arc<AtomicBool>,
    gate: Arc<Gate>,
}

pub fn inbox() -> (Inbox, Outlet) {
    let (sender, receiver) = channel();
    let woken = Arc::new(AtomicBool::new(false));
    let gate = Arc::new(Gate::default());
    let inbox = Inbox { events: sender, woken: Arc::clone(&woken), gate: Arc::clone(&gate) };
    (inbox, Outlet { events: receiver, woken, gate })
}

impl Inbox {
    pub fn order(&self, order: Order) {
        let _ = self.events.send(Event::Order(order));
    }

    /// For Kafka's clients to call from their threads.
    pub fn wake(&self) -> Arc<dyn Fn() + Send + Sync> {
        let inbox = self.clone();
        Arc::new(move || {
            if !inbox.woken.swap(true, Ordering::AcqRel) {
                let _ = inbox.events.send(Event::Kafka);
            }
        })
    }

    /// For an isolate's events. An isolate begins and ends once, which its link sees to; the gate bounds what it says in
    /// between: it drops lines of logs, and makes the worker wait with what has settled.
    pub fn route(&self, tag: u64) -> Route {
        let (events, gate) = (self.events.clone(), Arc::clone(&self.gate));
        Arc::new(move |mut event| {
            if gate.admit(&mut event) {
                let _ = events.send(Event::Isolate { tag, event });
            }
        })
    }
}

impl Drop for Outlet {
    /// Nobody takes anything out any more, so nobody shall wait for it.
    fn drop(&mut self) {
        self.gate.open();
    }
}

impl Outlet {
    /// The next event, or `None` when the time is over.
    pub fn next(&self, patience: Duration) -> Option<Event> {
        let event = match self.events.recv_timeout(patience) {
            Ok(event) => event,
            // We hold a sender ourselves, so nobody can hang up on us.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
        match &event {
            Event::Kafka => self.woken.store(false, Ordering::Release),
            Event::Isolate { event, .. } => self.gate.release(event),
            Event::Order(_) => {}
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(len: usize) -> IsolateEvent {
        IsolateEvent::Settled(vec![0; len])
    }

    fn next(outlet: &Outlet) -> Option<usize> {
        match outlet.next(Duration::from_secs(60))? {
            Event::Isolate { event: IsolateEvent::Settled(body), .. } => Some(body.len()),
            _ => None,
        }
    }

    #[test]
    fn a_worker_that_settles_faster_than_its_subscription_takes_has_to_wait() {
        const LEN: usize = 40 << 20;
        let (inbox, outlet) = inbox();
        let (told, heard) = channel();
        let route = inbox.route(1);
        let worker = std::thread::spawn(move || {
            for number in 1..=4 {
                route(settled(LEN));
                let _ = told.send(number);
            }
        });
        assert_eq!(heard.recv(), Ok(1));
        assert!(heard.recv_timeout(Duration::from_millis(100)).is_err(), "the second does not fit in beside the first");
        // Others may go on, and what is small fits in.
        inbox.route(2)(settled(1));
        assert_eq!((next(&outlet), next(&outlet)), (Some(LEN), Some(1)));
        assert_eq!(next(&outlet), Some(LEN));
        assert!(heard.iter().take(2).eq([2, 3]));
        drop(outlet);
        assert!(worker.join().is_ok(), "the fourth waits for nobody");
    }
}
