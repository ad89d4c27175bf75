//! What an isolate gives back once it has had nothing to do for a while: V8's garbage and the room that it kept for more,
//! and what the allocator holds of freed memory.
//!
//! V8 itself tidies only while code runs, so without this an isolate keeps for as long as it waits whatever its last
//! records have left behind.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use deno_core::v8;
use tokio::time::{Instant, Sleep, sleep_until};

/// After so long without anything to do it rests.
pub const STILL: Duration = Duration::from_secs(1);
/// It rests no more often than that this is a thousandth of its time,
const RARELY: u32 = 1000;
/// and that it is a twentieth of one core's for all isolates of the worker together.
const SELDOM: u32 = 20;

/// How long one waits for another that rests.
const MOMENT: Duration = Duration::from_millis(50);

/// When the next isolate of this worker may rest. Whoever rests holds it, so that one does at a time.
static NEXT: Mutex<Option<Instant>> = Mutex::new(None);

/// When an isolate rests.
#[derive(Default)]
pub struct Rest {
    /// One for all waits: it is set anew when it goes off too early, so that a wait costs a look at the clock.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Since when it has had nothing to do.
    since: Option<Instant>,
    not_before: Option<Instant>,
    rested: bool,
}

impl Rest {
    /// Something has arrived.
    pub fn disturb(&mut self) {
        self.since = None;
        self.rested = false;
    }

    /// Nothing has arrived: ready when it is time to rest.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.rested {
            return Poll::Pending;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let due = self.not_before.map_or(since + STILL, |time| time.max(since + STILL));
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while alarm.as_mut().poll(context).is_ready() {
            if alarm.deadline() >= due {
                self.alarm = None;
                return Poll::Ready(());
            }
            alarm.as_mut().reset(due);
        }
        Poll::Pending
    }

    /// Gives back what is not needed, or puts that off until it is this isolate's turn.
    pub fn rest(&mut self, isolate: &mut v8::Isolate) {
        let begun = Instant::now();
        match NEXT.try_lock().as_deref_mut() {
            Ok(Some(next)) if *next > begun => self.not_before = Some(*next),
            Ok(next) => {
                tidy(isolate);
                let took = begun.elapsed();
                *next = Some(begun + took * SELDOM);
                self.rested = true;
                self.not_before = Some(begun + took * RARELY);
            }
            Err(_) => self.not_before = Some(begun + MOMENT),
        }
    }
}

/// Gives back what an isolate holds and does not need. The calling thread must be its own.
pub fn tidy(isolate: &mut v8::Isolate) {
    isolate.low_memory_notification();
    // SAFETY: it may be called at any time and from any thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}
