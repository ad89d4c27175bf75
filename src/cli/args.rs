//! The arguments of the command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::{
    backfill, completions, config, dead_letters, demo, dev, docs, doctor, exit, graph, health, invoke, new, pause, run,
    seed, seek, validate,
};

/// Runs JavaScript and TypeScript functions on Kafka topics.
///
/// A function is a folder with a manifest and a handler: records come from its source topics,
/// what the handler returns goes to its sink.
#[derive(Debug, Parser)]
#[command(name = "eddyline", version, max_term_width = 100, after_help = exit::help(), subcommand_required = true,
    arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// For people, or for programs
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: Format,
    /// The configuration file, instead of `eddyline.toml` in the working folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Colours: on a terminal only, or in any case
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Colour,
    /// More logs; twice: all of them
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Warnings and errors only; twice: errors only
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) quiet: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

/// The last layer of the configuration.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Configuration")]
pub(super) struct NodeFlags {
    /// Kafka's brokers, `host:port`, several with commas between
    #[arg(long, value_name = "BROKERS")]
    pub(super) brokers: Option<String>,
    /// The folder of function folders
    #[arg(long, value_name = "FOLDER")]
    pub(super) functions: Option<PathBuf>,
    /// Any other key of the configuration
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Demo(demo::DemoArgs),
    Run(run::RunArgs),
    Dev(dev::DevArgs),
    Seed(seed::SeedArgs),
    New(new::NewArgs),
    Validate(validate::ValidateArgs),
    Graph(graph::GraphArgs),
    Invoke(invoke::InvokeArgs),
    Config(config::ConfigArgs),
    Health(health::HealthArgs),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    DeadLetters(dead_letters::DeadLettersArgs),
    Seek(seek::SeekArgs),
    Backfill(backfill::BackfillArgs),
    Doctor(doctor::DoctorArgs),
    Completions(completions::CompletionsArgs),
    /// Show the versions of Eddyline, V8 and librdkafka
    Version,
    /// Runs isolates for a node, which starts this process itself
    #[command(hide = true)]
    Worker,
    /// Makes what all workers make their isolates from; a node starts this process itself
    #[command(hide = true)]
    Snapshot,
    #[command(hide = true)]
    Docs(docs::DocsArgs),
}
