//! `eddyline new`: a function to begin with.

mod scaffold;
mod templates;

use std::path::PathBuf;

use clap::{Args, builder::PossibleValuesParser};
use serde_json::json;

use super::{args::NodeFlags, context::Context, exit, failure::Failure};
use crate::manifest::check_function_name;
use templates::{Template, find};

/// Write a new function from a template
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline new enrich-orders\n  \
    eddyline new redact-orders --template redact\n  \
    eddyline new enrich-orders --path services/functions\n\n\
    eddyline.d.ts and tsconfig.json are written beside the functions, for editors and tsc.")]
pub(super) struct NewArgs {
    /// The function's name: lowercase letters, digits and `-`
    name: String,
    /// What it begins with
    #[arg(long, default_value = "enrich", value_parser = PossibleValuesParser::new(templates::names()))]
    template: String,
    /// The folder of function folders; by default `functions.path` of the configuration
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &NewArgs) -> anyhow::Result<()> {
    check_function_name(&args.name).map_err(|reason| {
        Failure::new(exit::USAGE, format!("{:?} cannot be a function's name: {reason}", args.name))
            .with_hint("for example: eddyline new enrich-orders")
    })?;
    let template = find(&args.template);
    let path = match &args.path {
        Some(path) => path.clone(),
        None => context.load(&NodeFlags::default())?.config.functions.path,
    };
    let written = scaffold::write(&path, &args.name, template)?;
    if context.is_json() {
        return context.print_json(&json!({ "function": args.name, "template": template.name, "written": written }));
    }
    let mut text = String::new();
    for file in &written {
        text.push_str(&format!("{}\n", file.display()));
    }
    context.print(&text)?;
    context.note(&next_steps(context, &args.name, template, &path.join(&args.name)));
    Ok(())
}

fn next_steps(context: &Context, name: &str, template: &Template, folder: &std::path::Path) -> String {
    let paint = context.paint_error;
    let handler = folder.join(template.handler_file());
    format!(
        "\n{}\n  1. edit {} and {}\n  2. check it:         {}\n  3. run it locally:   {}   (starts a broker of its own)\n  \
         4. with your Kafka:  {}",
        paint.strong("What next"),
        folder.join(crate::manifest::MANIFEST_FILE).display(),
        handler.display(),
        paint.name(format!("eddyline validate {}", folder.display())),
        paint.name("eddyline dev"),
        paint.name("eddyline run --brokers localhost:9092"),
    ) + &format!("\n  A try without Kafka: {}", paint.name(format!("eddyline invoke {name} --file records.ndjson")))
}
