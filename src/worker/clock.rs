//! The clocks that invocations are measured by.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Finds the kernel's fast clock, which takes a look at a file; later, each reading would be a system call.
pub fn prepare() {
    now_ns();
}

/// Monotonic time in nanoseconds; the same in all threads.
pub fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Wall-clock time in milliseconds since 1970.
pub fn unix_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// The CPU clock of one thread, readable from every thread of the process.
#[derive(Debug, Clone, Copy)]
pub struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// The clock of the calling thread.
    pub fn own() -> CpuClock {
        let mut id = libc::CLOCK_THREAD_CPUTIME_ID;
        // SAFETY: the calling thread exists, and `id` is a place for the answer.
        let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
        // Without a clock of its own the thread is measured by one that reads zero for others: no CPU limit then.
        CpuClock(if failed == 0 { id } else { libc::CLOCK_THREAD_CPUTIME_ID })
    }

    /// Nanoseconds of CPU time; zero when the thread has ended.
    pub fn read_ns(self) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a place for the answer; a clock of an ended thread makes the call fail.
        if unsafe { libc::clock_gettime(self.0, &mut time) } != 0 {
            return 0;
        }
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }
}
