//! What the pool wants of its user, in the small: programs to load, and a host that serves no calls.

use std::sync::Arc;
use std::time::Duration;

use eddyline::function::Program;
use eddyline::manifest::{Manifest, Topics};
use eddyline::pool::{Calls, Host, Line};
use eddyline::protocol::control::Load;

/// A program that is loaded as `load` says.
pub fn program(load: &Load) -> Program {
    let mut manifest = Manifest::new(&load.function, Topics::Named(vec!["in".to_owned()]));
    manifest.sink.topic = load.topics.first().cloned();
    manifest.sink.also = load.topics.iter().skip(1).cloned().collect();
    let limits = &load.limits;
    manifest.limits.cpu = Duration::from_millis(limits.cpu_ms);
    manifest.limits.wall = Duration::from_millis(limits.wall_ms);
    manifest.limits.load = Duration::from_millis(limits.load_ms);
    manifest.limits.heap = limits.heap_bytes;
    manifest.limits.external = limits.external_bytes;
    Program::new(manifest, load.version, String::new(), load.bundle.clone(), load.env.clone())
}

#[derive(Debug)]
pub struct Nobody;

impl Host for Nobody {
    fn serve(&self, _: &Program, _: Line) -> Arc<dyn Calls> {
        Arc::new(Nobody)
    }
}

impl Calls for Nobody {
    fn call(&self, _: &[u8]) -> Result<(), String> {
        Err("nobody serves calls here".to_owned())
    }

    fn close(&self) {}
}
