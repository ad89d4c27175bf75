//! Making versions of functions: reading, preparing, numbering.

use std::sync::Arc;

use jiff::Timestamp;

use super::folder::{self, Found};
use super::prepare::{PrepareLimits, prepare};
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

/// Reads and prepares the function in `found`. Takes as long as starting a process and evaluating the modules.
pub fn load(found: &Found, version: u64, limits: &PrepareLimits) -> Result<Program, Diagnostics> {
    let manifest = Manifest::load(&found.dir, &limits.parsing())?;
    let mut env = manifest.env.clone();
    env.extend(manifest.resolve_secrets()?.into_map());
    let files = folder::read(&found.dir)?;
    let digest = files.digest.clone();
    let bundle = prepare(&found.dir, &manifest, files, env.clone(), limits)?;
    Ok(Program::new(manifest, version, digest, bundle, env))
}

/// Loads several functions, some at once, until the node stops: what is left then is not loaded any more.
pub fn load_all(
    changed: &[Found],
    numbers: &mut Numbers,
    stopping: &Stopping,
    load: impl Fn(&Found, u64) -> Result<Program, Diagnostics> + Sync,
) -> Vec<(Found, Result<Program, Diagnostics>)> {
    let numbered: Vec<(&Found, u64)> = changed.iter().map(|found| (found, numbers.next())).collect();
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let mut loaded = Vec::with_capacity(changed.len());
    for some in numbered.chunks(at_once) {
        if stopping.has_begun() {
            break;
        }
        std::thread::scope(|scope| {
            let load = &load;
            let threads: Vec<_> =
                some.iter().map(|(found, version)| scope.spawn(move || load(found, *version))).collect();
            for ((found, _), thread) in some.iter().zip(threads) {
                if let Ok(result) = thread.join() {
                    loaded.push(((*found).clone(), result));
                }
            }
        });
    }
    loaded
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
    fn stopping_ends_loading_between_two_handfuls() {
        let at_once = std::thread::available_parallelism().map_or(2, usize::from);
        let changed: Vec<Found> =
            (0..at_once * 3).map(|n| Found { name: format!("f{n}"), dir: format!("f{n}").into(), stamp: 1 }).collect();
        let stopping = Stopping::default();
        let loaded = load_all(&changed, &mut Numbers::default(), &stopping, |_, _| {
            stopping.begin(Duration::from_secs(1));
            Err(Diagnostics::new())
        });
        assert_eq!(loaded.len(), at_once);
    }
}
