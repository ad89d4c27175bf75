//! Finds out whose code a limit struck, on the isolate's own thread and while that code is still running: once it has
//! been stopped, V8 tells no more.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::null_mut;

use deno_core::v8;

use super::context;

thread_local! {
    static CONTEXT: RefCell<Option<v8::Global<v8::Context>>> = const { RefCell::new(None) };
    static STRUCK: Cell<u64> = const { Cell::new(0) };
}

/// Tells which context the isolate of the calling thread runs in.
pub fn prepare(context: v8::Global<v8::Context>) {
    CONTEXT.set(Some(context));
}

/// The number of the invocation whose code was stopped on the calling thread; zero if it belonged to none.
pub fn number() -> u64 {
    STRUCK.get()
}

/// Stops an isolate's code as soon as it can be said whose it is. Code that never lets itself be interrupted needs
/// `terminate_execution` besides.
pub fn stop(handle: &v8::IsolateHandle) {
    handle.request_interrupt(note_and_terminate, null_mut());
}

unsafe extern "C" fn note_and_terminate(isolate: v8::UnsafeRawIsolatePtr, _: *mut c_void) {
    // SAFETY: V8 passes the isolate that it interrupts, on that isolate's thread.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    CONTEXT.with_borrow(|context| {
        if let Some(context) = context {
            v8::callback_scope!(unsafe scope, &mut isolate);
            let context = v8::Local::new(scope, context);
            let scope = &mut v8::ContextScope::new(scope, context);
            STRUCK.set(context::running(scope));
        }
    });
    isolate.terminate_execution();
}
