//! Functions in folders, as far as the command line looks at them. (Replaced by the control plane.)

use std::path::{Path, PathBuf};

use crate::{
    diagnostic::Diagnostics,
    manifest::{MANIFEST_FILE, Manifest, ParseOptions, check_together},
    protocol::control::Handler,
};

#[derive(Clone, Debug, Default)]
pub struct PrepareLimits {}

pub struct FunctionReport {
    pub name: String,
    pub dir: PathBuf,
    pub diagnostics: Diagnostics,
    pub manifest: Option<Manifest>,
    pub handler: Option<Handler>,
}

pub fn check_folder(path: &Path, _limits: &PrepareLimits) -> Vec<FunctionReport> {
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|dir| dir.join(MANIFEST_FILE).exists())
        .collect();
    dirs.sort();
    let mut reports: Vec<FunctionReport> = dirs
        .into_iter()
        .map(|dir| {
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match Manifest::load(&dir, &ParseOptions::default()) {
                Ok(manifest) => FunctionReport {
                    name,
                    dir,
                    diagnostics: Diagnostics::new(),
                    manifest: Some(manifest),
                    handler: None,
                },
                Err(diagnostics) => FunctionReport { name, dir, diagnostics, manifest: None, handler: None },
            }
        })
        .collect();
    let pairs: Vec<(&Path, &Manifest)> = reports
        .iter()
        .filter_map(|report| Some((report.dir.as_path(), report.manifest.as_ref()?)))
        .collect();
    let together = check_together(&pairs);
    if let Some(last) = reports.last_mut() {
        last.diagnostics.extend(together);
    }
    reports
}
