//! The wish to stop: the first signal asks for an orderly end, the second ends the process at once.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// Exit codes of a process that a signal ended, as shells know them: 128 and the signal's number.
pub const EXIT_INTERRUPTED: i32 = 130;
pub const EXIT_TERMINATED: i32 = 143;

/// Shared by whoever asks for the end and whoever waits for it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requested: AtomicBool,
    /// What the process exits with when a second signal comes.
    code: AtomicI32,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Shutdown {
    /// One that nothing but [`Shutdown::request`] triggers.
    pub fn new() -> Self {
        Shutdown::default()
    }

    /// One that SIGTERM and SIGINT trigger. The second signal ends the process, whatever it is doing.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Shutdown::new();
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut terminate, mut interrupt) = {
            let _context = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        let listener = shutdown.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                loop {
                    let code = tokio::select! {
                        _ = terminate.recv() => EXIT_TERMINATED,
                        _ = interrupt.recv() => EXIT_INTERRUPTED,
                    };
                    if listener.signalled(code) == Signalled::Again {
                        tracing::warn!("second signal, exiting at once");
                        std::process::exit(code);
                    }
                }
            });
        })?;
        Ok(shutdown)
    }

    /// Asks for an orderly end.
    pub fn request(&self) {
        let _guard = self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.requested.store(true, SeqCst);
        self.inner.changed.notify_all();
    }

    pub fn is_requested(&self) -> bool {
        self.inner.requested.load(SeqCst)
    }

    /// The exit code that stands for the signal, if a signal and nothing else asked for the end.
    pub fn signal_code(&self) -> Option<i32> {
        Some(self.inner.code.load(SeqCst)).filter(|code| *code != 0)
    }

    /// Blocks until the end is asked for.
    pub fn wait(&self) {
        let mut guard = self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_requested() {
            guard = self.inner.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Blocks until the end is asked for, or the time is over; says whether it was asked for.
    pub fn wait_for(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut guard = self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_requested() {
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            guard = self.inner.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn signalled(&self, code: i32) -> Signalled {
        if self.inner.code.compare_exchange(0, code, SeqCst, SeqCst).is_err() {
            return Signalled::Again;
        }
        self.request();
        Signalled::First
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Signalled {
    First,
    Again,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_woken_by_the_request() {
        let shutdown = Shutdown::new();
        let waiting = shutdown.clone();
        let waiter = thread::spawn(move || waiting.wait());
        assert!(!shutdown.wait_for(Duration::from_millis(1)));
        shutdown.request();
        waiter.join().unwrap();
        assert!(shutdown.wait_for(Duration::ZERO));
    }

    #[test]
    fn the_first_signal_drains_and_the_second_exits() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.signal_code(), None);
        assert_eq!(shutdown.signalled(EXIT_TERMINATED), Signalled::First);
        assert!(shutdown.is_requested());
        assert_eq!(shutdown.signalled(EXIT_INTERRUPTED), Signalled::Again);
        assert_eq!(shutdown.signal_code(), Some(EXIT_TERMINATED));
    }

    #[test]
    fn a_request_without_a_signal_has_no_signal_code() {
        let shutdown = Shutdown::new();
        shutdown.request();
        assert_eq!(shutdown.signal_code(), None);
    }
}
