//! Which version of a function a replay runs through.
//!
//! Nodes run what is in their folder, and nothing keeps older versions of it. So a version is named by a folder that holds
//! it, a checkout for example; or, to be sure of what runs, by the digest of what the folder holds now.

use std::{path::Path, sync::Arc};

use super::desk::Desk;
use crate::{
    cli::{exit, failure::Failure, loading::load as load_from},
    control::PrepareLimits,
    function::Program,
    manifest::MANIFEST_FILE,
    node::worker_command,
};

/// Characters of a digest that tell versions apart, for people.
const SHORT: usize = 12;
const LEAST: usize = 7;

/// Loads the function as it is in the folder of functions, or the version that was asked for.
pub(super) fn load(desk: &Desk<'_>, function: &str, version: Option<&str>) -> anyhow::Result<Arc<Program>> {
    let limits = PrepareLimits::new(worker_command(&desk.config)?, desk.config.limits.clone());
    let current = desk.config.functions.path.join(function);
    let Some(version) = version else { return load_from(&current, function, &limits, |_| {}) };
    let given = Path::new(version);
    for folder in [given.to_owned(), given.join(function)] {
        if folder.join(MANIFEST_FILE).is_file() {
            return load_from(&folder, function, &limits, |_| {});
        }
    }
    let is_digest = version.len() >= LEAST && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_digest {
        let message = format!("{version:?} is neither a folder with a function nor a digest");
        return Err(Failure::new(exit::USAGE, message).with_hint(HINT).into());
    }
    let program = load_from(&current, function, &limits, |_| {})?;
    if !program.digest.starts_with(&version.to_ascii_lowercase()) {
        let message = format!("{} holds version {}, not {version}", current.display(), short(&program.digest));
        return Err(Failure::new(exit::FAILURE, message).with_hint(HINT).into());
    }
    Ok(program)
}

const HINT: &str = "name a folder that holds the version, such as a checkout of it, or at least seven characters of the \
                    digest that `/api/v1/functions` shows";

pub(super) fn short(digest: &str) -> &str {
    digest.get(..SHORT).unwrap_or(digest)
}
