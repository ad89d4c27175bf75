//! Making versions of functions: reading, preparing, numbering.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::folder::{self, Files, Found};
use super::prepare::{PrepareLimits, Preparer};
use super::service::Stopping;
use crate::diagnostic::Diagnostics;
use crate::function::Program;
use crate::manifest::{Manifest, Order, Topics};
use crate::pipeline::{Output, Sinks, Version};

/// Numbers versions by the time of loading, in milliseconds, and never twice.
#[derive(Debug, Default)]
pub struct Numbers {
    last: u64,
}

impl Numbers {
    pub fn next(&mut self) -> u64 {
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
        self.last = now.max(self.last + 1);
        self.last
    }
}

/// Reads the function in `found`, which takes no process.
pub fn read(found: &Found, version: u64, limits: &PrepareLimits) -> Result<(Program, Files), Diagnostics> {
    let manifest = Manifest::load(&found.dir, &limits.parsing())?;
    let mut env = manifest.env.clone();
    env.extend(manifest.resolve_secrets()?.into_map());
    let files = folder::read(&found.dir)?;
    Ok((Program::unprepared(manifest, version, files.digest.clone(), env), files))
}

/// Reads and prepares the function in `found`. Takes as long as evaluating the modules, and for the first as starting a
/// process.
pub fn load(found: &Found, version: u64, preparer: &mut Preparer<'_>) -> Result<Program, Diagnostics> {
    let (program, files) = read(found, version, preparer.limits())?;
    let bundle = preparer.prepare(&found.dir, &program.manifest, files, program.env().clone())?;
    program.prepare(bundle);
    Ok(program)
}

/// Prepares what was only read before. Returns whether it is prepared now: the folder may hold something else by now,
/// which is then about to come.
pub fn prepare(dir: &Path, program: &Program, preparer: &mut Preparer<'_>) -> Result<bool, Diagnostics> {
    if program.is_prepared() {
        return Ok(true);
    }
    let files = folder::read(dir)?;
    if files.digest != program.digest {
        return Ok(false);
    }
    let bundle = preparer.prepare(dir, &program.manifest, files, program.env().clone())?;
    program.prepare(bundle);
    Ok(true)
}

/// Does something with each of several functions, some at once, until the node stops: what is left then is left out. Each
/// of the threads that do it has a `worker` of its own.
pub fn with_all<'f, T: Sync, R: Send, W: FnMut(&'f T) -> R>(
    functions: &'f [T],
    stopping: &Stopping,
    worker: impl Fn() -> W + Sync,
) -> Vec<(&'f T, R)> {
    let at_once = std::thread::available_parallelism().map_or(2, usize::from).min(functions.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut work = worker();
        let mut done = Vec::new();
        while !stopping.has_begun()
            && let Some(function) = functions.get(next.fetch_add(1, Ordering::Relaxed))
        {
            done.push((function, work(function)));
        }
        done
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    })
}

/// The same function with all its topics looked up. They exist.
pub fn resolve(program: &Arc<Program>, sinks: &Arc<Sinks>) -> crate::kafka::Result<Arc<Version>> {
    let output = |topic: &str| -> crate::kafka::Result<Option<Output>> {
        if topic.is_empty() { Ok(None) } else { sinks.output(topic).map(Some) }
    };
    let outputs = program.outputs().iter().map(|topic| output(topic)).collect::<crate::kafka::Result<_>>()?;
    let letters = &program.manifest.dead_letter;
    let dead_letter = if letters.enabled { output(&letters.topic)? } else { None };
    Ok(Arc::new(Version { program: Arc::clone(program), outputs, dead_letter }))
}

/// What a position belongs to; with another source or group it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    topics: Topics,
    group: String,
}

impl Reading {
    pub fn of(manifest: &Manifest) -> Reading {
        Reading { topics: manifest.source.topics.clone(), group: manifest.source.group.clone() }
    }
}

/// What records wait in while a function runs; where it changes, they are read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Lanes {
    order: Order,
    concurrency: u32,
}

impl Lanes {
    pub fn of(manifest: &Manifest) -> Lanes {
        Lanes { order: manifest.delivery.order, concurrency: manifest.delivery.concurrency }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn stopping_ends_loading_between_two_functions() {
        let at_once = std::thread::available_parallelism().map_or(2, usize::from);
        let functions: Vec<usize> = (0..at_once * 3).collect();
        let stopping = Stopping::default();
        let loaded = with_all(&functions, &stopping, || |_: &usize| stopping.begin(Duration::from_secs(1)));
        assert!((1..=at_once).contains(&loaded.len()), "{}", loaded.len());
    }
}
