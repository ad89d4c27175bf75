//! From the arguments to a command and its exit code.

use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use super::{
    args::{Cli, Command},
    backfill, completions, config,
    context::Context,
    dead_letters, demo, dev, docs, doctor, exit,
    failure::{Failure, What},
    graph, health, invoke, new, pause, run, seed, seek, validate, version,
};

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let matches = Cli::command().color(help_colour()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let context = Context::new(&cli.global);
    // The panic itself was reported when it happened.
    let Ok(result) = catch_unwind(AssertUnwindSafe(|| dispatch(&context, cli.command))) else {
        return ExitCode::from(exit::INTERNAL);
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(error);
            say(&context, &failure);
            ExitCode::from(failure.exit)
        }
    }
}

fn dispatch(context: &Context, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => demo::run(context, &args),
        Command::Run(args) => run::run(context, &args),
        Command::Dev(args) => dev::run(context, &args),
        Command::Seed(args) => seed::run(context, &args),
        Command::New(args) => new::run(context, &args),
        Command::Validate(args) => validate::run(context, &args),
        Command::Graph(args) => graph::run(context, &args),
        Command::Invoke(args) => invoke::run(context, &args),
        Command::Config(args) => config::run(context, &args),
        Command::Health(args) => health::run(context, &args),
        Command::Pause(args) => pause::pause(context, &args),
        Command::Resume(args) => pause::resume(context, &args),
        Command::DeadLetters(args) => dead_letters::run(context, &args),
        Command::Seek(args) => seek::run(context, &args),
        Command::Backfill(args) => backfill::run(context, &args),
        Command::Doctor(args) => doctor::run(context, &args),
        Command::Completions(args) => completions::run(context, &args),
        Command::Version => version::run(context),
        // The binary takes these roles before it comes here.
        Command::Worker | Command::Snapshot => anyhow::bail!("this is only started by a node itself"),
        Command::Docs(args) => docs::run(context, &args),
    }
}

/// What a failed command says to people, or to programs, on stderr.
fn say(context: &Context, failure: &Failure) {
    let paint = context.paint_error;
    let text = match (&failure.what, failure.to_json()) {
        (What::Said, _) => return,
        (_, Some(json)) if context.is_json() => json.to_string(),
        (What::Diagnostics(found), _) => found.render(paint.colour),
        (What::Message { message, hint }, _) => {
            let mut text = format!("{}: {message}", paint.bad("error"));
            if let Some(hint) = hint {
                text.push_str(&format!("\n {} {hint}", paint.name("hint:")));
            }
            text
        }
    };
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
}

/// The reader of our output went away, as `head` does; there is nobody to tell.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Help and usage errors are written while the arguments are still being read, so the choice is looked for by hand.
fn help_colour() -> ColorChoice {
    let mut arguments = std::env::args_os().skip(1).map(|one| one.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        let choice = match argument.strip_prefix("--color") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('=').map(ToOwned::to_owned),
            None => continue,
        };
        match choice.as_deref() {
            Some("always") => return ColorChoice::Always,
            Some("never") => return ColorChoice::Never,
            _ => {}
        }
    }
    ColorChoice::Auto
}
