//! Loads a function into a blank isolate.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::arena::Arena;
use super::blank::{Blank, Given};
use super::charges::Charges;
use super::engine::Engine;
use super::glue::{self, Glue, Identity};
use super::handler;
use super::limits::Guard;
use super::outbox::Outbox;
use super::problem::problem;
use crate::protocol::control::{Handler, Load, Problem};

/// A loaded function, ready to be called.
pub struct Ready {
    pub engine: Engine,
    pub arena: Rc<Arena>,
    pub guard: Arc<Guard>,
    pub charges: Rc<Charges>,
    pub glue: Glue,
    pub handler: Handler,
}

/// The isolate itself could not be made.
pub fn internal(message: String) -> Box<Problem> {
    problem("E1206", message, None, "raise `heap` in [limits]")
}

/// Loads a function into an isolate.
pub async fn prepare(blank: Blank, channel: u32, load: &Load, outbox: &Arc<Outbox>) -> Result<Ready, Box<Problem>> {
    let Given { mut engine, arena, guard, charges } = blank.give_to(channel, load, outbox).map_err(internal)?;
    let identity =
        Identity { function: &load.function, version: load.version, env: &load.env, timers: load.limits.timers };
    {
        deno_core::scope!(scope, engine.runtime);
        glue::start(scope, &engine.glue, &identity).map_err(internal)?;
    }
    let allowed = Duration::from_millis(load.limits.load_ms);
    let exported = handler::load(&mut engine, &guard, &load.function, &load.bundle.entry, allowed).await?;
    let glue = {
        deno_core::scope!(scope, engine.runtime);
        Glue::new(scope, &engine.glue, &exported).map_err(internal)?
    };
    Ok(Ready { engine, arena, guard, charges, glue, handler: exported.kind })
}
