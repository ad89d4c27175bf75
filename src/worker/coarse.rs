//! The clock that handlers see: whole milliseconds. A finer one would let them measure what the processor's caches hold.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deno_core::{OpState, op2};
use deno_web::StartTime;

/// Milliseconds since the isolate got its function, for `performance.now`.
#[op2(fast)]
pub fn op_now(state: &mut OpState, #[buffer] out: &mut [u8]) {
    put(Duration::from_millis(state.borrow::<StartTime>().elapsed().as_millis() as u64), out);
}

/// When the isolate got its function, for `performance.timeOrigin`.
#[op2(fast)]
pub fn op_time_origin(state: &mut OpState, #[buffer] out: &mut [u8]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let began = now.saturating_sub(state.borrow::<StartTime>().elapsed());
    put(Duration::from_millis(began.as_millis() as u64), out);
}

/// As the scripts read it: seconds and nanoseconds.
fn put(time: Duration, out: &mut [u8]) {
    if let Some(out) = out.get_mut(..8) {
        out[..4].copy_from_slice(&(time.as_secs() as u32).to_ne_bytes());
        out[4..].copy_from_slice(&time.subsec_nanos().to_ne_bytes());
    }
}
