//! One thing that is measured.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Records that one pass over a case deals with, about as many as a subscription hands over at once under load.
pub const RECORDS: u64 = 500;

pub struct Case {
    /// Of those of the stored ratios.
    pub name: &'static str,
    pub records: u64,
    /// Makes so many passes and returns the CPU time that they took.
    pub pass: Box<dyn FnMut(u64) -> Duration>,
}

impl Case {
    /// A case of this thread alone, by what one pass does.
    pub fn new<R>(name: &'static str, mut pass: impl FnMut() -> R + 'static) -> Case {
        let pass = Box::new(move |passes| {
            let before = own_cpu();
            for _ in 0..passes {
                black_box(pass());
            }
            own_cpu() - before
        });
        Case { name, records: RECORDS, pass }
    }
}

/// CPU time of the calling thread. What else happens on the machine is no part of it.
fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
