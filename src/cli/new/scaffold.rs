//! The files of a new function, written so that a node that watches the folder sees all or nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::templates::{COMPILER_SETTINGS, TYPES, Template};
use crate::{
    cli::{exit, failure::Failure},
    manifest::MANIFEST_FILE,
};

const TYPES_FILE: &str = "eddyline.d.ts";
const COMPILER_SETTINGS_FILE: &str = "tsconfig.json";

/// Writes the function and, where they are missing, the files beside it; gives the paths of what was written.
pub(super) fn write(path: &Path, name: &str, template: &Template) -> anyhow::Result<Vec<PathBuf>> {
    let folder = path.join(name);
    if folder.symlink_metadata().is_ok() {
        return Err(Failure::new(exit::FAILURE, format!("{} exists already", folder.display()))
            .with_hint("choose another name, or remove it first")
            .into());
    }
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    let result = fill(&folder, name, template).with_context(|| format!("cannot write {}", folder.display()));
    if result.is_err() {
        let _ = fs::remove_dir_all(&folder);
    }
    result?;
    let mut written: Vec<PathBuf> = template.files.iter().map(|file| folder.join(file.0)).collect();
    written.extend(write_helpers(path)?);
    Ok(written)
}

/// A folder becomes a function with its manifest, so that comes last.
fn fill(folder: &Path, name: &str, template: &Template) -> io::Result<()> {
    fs::create_dir(folder)?;
    let (manifest, others): (Vec<_>, Vec<_>) = template.files.iter().partition(|file| file.0 == MANIFEST_FILE);
    for (file, text) in others.into_iter().chain(manifest) {
        fs::write(folder.join(file), text.replace("{{name}}", name))?;
    }
    Ok(())
}

/// The types belong to this version of Eddyline and are kept up to date; the compiler's settings are the user's.
fn write_helpers(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let settings = path.join(COMPILER_SETTINGS_FILE);
    let types = path.join(TYPES_FILE);
    let mut written = Vec::new();
    let has_settings = match fs::read_to_string(&settings) {
        // Declared twice, the types would contradict themselves.
        Ok(found) if found.contains(&format!("/{TYPES_FILE}")) => return Ok(written),
        Ok(_) => true,
        Err(_) => settings.exists(),
    };
    if !fs::read_to_string(&types).is_ok_and(|found| found == TYPES) {
        fs::write(&types, TYPES).with_context(|| format!("cannot write {}", types.display()))?;
        written.push(types);
    }
    if !has_settings {
        fs::write(&settings, COMPILER_SETTINGS).with_context(|| format!("cannot write {}", settings.display()))?;
        written.push(settings);
    }
    Ok(written)
}
