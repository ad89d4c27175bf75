//! One function of the folder, checked and prepared for a command that runs it itself.

use std::{path::Path, sync::Arc};

use super::{
    exit,
    failure::{Failure, What},
};
use crate::{
    control::{self, Found, PrepareLimits},
    function::Program,
    manifest::{Manifest, check_function_name},
};

/// The function in this folder with its secrets, under its name, and with its manifest as `change` leaves it.
pub(super) fn load(
    dir: &Path,
    name: &str,
    limits: &PrepareLimits,
    change: impl FnOnce(&mut Manifest),
) -> anyhow::Result<Arc<Program>> {
    // The name counts, not the place: a shell may have completed it to a path.
    if let Err(problem) = check_function_name(name) {
        return Err(Failure::new(exit::USAGE, format!("{name:?} is no name of a function: {problem}"))
            .with_hint("give its name alone; --functions names the folder that it is in")
            .into());
    }
    if !dir.is_dir() {
        let functions = dir.parent().unwrap_or(dir);
        return Err(Failure::new(exit::FAILURE, format!("there is no function {name:?} in {}", functions.display()))
            .with_hint("`eddyline graph` lists the functions; --functions names another folder")
            .into());
    }
    let report = control::check_function(&Found { name: name.to_owned(), dir: dir.to_owned(), stamp: 0 }, limits);
    let broken = |found| Failure { exit: exit::BAD_FUNCTIONS, what: What::Diagnostics(found) };
    let (Some(mut manifest), Some(bundle)) = (report.manifest, report.bundle) else {
        return Err(broken(report.diagnostics).into());
    };
    // A version may lie in a folder of another name.
    name.clone_into(&mut manifest.name);
    let secrets = manifest.resolve_secrets().map_err(broken)?;
    let env = manifest.env.clone().into_iter().chain(secrets.into_map()).collect();
    let version = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    change(&mut manifest);
    Ok(Arc::new(Program::new(manifest, version, report.digest, bundle, env)))
}
