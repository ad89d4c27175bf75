//! `eddyline completions`: a script that completes arguments in a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{args::Cli, context::Context};

/// Write a script that completes the arguments in a shell
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline completions bash > ~/.local/share/bash-completion/completions/eddyline\n  \
    eddyline completions zsh > ~/.zfunc/_eddyline\n  \
    eddyline completions fish > ~/.config/fish/completions/eddyline.fish")]
pub(super) struct CompletionsArgs {
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(context: &Context, args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "eddyline", &mut script);
    Ok(context.print(&String::from_utf8(script)?)?)
}
