//! An isolate that has no function yet. It can be made before anybody asks for it, so that a function need not wait for
//! it; it has seen nobody's code, and once it is given to a function it is that one's for the rest of its life.

use std::rc::Rc;
use std::sync::Arc;

use deno_core::v8;
use deno_web::StartTime;

use super::arena::{Arena, Settings};
use super::charges::Charges;
use super::engine::{self, Engine, glue_function};
use super::limits::{self, Guard};
use super::loader::BundleLoader;
use super::memory::{self, Account};
use super::native::Native;
use super::outbox::Outbox;
use super::rest;
use super::struck::{self, Watch};
use crate::protocol::control::{Code, Limits, Load};

/// What V8 has to know of a function before it makes the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub heap_bytes: u64,
    pub external_bytes: u64,
}

impl Size {
    pub fn of(limits: &Limits) -> Size {
        Size { heap_bytes: limits.heap_bytes, external_bytes: limits.external_bytes }
    }
}

pub struct Blank {
    engine: Engine,
    loader: Rc<BundleLoader>,
    guard: Arc<Guard>,
}

/// An isolate that is a function's, before anything of the function has run.
pub struct Given {
    pub engine: Engine,
    pub arena: Rc<Arena>,
    pub guard: Arc<Guard>,
    pub charges: Rc<Charges>,
}

impl Blank {
    /// Makes one on the calling thread, which must be inside `native`'s runtime.
    pub fn make(size: Size, native: Arc<Native>) -> Result<Blank, String> {
        let account = Account::new(size.external_bytes as usize, size.heap_bytes as usize);
        let guard = Guard::new(account, native);
        let loader = Rc::new(BundleLoader::default());
        let engine = engine::create(size, loader.clone(), &guard)?;
        Ok(Blank { engine, loader, guard })
    }

    pub fn guard(&self) -> &Arc<Guard> {
        &self.guard
    }

    /// Nobody has wanted it for a while: gives back what it does not need until somebody does.
    pub fn rest(&mut self) {
        rest::tidy(self.engine.runtime.v8_isolate());
    }

    /// Makes it the isolate of a function of its size: from here on its time and memory are the function's.
    pub fn give_to(self, channel: u32, load: &Load, outbox: &Arc<Outbox>) -> Result<Given, String> {
        let Blank { mut engine, loader, guard } = self;
        let settings = Settings { channel, topics: load.topics.clone(), limits: load.limits };
        let arena = Rc::new(Arena::new(settings, outbox.clone()));
        let charges = Charges::new(arena.clone(), &guard);
        {
            let state = engine.runtime.op_state();
            let mut state = state.borrow_mut();
            state.put(arena.clone());
            state.put(StartTime::default());
        }
        loader.serve(&load.function, &load.bundle);
        let context = engine.runtime.main_context();
        struck::prepare(Watch { context, guard: guard.clone(), charges: charges.clone() });
        limits::watch(&guard);
        {
            deno_core::scope!(scope, engine.runtime);
            memory::start(scope, guard.memory());
            let glue = v8::Local::new(scope, &engine.glue);
            let stringify = glue_function(scope, glue, "stringify")?;
            arena.stringify.set(v8::Global::new(scope, stringify));
        }
        if load.bundle.modules.iter().any(|module| matches!(module.code, Code::Binary(_))) {
            engine.expect_wasm()?;
        }
        Ok(Given { engine, arena, guard, charges })
    }
}
