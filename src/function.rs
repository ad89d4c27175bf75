//! A function that is ready to run: its manifest, its prepared modules, and the version they make.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use crate::fetch::Grants;
use crate::manifest::Manifest;
use crate::protocol::control::{Bundle, Handler, Limits, Load};

/// One loaded version of a function. Immutable and shared.
#[derive(Debug)]
pub struct Program {
    pub manifest: Manifest,
    /// Grows with each load.
    pub version: u64,
    /// Of the folder's content; two loads of the same files share it.
    pub digest: String,
    /// What an isolate is told, secrets included, once the modules are prepared.
    load: OnceLock<Load>,
    env: BTreeMap<String, String>,
    /// What its isolates may fetch. They are not told.
    grants: Grants,
    /// Topics that results may go to, by the number that a result names: the sink first.
    outputs: Vec<String>,
}

impl Program {
    /// `env` holds the manifest's variables and its resolved secrets.
    pub fn new(
        manifest: Manifest,
        version: u64,
        digest: String,
        bundle: Bundle,
        env: BTreeMap<String, String>,
    ) -> Program {
        let program = Program::unprepared(manifest, version, digest, env);
        program.prepare(bundle);
        program
    }

    /// One that cannot run before its modules are prepared.
    pub fn unprepared(manifest: Manifest, version: u64, digest: String, env: BTreeMap<String, String>) -> Program {
        let mut outputs = vec![manifest.sink.topic.clone().unwrap_or_default()];
        outputs.extend(manifest.sink.also.iter().cloned());
        let permissions = &manifest.permissions;
        let grants = Grants { net: permissions.net.clone(), private_net: permissions.private_net.clone() };
        Program { manifest, version, digest, load: OnceLock::new(), env, grants, outputs }
    }

    pub fn prepare(&self, bundle: Bundle) {
        self.load.get_or_init(|| Load {
            function: self.manifest.name.clone(),
            version: self.version,
            bundle,
            topics: self.outputs.clone(),
            env: self.env.clone(),
            limits: limits(&self.manifest),
            stop_on_failure: !self.manifest.dead_letter.enabled,
        });
    }

    pub fn is_prepared(&self) -> bool {
        self.load.get().is_some()
    }

    /// The manifest's variables and its resolved secrets.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Of one that runs.
    pub fn handler(&self) -> Handler {
        self.load().bundle.handler
    }

    /// Not known before it is prepared.
    pub fn known_handler(&self) -> Option<Handler> {
        Some(self.load.get()?.bundle.handler)
    }

    /// Of one that runs.
    pub fn load(&self) -> &Load {
        self.load.get().expect("nothing runs before it is prepared")
    }

    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// By number; the first is empty where the function has no sink.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }
}

fn limits(manifest: &Manifest) -> Limits {
    let limits = &manifest.limits;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Limits {
        cpu_ms: millis(limits.cpu),
        wall_ms: millis(limits.wall),
        heap_bytes: limits.heap,
        external_bytes: limits.external,
        output_bytes: limits.output,
        results: limits.results,
        log_bytes: limits.log,
        timers: limits.timers,
        fetches: limits.fetches,
        load_ms: millis(limits.load),
    }
}
