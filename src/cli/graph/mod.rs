//! `eddyline graph`: the topics and functions of a folder as one pipeline.

mod diagrams;
mod model;
mod text;

use clap::{Args, ValueEnum};

use super::{args::NodeFlags, context::Context, exit, failure::Failure};
use crate::{
    diagnostic::Diagnostics,
    manifest::{Allowance, MANIFEST_FILE, Manifest, ParseOptions},
};
pub(super) use model::{Function, Graph};

/// Draw topics and functions as a pipeline
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline graph\n  \
    eddyline graph --format mermaid > pipeline.mmd\n  \
    eddyline graph --format dot | dot -Tsvg > pipeline.svg\n\n\
    Only manifests are read: neither Kafka nor handlers are needed.")]
pub(super) struct GraphArgs {
    /// How to draw it; by default as text, or as JSON with `--output json`
    #[arg(long, value_enum)]
    format: Option<Drawing>,
    #[command(flatten)]
    flags: NodeFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Drawing {
    Text,
    Mermaid,
    Dot,
    Json,
}

pub(super) fn run(context: &Context, args: &GraphArgs) -> anyhow::Result<()> {
    let config = context.load(&args.flags)?.config;
    let (manifests, broken) = manifests(&config.functions.path, &config.limits)?;
    let graph = Graph::new(&manifests);
    match args.format.unwrap_or(if context.is_json() { Drawing::Json } else { Drawing::Text }) {
        Drawing::Text => context.print(&text::draw(&graph, context.paint))?,
        Drawing::Mermaid => context.print(&diagrams::mermaid(&graph))?,
        Drawing::Dot => context.print(&diagrams::dot(&graph))?,
        Drawing::Json => context.print_json(&graph)?,
    }
    if broken.is_empty() {
        return Ok(());
    }
    context.note(broken.render(context.paint_error.colour).trim_end());
    Err(Failure::said(exit::BAD_FUNCTIONS).into())
}

/// All manifests that parse, and what is wrong with the others.
pub(super) fn manifests(path: &std::path::Path, allowance: &Allowance) -> anyhow::Result<(Vec<Manifest>, Diagnostics)> {
    let entries = std::fs::read_dir(path).map_err(|error| {
        Failure::new(exit::FAILURE, format!("cannot read the folder of functions {}: {error}", path.display()))
            .with_hint("name it with --functions, or as `functions.path` in the configuration")
    })?;
    let mut folders: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|folder| folder.join(MANIFEST_FILE).exists()).collect();
    folders.sort();
    let options = ParseOptions { allowance: allowance.clone(), ..ParseOptions::default() };
    let (mut manifests, mut broken) = (Vec::new(), Diagnostics::new());
    for folder in folders {
        match Manifest::load(&folder, &options) {
            Ok(manifest) => manifests.push(manifest),
            Err(mistakes) => broken.extend(mistakes),
        }
    }
    Ok((manifests, broken))
}
