//! Checking functions without Kafka: manifests are parsed, handlers prepared in short-lived children.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::folder::{self, Found};
use super::prepare::{PrepareLimits, Preparer};
use crate::diagnostic::Diagnostics;
use crate::manifest::{Manifest, check_together};
use crate::protocol::control::{Bundle, Handler};

/// What is to be said of one function.
#[derive(Debug)]
pub struct FunctionReport {
    pub name: String,
    pub dir: PathBuf,
    pub diagnostics: Diagnostics,
    pub manifest: Option<Manifest>,
    pub handler: Option<Handler>,
    /// What a digest of all its files makes of it.
    pub digest: String,
    pub bundle: Option<Bundle>,
}

/// Checks every function below `root`, and that they fit together. Secrets need not be there.
pub fn check_folder(root: &Path, limits: &PrepareLimits) -> std::io::Result<Vec<FunctionReport>> {
    let found = folder::scan(root)?;
    let mut reports: Vec<FunctionReport> = found.iter().map(|found| check_function(found, limits)).collect();
    let together: Vec<(&Path, &Manifest)> = reports
        .iter()
        .filter_map(|report| report.manifest.as_ref().map(|manifest| (report.dir.as_path(), manifest)))
        .collect();
    let mistakes = check_together(&together);
    for mistake in mistakes.iter() {
        if let Some(report) = reports.iter_mut().find(|report| mistake.file.starts_with(&report.dir)) {
            report.diagnostics.push(mistake.clone());
        }
    }
    Ok(reports)
}

/// Checks one function on its own.
pub fn check_function(found: &Found, limits: &PrepareLimits) -> FunctionReport {
    let mut report = FunctionReport {
        name: found.name.clone(),
        dir: found.dir.clone(),
        diagnostics: Diagnostics::new(),
        manifest: None,
        handler: None,
        digest: String::new(),
        bundle: None,
    };
    let manifest = match Manifest::load(&found.dir, &limits.parsing()) {
        Ok(manifest) => manifest,
        Err(mistakes) => {
            report.diagnostics = mistakes;
            return report;
        }
    };
    let placeholder = |name: &String| (name.clone(), String::new());
    let secrets: BTreeMap<String, String> = manifest.secrets.keys().map(placeholder).collect();
    let env = manifest.env.clone().into_iter().chain(secrets).collect();
    let prepared = folder::read(&found.dir).and_then(|files| {
        report.digest.clone_from(&files.digest);
        Preparer::new(limits).prepare(&found.dir, &manifest, files, env)
    });
    match prepared {
        Ok(bundle) => {
            report.handler = Some(bundle.handler);
            report.bundle = Some(bundle);
        }
        Err(mistakes) => report.diagnostics = mistakes,
    }
    report.manifest = Some(manifest);
    report
}
