//! From the text of a `function.toml` to a checked manifest, or to all its mistakes.

use std::path::Path;

use super::{
    Allowance, MANIFEST_FILE, Manifest, Places, Topics, filters, limits,
    names::{self, check_function_name},
    permissions, sections, sinks, variables,
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, codes},
    document::Document,
};

/// More than this is no manifest; refusing it keeps a wrong file from filling our memory.
const MAX_BYTES: u64 = 1 << 20;

/// What a manifest is read for.
#[derive(Clone, Debug, Default)]
pub struct ParseOptions {
    /// The broker has no transactions: it is the embedded one.
    pub without_transactions: bool,
    /// What the node lets functions use.
    pub allowance: Allowance,
}

impl Manifest {
    /// Reads the manifest of the function in `folder`, whose name is the function's.
    pub fn load(folder: &Path, options: &ParseOptions) -> Result<Self, Diagnostics> {
        let file = folder.join(MANIFEST_FILE);
        let text = read(&file)?;
        let named = folder.file_name().map(ToOwned::to_owned).or_else(|| {
            let whole = folder.canonicalize().ok()?;
            whole.file_name().map(ToOwned::to_owned)
        });
        let name = named.unwrap_or_default();
        Manifest::parse(&file, &name.to_string_lossy(), &text, options)
    }

    /// Parses the text of a manifest; `file` is only what diagnostics call it.
    pub fn parse(file: &Path, function: &str, text: &str, options: &ParseOptions) -> Result<Self, Diagnostics> {
        let mut mistakes = Diagnostics::new();
        if let Err(reason) = check_function_name(function) {
            let message = format!("{function:?} cannot be a function's name: {reason}");
            mistakes.push(
                Diagnostic::error(codes::FUNCTION_NAME, file, message)
                    .with_hint("rename the folder; a function is called like its folder"),
            );
        }
        let document = match Document::parse(file, text, &is_secret) {
            Ok(document) => document,
            Err(syntax) => {
                mistakes.extend(syntax);
                return Err(mistakes);
            }
        };
        let mut manifest = Manifest::new(function, Topics::Named(Vec::new()));
        read_root(&document, &mut manifest, options);
        refuse_skipping_into_nothing(&document, &manifest);
        let (source, spans, found) = document.finish();
        mistakes.extend(found);
        manifest.places = Places::new(source, spans);
        mistakes.or_value(manifest)
    }
}

fn read_root(document: &Document, manifest: &mut Manifest, options: &ParseOptions) {
    let mut root = document.root();
    if let Some(value) = root.value("tenant") {
        manifest.tenant = names::tenant(&value);
    }
    let sources = sections::source(&mut root, &mut manifest.source);
    manifest.filter = filters::filters(&mut root);
    sections::batch(&mut root, &mut manifest.batch);
    let mut written = sinks::sink(&mut root, &mut manifest.sink);
    sections::delivery(&mut root, &mut manifest.delivery, options);
    sections::retry(&mut root, &mut manifest.retry);
    written.extend(sinks::dead_letter(&mut root, &mut manifest.dead_letter));
    sinks::refuse_own(manifest, &sources, &written);
    manifest.limits = limits::read(&mut root, &options.allowance);
    permissions::read(&mut root, &mut manifest.permissions);
    variables::read(&mut root, &mut manifest.env, &mut manifest.secrets);
    root.refuse_unknown();
}

/// What is skipped goes to the dead letter; without one it would be lost, or stop its partition for ever.
fn refuse_skipping_into_nothing(document: &Document, manifest: &Manifest) {
    if manifest.source.skip_older_than.is_none() || manifest.dead_letter.enabled {
        return;
    }
    let mut root = document.root();
    let mut value = |table, key| root.table(table).and_then(|mut table| table.value(key));
    let (Some(skip), Some(enabled)) = (value("source", "skip-older-than"), value("dead-letter", "enabled")) else {
        return;
    };
    let message = "`source.skip-older-than` needs the dead letter, which `dead-letter.enabled = false` turns off";
    let mistake = skip.error(codes::EXCLUSIVE_KEYS, message).with_hint("keep one of them");
    skip.note(mistake.with_related(enabled.related("it is turned off here")));
}

/// Whatever stands below `[secrets]`, also where it is misspelt or misplaced,
/// is secret, except where the secrets are to be found.
fn is_secret(key: &str) -> bool {
    let mut parts = key.split('.').skip_while(|part| !part.contains("secret"));
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some("env" | "file")) => parts.next().is_some(),
        (Some(_), _, _) => true,
        (None, _, _) => false,
    }
}

fn read(file: &Path) -> Result<String, Diagnostics> {
    let unreadable = |message: String| Diagnostic::error(codes::UNREADABLE, file, message);
    let metadata = std::fs::metadata(file).map_err(|error| {
        unreadable(format!("cannot read `{}`: {error}", file.display()))
            .with_hint("every function's folder holds a function.toml with at least its source")
    })?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        let message = format!("`{}` is no file of at most 1MiB", file.display());
        return Err(unreadable(message).into());
    }
    let bytes =
        std::fs::read(file).map_err(|error| unreadable(format!("cannot read `{}`: {error}", file.display())))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("`{}` is not UTF-8 at byte {at}", file.display());
        unreadable(message).with_hint("save it as UTF-8").into()
    })
}
