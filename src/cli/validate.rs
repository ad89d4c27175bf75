//! `eddyline validate`: checks functions without Kafka.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::{args::NodeFlags, context::Context, exit, failure::Failure};
use crate::{
    control::{self, Found, FunctionReport, PrepareLimits},
    diagnostic::Severity,
    manifest::{Allowance, MANIFEST_FILE, Manifest, Topics},
    pool::WorkerCommand,
    protocol::control::Handler,
};

/// Check functions without Kafka: manifests, modules, handlers
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline validate\n  \
    eddyline validate functions/enrich-orders\n  \
    eddyline validate --output json\n\n\
    Exits 65 if a function is broken.")]
pub(super) struct ValidateArgs {
    /// Folders of function folders, or single functions; by default `functions.path` of the configuration
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &ValidateArgs) -> anyhow::Result<()> {
    let config = context.load(&args.flags)?.config;
    let paths = match &args.paths[..] {
        [] => vec![config.functions.path],
        paths => paths.to_vec(),
    };
    let mut reports = Vec::new();
    for path in &paths {
        reports.extend(check(path, &config.limits)?);
    }
    let broken = reports.iter().filter(|report| report.diagnostics.has_errors()).count();
    if context.is_json() {
        context
            .print_json(&json!({ "functions": reports.iter().map(as_json).collect::<Vec<_>>(), "broken": broken }))?;
    } else {
        for report in &reports {
            context.print(&describe(context, report))?;
        }
    }
    context.note(&summary(&paths, reports.len(), broken));
    if broken > 0 { Err(Failure::said(exit::BAD_FUNCTIONS).into()) } else { Ok(()) }
}

/// The reports of a folder of functions, or of the one function that the folder is.
pub(super) fn check(path: &Path, allowance: &Allowance) -> anyhow::Result<Vec<FunctionReport>> {
    if !path.is_dir() {
        return Err(Failure::new(exit::FAILURE, format!("{} is no folder", path.display()))
            .with_hint("name the folder of functions, `functions.path` in the configuration, or one function's folder")
            .into());
    }
    let limits = PrepareLimits::new(WorkerCommand::this_program()?, allowance.clone());
    let unreadable = || format!("cannot read {}", path.display());
    if !path.join(MANIFEST_FILE).exists() {
        return control::check_folder(path, &limits).with_context(unreadable);
    }
    let dir = path.canonicalize().with_context(unreadable)?;
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(vec![control::check_function(&Found { name, dir, stamp: 0 }, &limits)])
}

fn describe(context: &Context, report: &FunctionReport) -> String {
    let paint = context.paint;
    let errors = report.diagnostics.has_errors();
    let mark = if errors { paint.bad("✗") } else { paint.good("✓") };
    let mut text = format!("{mark} {}", paint.strong(&report.name));
    if let (false, Some(manifest)) = (errors, &report.manifest) {
        text.push_str(&format!("  {}", paint.faint(flow(manifest, report.handler))));
    }
    text.push('\n');
    if !report.diagnostics.is_empty() {
        text.push_str(&format!("{}\n\n", report.diagnostics.render(paint.colour).trim_end()));
    }
    text
}

/// `record: orders → orders.enriched`
fn flow(manifest: &Manifest, handler: Option<Handler>) -> String {
    let from = match &manifest.source.topics {
        Topics::Named(names) => names.join(", "),
        Topics::Pattern(pattern) => format!("/{}/", pattern.as_str()),
    };
    let to: Vec<&str> = manifest.sink.topics().collect();
    let kind = match handler {
        Some(Handler::Record) => "record: ",
        Some(Handler::Batch) => "batch: ",
        None => "",
    };
    let to = if to.is_empty() { "(no sink)".to_owned() } else { to.join(", ") };
    format!("{kind}{from} → {to}")
}

fn as_json(report: &FunctionReport) -> serde_json::Value {
    json!({
        "name": report.name,
        "folder": report.dir,
        "ok": !report.diagnostics.has_errors(),
        "handler": report.handler,
        "diagnostics": report.diagnostics,
        "warnings": report.diagnostics.iter().filter(|one| one.severity == Severity::Warning).count(),
    })
}

fn summary(paths: &[PathBuf], functions: usize, broken: usize) -> String {
    let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let places = places.join(", ");
    match (functions, broken) {
        (0, _) => format!("no function in {places}: a function is a folder with a {MANIFEST_FILE}; try `eddyline new`"),
        (1, 0) => "1 function, in order".to_owned(),
        (all, 0) => format!("{all} functions, all in order"),
        (all, broken) => format!("{broken} of {all} functions broken"),
    }
}
