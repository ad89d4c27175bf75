//! Making versions of functions: reading, preparing, numbering.

use std::sync::Arc;

use jiff::Timestamp;

use super::folder::{self, Found};
use super::prepare::{PrepareLimits, prepare};
use crate::diagnostic::Diagnostics;
use crate::function::Program;
use crate::manifest::{Manifest, ParseOptions};
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
    let manifest = Manifest::load(&found.dir, &ParseOptions::default())?;
    let mut env = manifest.env.clone();
    env.extend(manifest.resolve_secrets()?.into_map());
    let files = folder::read(&found.dir)?;
    let digest = files.digest.clone();
    let bundle = prepare(&found.dir, &manifest, files, env.clone(), limits)?;
    Ok(Program::new(manifest, version, digest, bundle, env))
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

/// Whether going from one manifest to the other needs another subscription.
pub fn reads_differently(old: &Manifest, new: &Manifest) -> bool {
    (&old.source.topics, &old.source.group) != (&new.source.topics, &new.source.group)
}
