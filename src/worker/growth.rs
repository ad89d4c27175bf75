//! Tells the host how much memory an isolate holds while it runs: when a worker dies for want of memory, this is how the
//! one that grew is found.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use deno_core::v8;

use super::memory;
use crate::protocol::words::Words;

thread_local! {
    /// The words, and the channel of the isolate on the calling thread.
    static TOLD: RefCell<Option<(Arc<Words>, u32)>> = const { RefCell::new(None) };
}

/// Has the isolate of the calling thread, which is about to be made, tell how much it holds on this channel.
pub fn prepare(words: &Arc<Words>, channel: u32) {
    TOLD.set(Some((words.clone(), channel)));
}

/// Looks after each collection: memory cannot grow much without any.
pub fn watch(isolate: &mut v8::Isolate) {
    isolate.add_gc_epilogue_callback(collected, null_mut(), v8::GCType::kGCTypeAll);
}

/// The isolate is being stopped for its heap and may take this much until it stops.
pub fn tell(bytes: usize) {
    TOLD.with_borrow(|told| {
        if let Some((words, channel)) = told {
            words.memory(*channel).store(bytes as u64, Ordering::Release);
        }
    });
}

unsafe extern "C" fn collected(
    isolate: v8::UnsafeRawIsolatePtr,
    _: v8::GCType,
    _: v8::GCCallbackFlags,
    _: *mut c_void,
) {
    // SAFETY: V8 passes the isolate that has just collected, on that isolate's thread.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    let heap = isolate.get_heap_statistics().used_heap_size();
    tell(heap + memory::counted(&mut isolate));
}
