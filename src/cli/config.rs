//! `eddyline config`: the effective configuration, and where each value came from.

use clap::Args;

use super::{args::NodeFlags, context::Context, table};

/// Show the effective configuration, and where each value came from
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline config\n  \
    eddyline config --config production.toml --set workers.count=4\n  \
    eddyline config --output json\n\n\
    Values that look secret are shown as ***.")]
pub(super) struct ConfigArgs {
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &ConfigArgs) -> anyhow::Result<()> {
    let loaded = context.load(&args.flags)?;
    if context.is_json() {
        return context.print_json(&loaded.settings);
    }
    let mut rows = table::table(&["key", "value", "from"]);
    for setting in &loaded.settings {
        let value = setting.value.as_deref().unwrap_or("(none)");
        rows.add_row([&setting.key, value, &setting.origin.to_string()]);
    }
    Ok(context.print(&table::text(&rows))?)
}
