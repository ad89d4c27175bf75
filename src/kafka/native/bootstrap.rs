//! Has librdkafka ask its bootstrap servers again when a broker names no brokers at all.
//!
//! A broker that has just come back, or that the controller holds for dead, may answer that it knows of topics but of no
//! broker, itself included. librdkafka (2.10 to 2.15) then lets go of all brokers that it has, and stands still for good,
//! without an error (<https://github.com/confluentinc/librdkafka/issues/5301>): it takes that for an answer, and stops
//! its timer for starting over; and the other way to start over, when all brokers are down, does nothing where CMake has
//! built it (`rd_atomic32_set` then returns the new value instead of the one before).
//!
//! The linker puts the functions below in the place of librdkafka's own (see `build.rs`). The second is called in one
//! place only: after the first, on the same thread, for an answer that was understood. How long the timer runs is
//! `metadata.recovery.rebootstrap.trigger.ms`.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

/// The start of `rd_kafka_metadata_internal_t`, which begins with the public `rd_kafka_metadata_t`.
#[repr(C)]
struct Metadata {
    brokers: c_int,
}

thread_local! {
    /// Whether the answer that this thread has just read names no broker.
    static NONE_LEFT: Cell<bool> = const { Cell::new(false) };
}

unsafe extern "C" {
    fn __real_rd_kafka_parse_Metadata(
        broker: *mut c_void,
        request: *mut c_void,
        answer: *mut c_void,
        metadata: *mut *const Metadata,
    ) -> c_int;
    fn __real_rd_kafka_rebootstrap_tmr_stop(client: *mut c_void) -> c_int;
    fn rd_kafka_rebootstrap_tmr_start_maybe(client: *mut c_void);
}

/// Reads a broker's answer, and notes whether it names any broker.
///
/// # Safety
/// As librdkafka calls its own: `metadata` is valid, and null or what was read is in it afterwards.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_rd_kafka_parse_Metadata(
    broker: *mut c_void,
    request: *mut c_void,
    answer: *mut c_void,
    metadata: *mut *const Metadata,
) -> c_int {
    // SAFETY: the caller's promise; all arguments are passed on as they are.
    unsafe {
        let error = __real_rd_kafka_parse_Metadata(broker, request, answer, metadata);
        let read = metadata.as_ref().and_then(|metadata| metadata.as_ref());
        NONE_LEFT.set(error == 0 && read.is_some_and(|metadata| metadata.brokers == 0));
        error
    }
}

/// Stops the timer for starting over, or starts it where nobody is left and it does not run yet.
///
/// # Safety
/// As librdkafka calls its own: `client` is valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_rd_kafka_rebootstrap_tmr_stop(client: *mut c_void) -> c_int {
    // SAFETY: the caller's promise; any thread may start the timer.
    unsafe {
        if !NONE_LEFT.take() {
            return __real_rd_kafka_rebootstrap_tmr_stop(client);
        }
        rd_kafka_rebootstrap_tmr_start_maybe(client);
    }
    0
}
