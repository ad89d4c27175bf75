//! The memories of an isolate's WebAssembly, kept within the function's `external` limit.
//!
//! V8 takes this memory from the system by itself, so nothing of ours is asked. What JavaScript makes is measured
//! before it is made. What modules grow by themselves is bounded for each memory by [`super::binary`], and for all
//! together by the watchdog, which has V8's sum looked at while code runs.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{OpState, op2, v8};

use super::binary::PAGE;
use super::compile;
use crate::outcome::Outcome;
use crate::worker::failure::{self, Class};

/// Most `WebAssembly.Memory` objects alive at once: even an empty one takes a map of the address space.
const MOST_MEMORIES: usize = 1000;

pub struct Room {
    limit: u64,
    memories: RefCell<Vec<v8::Weak<v8::Object>>>,
}

impl Room {
    pub fn new(limit: u64) -> Rc<Room> {
        Rc::new(Room { limit, memories: RefCell::default() })
    }

    fn of(state: &Rc<RefCell<OpState>>) -> Rc<Room> {
        Rc::clone(state.borrow().borrow::<Rc<Room>>())
    }

    /// Whether `bytes` more fit, if need be after a collection of garbage.
    fn fits(&self, scope: &mut v8::PinScope<'_, '_>, bytes: u64) -> bool {
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
}

/// External memory of the isolate in bytes: ArrayBuffers, WebAssembly's memories, compiled modules.
fn taken(isolate: &mut v8::Isolate) -> u64 {
    isolate.adjust_amount_of_external_allocated_memory(0).max(0) as u64
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
