//! The memories of an isolate's WebAssembly, kept within the function's `external` limit.
//!
//! V8 takes this memory from the system by itself, so nothing of ours is asked. What JavaScript makes is measured
//! before it is made. What modules grow by themselves is bounded for each memory by [`super::binary`], and for all
//! together by a look at each collection of garbage, which V8 starts when external memory grows.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::{OpState, op2, v8};

use super::binary::PAGE;
use super::compile;
use crate::outcome::Outcome;
use crate::worker::failure::{self, Class};
use crate::worker::limits::Guard;

/// Most `WebAssembly.Memory` objects alive at once: even an empty one takes a map of the address space.
const MOST_MEMORIES: usize = 1000;

thread_local! {
    /// The limit of the calling thread's isolate, and what stops it.
    static METER: RefCell<Option<(u64, Arc<Guard>)>> = const { RefCell::new(None) };
}

pub struct Room {
    limit: u64,
    guard: Arc<Guard>,
    watched: Cell<bool>,
    memories: RefCell<Vec<v8::Weak<v8::Object>>>,
}

impl Room {
    pub fn new(limit: u64, guard: Arc<Guard>) -> Rc<Room> {
        Rc::new(Room { limit, guard, watched: Cell::new(false), memories: RefCell::default() })
    }

    fn of(state: &Rc<RefCell<OpState>>) -> Rc<Room> {
        Rc::clone(state.borrow().borrow::<Rc<Room>>())
    }

    /// Whether `bytes` more fit, if need be after a collection of garbage.
    fn fits(&self, scope: &mut v8::PinScope<'_, '_>, bytes: u64) -> bool {
        self.watch(scope);
        let fits = |scope: &mut v8::PinScope<'_, '_>| taken(scope).saturating_add(bytes) <= self.limit;
        if fits(scope) {
            return true;
        }
        scope.low_memory_notification();
        fits(scope)
    }

    /// Whether one more memory may live, if need be after a collection of garbage.
    fn has_place(&self, scope: &mut v8::PinScope<'_, '_>) -> bool {
        let full = || {
            let mut memories = self.memories.borrow_mut();
            if memories.len() >= MOST_MEMORIES {
                memories.retain(|memory| !memory.is_empty());
            }
            memories.len() >= MOST_MEMORIES
        };
        if !full() {
            return true;
        }
        scope.low_memory_notification();
        !full()
    }

    /// From now on looks at what is taken after each collection of garbage.
    fn watch(&self, scope: &mut v8::PinScope<'_, '_>) {
        if !self.watched.replace(true) {
            METER.set(Some((self.limit, Arc::clone(&self.guard))));
            let types = v8::GCType::kGCTypeMarkSweepCompact;
            scope.add_gc_epilogue_callback(look, null_mut(), types);
        }
    }
}

/// External memory of the isolate in bytes: ArrayBuffers, WebAssembly's memories, compiled modules.
fn taken(isolate: &mut v8::Isolate) -> u64 {
    isolate.adjust_amount_of_external_allocated_memory(0).max(0) as u64
}

unsafe extern "C" fn look(isolate: v8::UnsafeRawIsolatePtr, _: v8::GCType, _: v8::GCCallbackFlags, _: *mut c_void) {
    // SAFETY: V8 passes the isolate whose garbage it has collected, on that isolate's thread.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    let taken = taken(&mut isolate);
    METER.with_borrow(|meter| {
        if let Some((limit, guard)) = meter
            && taken > *limit
        {
            guard.stop_for_memory();
        }
    });
}

/// Throws a RangeError unless `bytes` more of memory may be taken. `object` is a module to be instantiated, whose own
/// memories count, or anything else.
#[op2(nofast)]
pub fn op_wasm_room(scope: &mut v8::PinScope<'_, '_>, state: Rc<RefCell<OpState>>, bytes: f64) {
    let room = Room::of(&state);
    if !room.fits(scope, bytes as u64) {
        let message = format!(
            "WebAssembly: {} KiB more of memory exceed the function's limit of {} KiB; raise `external` in [limits]",
            bytes as u64 >> 10,
            room.limit >> 10
        );
        failure::throw(scope, Class::RangeError, Outcome::Failed, &message);
    } else if !room.has_place(scope) {
        let message = format!("WebAssembly: more than {MOST_MEMORIES} memories at once");
        failure::throw(scope, Class::RangeError, Outcome::Failed, &message);
    }
}

/// Remembers a memory for as long as it lives.
#[op2(nofast)]
pub fn op_wasm_remember<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    memory: v8::Local<'s, v8::Object>,
) {
    let memory = v8::Weak::new(scope, memory);
    Room::of(&state).memories.borrow_mut().push(memory);
}

/// Most pages that one memory may have.
#[op2(fast)]
pub fn op_wasm_most(state: &OpState) -> f64 {
    (state.borrow::<Rc<Room>>().limit / PAGE) as f64
}

/// What the memories of a module begin with, in bytes; -1 for what is no module of the function's folder.
#[op2(nofast)]
pub fn op_wasm_demand<'s>(scope: &mut v8::PinScope<'s, '_>, module: v8::Local<'s, v8::Value>) -> f64 {
    compile::demand(scope, module).map_or(-1.0, |bytes| bytes as f64)
}
