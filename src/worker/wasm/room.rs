//! The memories of an isolate's WebAssembly, kept within the function's `external` limit.
//!
//! V8 takes this memory from the system by itself, so nothing of ours is asked. What JavaScript makes is measured
//! before it is made. What modules grow by themselves is bounded for each memory by [`super::binary`], and for all
//! together by the watchdog, which has V8's sum looked at while code runs.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::{OpState, op2, v8};

use super::binary::{PAGE, share};
use super::compile;
use crate::outcome::Outcome;
use crate::worker::failure::{self, Class};
use crate::worker::limits::Guard;
use crate::worker::memory;

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

/// Throws a RangeError unless `bytes` more of memory may be taken.
#[op2(nofast)]
pub fn op_wasm_room(scope: &mut v8::PinScope<'_, '_>, state: Rc<RefCell<OpState>>, bytes: f64) {
    let room = Room::of(&state);
    let guard = Arc::clone(state.borrow().borrow::<Arc<Guard>>());
    if !memory::fits(scope, guard.memory(), bytes as usize) {
        let message = format!(
            "WebAssembly: {} KiB more of memory exceed the function's limit of {} KiB; raise `external` in [limits]",
            bytes as u64 >> 10,
            room.limit >> 10
        );
        failure::throw(scope, Class::RangeError, Outcome::Failed, &message);
    }
}

/// Throws a RangeError unless one more memory may live.
#[op2(nofast)]
pub fn op_wasm_place(scope: &mut v8::PinScope<'_, '_>, state: Rc<RefCell<OpState>>) {
    if !Room::of(&state).has_place(scope) {
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
    (share(state.borrow::<Rc<Room>>().limit) / PAGE) as f64
}

/// What the memories of a module begin with, in bytes; -1 for what is no module of the function's folder.
#[op2(nofast)]
pub fn op_wasm_demand<'s>(scope: &mut v8::PinScope<'s, '_>, module: v8::Local<'s, v8::Value>) -> f64 {
    compile::demand(scope, module).map_or(-1.0, |bytes| bytes as f64)
}
