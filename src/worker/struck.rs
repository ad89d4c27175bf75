//! Finds out whose code is running, on the isolate's own thread and while it runs: to charge it with its CPU time, and to
//! know whose code a limit struck. Once code has been stopped, V8 tells no more.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use deno_core::v8;

use super::charges::Charges;
use super::limits::Guard;
use super::{context, memory};

/// What the calling thread's isolate is watched by.
pub struct Watch {
    pub context: v8::Global<v8::Context>,
    pub guard: Arc<Guard>,
    pub charges: Rc<Charges>,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
    static STRUCK: Cell<u64> = const { Cell::new(0) };
}

/// Tells what the isolate of the calling thread is.
pub fn prepare(watch: Watch) {
    WATCH.set(Some(watch));
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

/// Charges an isolate's running code with its CPU time and looks what the isolate holds, as soon as it can be interrupted.
pub fn glance(handle: &v8::IsolateHandle) {
    handle.request_interrupt(note_and_go_on, null_mut());
}

unsafe extern "C" fn note_and_terminate(isolate: v8::UnsafeRawIsolatePtr, _: *mut c_void) {
    // SAFETY: V8 passes the isolate that it interrupts, on that isolate's thread.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    STRUCK.set(running(&mut isolate));
    isolate.terminate_execution();
}

unsafe extern "C" fn note_and_go_on(isolate: v8::UnsafeRawIsolatePtr, _: *mut c_void) {
    // SAFETY: as above.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    let running = running(&mut isolate);
    WATCH.with_borrow(|watch| {
        let Some(Watch { guard, charges, .. }) = watch else { return };
        guard.asked.store(false, Ordering::Relaxed);
        if let Some(limit) = charges.sample(running) {
            STRUCK.set(running);
            guard.stop_now(limit);
        } else if memory::is_over(&mut isolate, guard.memory()) {
            STRUCK.set(running);
            guard.stop_for_memory();
        }
    });
}

fn running(isolate: &mut v8::Isolate) -> u64 {
    WATCH.with_borrow(|watch| {
        let Some(Watch { context, .. }) = watch else { return 0 };
        v8::callback_scope!(unsafe scope, isolate);
        let context = v8::Local::new(scope, context);
        let scope = &mut v8::ContextScope::new(scope, context);
        context::running(scope)
    })
}
