//! Keeps librdkafka's producer from asking without a pause whether it may send.
//!
//! Records that have waited for `linger.ms` are due, and librdkafka's thread then asks to be woken at once. But of each
//! partition only one request may be underway, and as long as that has no answer nothing is sent: the thread looks again
//! and again, as fast as it can, until the answer comes, which would have woken it anyway. With a broker that takes a few
//! milliseconds that is a third of its time and more, and it disturbs whoever hands over records meanwhile.
//!
//! The linker puts the function below in the place of librdkafka's own (see `build.rs`).

use std::ffi::c_void;

/// When the thread looks again at the latest, in microseconds, should nothing have woken it.
const PAUSE: i64 = 1000;

unsafe extern "C" {
    fn __real_rd_kafka_msgq_allow_wakeup_at(
        queue: *mut c_void,
        to_send: *const c_void,
        next_wakeup: *mut i64,
        now: i64,
        linger: i64,
        batch_records: i32,
        batch_bytes: i64,
    ) -> u8;
}

/// Says whether a partition's records are due, and when to look again, unless something was to be done before.
///
/// # Safety
/// As librdkafka calls its own: `next_wakeup` is null or valid, and nobody else uses the queues.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_rd_kafka_msgq_allow_wakeup_at(
    queue: *mut c_void,
    to_send: *const c_void,
    next_wakeup: *mut i64,
    now: i64,
    linger: i64,
    batch_records: i32,
    batch_bytes: i64,
) -> u8 {
    // SAFETY: the caller's promise; all arguments are passed on as they are.
    unsafe {
        let before = next_wakeup.as_ref().copied();
        let due =
            __real_rd_kafka_msgq_allow_wakeup_at(queue, to_send, next_wakeup, now, linger, batch_records, batch_bytes);
        // What is due is sent in this very turn if it may be; if not, what it waits for wakes the thread.
        if let (Some(before), Some(next)) = (before, next_wakeup.as_mut())
            && due != 0
            && *next <= now
        {
            *next = before.min(now + PAUSE);
        }
        due
    }
}
