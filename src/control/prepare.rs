//! From functions' files to modules that an isolate can load, in children that live only for this.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::folder::Files;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceText, codes};
use crate::manifest::{Allowance, ENTRY_FILES, Manifest, ParseOptions};
use crate::pool::{HELLO, Link, LinkError, WorkerCommand};
use crate::protocol::control::{Bundle, Prepare, Prepared, Problem};

/// What preparing one function may take.
#[derive(Debug, Clone)]
pub struct PrepareLimits {
    pub command: WorkerCommand,
    /// Beyond the function's own time to load: starting a process, reading, transpiling.
    pub patience: Duration,
    /// What the node lets functions use.
    pub allowance: Allowance,
    /// The broker has no transactions.
    pub embedded: bool,
}

impl PrepareLimits {
    pub fn new(command: WorkerCommand, allowance: Allowance) -> PrepareLimits {
        PrepareLimits { command, patience: Duration::from_secs(30), allowance, embedded: false }
    }

    /// How manifests are to be read.
    pub fn parsing(&self) -> ParseOptions {
        ParseOptions { allowance: self.allowance.clone(), without_transactions: self.embedded }
    }
}

/// Most functions that one child prepares: what they leave behind in it is not to add up.
const MOST: u64 = 64;

/// Prepares functions one after the other, those of one tenant in the same child, since they may share workers when they
/// run. A child that dies or stalls in the middle costs nobody but the function that was at fault: whoever was not the
/// first in it is tried again in a fresh one.
pub struct Preparer<'a> {
    limits: &'a PrepareLimits,
    child: Option<Child>,
}

struct Child {
    link: Arc<Link>,
    tenant: Option<String>,
    prepared: u64,
}

impl<'a> Preparer<'a> {
    pub fn new(limits: &'a PrepareLimits) -> Preparer<'a> {
        Preparer { limits, child: None }
    }

    pub fn limits(&self) -> &'a PrepareLimits {
        self.limits
    }

    /// Transpiles, links and tries out the modules of the function in `dir`.
    pub fn prepare(
        &mut self,
        dir: &Path,
        manifest: &Manifest,
        files: Files,
        env: BTreeMap<String, String>,
    ) -> Result<Bundle, Diagnostics> {
        let entry = ENTRY_FILES.iter().find(|entry| files.sources.iter().any(|file| file.path == **entry));
        let Some(entry) = entry else {
            let message = "the function has no handler module";
            let hint = format!("add {}", ENTRY_FILES.join(" or "));
            return Err(Diagnostic::error(codes::NO_ENTRY, dir, message).with_hint(hint).into());
        };
        let mut request = Prepare {
            id: 0,
            function: manifest.name.clone(),
            files: files.sources,
            entry: (*entry).to_owned(),
            load_ms: manifest.limits.load.as_millis() as u64,
            heap_bytes: manifest.limits.heap,
            external_bytes: manifest.limits.external,
            env,
        };
        match self.ask(&mut request, manifest) {
            Ok(prepared) => prepared.result.map_err(|problem| diagnostic(dir, &request, &problem)),
            Err(error) => {
                let message = format!("the handler could not be tried out: {error}");
                let hint = "a module that brings its own process down or never ends loading cannot run";
                Err(Diagnostic::error(codes::LOAD_LIMIT, dir.join(entry), message).with_hint(hint).into())
            }
        }
    }

    fn ask(&mut self, request: &mut Prepare, manifest: &Manifest) -> Result<Prepared, LinkError> {
        loop {
            let mut child = self.child_for(manifest.tenant.as_ref())?;
            child.prepared += 1;
            request.id = child.prepared;
            let answer = child.link.prepare(request, self.limits.patience + manifest.limits.load);
            let is_first = child.prepared == 1;
            match answer {
                Ok(prepared) => {
                    // One in which something went wrong is not used again.
                    if prepared.result.is_ok() && child.prepared < MOST {
                        self.child = Some(child);
                    }
                    return Ok(prepared);
                }
                Err(error) if is_first => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn child_for(&mut self, tenant: Option<&String>) -> Result<Child, LinkError> {
        if let Some(child) = self.child.take().filter(|child| child.tenant.as_ref() == tenant) {
            return Ok(child);
        }
        let link = Link::start(&self.limits.command, |_| {})?;
        let child = Child { link, tenant: tenant.cloned(), prepared: 0 };
        child.link.wait_ready(HELLO)?;
        Ok(child)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.link.close();
    }
}

/// The worker's words as a diagnostic in the user's own file.
fn diagnostic(dir: &Path, request: &Prepare, problem: &Problem) -> Diagnostics {
    let code = codes::known(&problem.code).unwrap_or(codes::LOAD_FAILED);
    let file: PathBuf = dir.join(problem.file.as_deref().unwrap_or(&request.entry));
    let relative = problem.file.as_deref().unwrap_or_default();
    let text = request.files.iter().find(|source| source.path == relative);
    let text = text.and_then(|source| std::str::from_utf8(&source.bytes).ok());
    let diagnostic = match (text, problem.line) {
        (Some(text), Some(line)) => {
            let source = SourceText::new(file, text);
            let span = span_at(text, line, problem.column.unwrap_or(1));
            Diagnostic::error_at(code, &source, span, &problem.message)
        }
        _ => Diagnostic::error(code, file, &problem.message),
    };
    diagnostic.with_optional_hint(problem.hint.clone()).into()
}

/// From a place to the end of the word that stands there.
fn span_at(text: &str, line: u32, column: u32) -> std::ops::Range<usize> {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1) as usize).map(str::len).sum();
    let line = text[before..].lines().next().unwrap_or_default();
    let start = line.char_indices().nth(column.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at);
    let rest = &line[start..];
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len()).max(1);
    let end = (start + word).min(line.len()).max(start);
    before + start..before + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_covers_the_word_that_stands_there() {
        let text = "const a = 1;\nconst größe = wrong;\n";
        let span = span_at(text, 2, 15);
        assert_eq!(&text[span], "wrong");
        assert_eq!(span_at(text, 99, 99), text.len()..text.len());
        assert_eq!(&text[span_at(text, 1, 12)], ";");
    }
}
