//! What every command needs: where its output goes and in which form, and the configuration.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use serde::Serialize;

use super::{
    args::{Colour, Format, Global, NodeFlags},
    failure::Failure,
    style::Paint,
};
use crate::{
    config::{self, LoadOptions, Loaded},
    telemetry::{LogOptions, start_logging},
};

#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) format: Format,
    /// For stdout.
    pub(super) paint: Paint,
    /// For stderr.
    pub(super) paint_error: Paint,
    config_file: Option<PathBuf>,
    /// Positive: more logs than configured; negative: fewer.
    verbosity: i8,
}

impl Context {
    pub(super) fn new(global: &Global) -> Self {
        Context {
            format: global.output,
            paint: Paint { colour: coloured(global.color, io::stdout().is_terminal()) },
            paint_error: Paint { colour: coloured(global.color, io::stderr().is_terminal()) },
            config_file: global.config.clone(),
            verbosity: global.verbose as i8 - global.quiet as i8,
        }
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether people watch stderr, so that moving bars and tables make sense.
    pub(super) fn is_watched(&self) -> bool {
        io::stderr().is_terminal() && !self.is_quiet()
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.verbosity < 0
    }

    /// Data, as it is.
    pub(super) fn print(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    pub(super) fn print_json(&self, data: &impl Serialize) -> anyhow::Result<()> {
        Ok(self.print(&format!("{}\n", serde_json::to_string_pretty(data)?))?)
    }

    /// Something for people beside the data.
    pub(super) fn note(&self, text: &str) {
        if !self.is_quiet() {
            // Nobody may be listening, and that is all right.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// The effective configuration, with these flags as its last layer.
    pub(super) fn load(&self, flags: &NodeFlags) -> Result<Loaded, Failure> {
        let flags = self.flag_values(flags)?;
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
        let options = LoadOptions { file: self.config_file.clone(), dir: PathBuf::new(), env: environment, flags };
        config::load(options).map_err(Failure::configuration)
    }

    /// Starts logs as configured.
    pub(super) fn start_logs(&self, config: &config::LoggingConfig) -> Result<(), Failure> {
        start_logging(&LogOptions::new(config, self.paint_error.colour))
            .map_err(|error| Failure::new(super::exit::BAD_CONFIGURATION, error.to_string()))
    }

    fn flag_values(&self, flags: &NodeFlags) -> Result<BTreeMap<String, String>, Failure> {
        let mut values = BTreeMap::new();
        let level = match self.verbosity {
            0 => None,
            1 => Some("info,eddyline=debug"),
            2.. => Some("debug,eddyline=trace"),
            -1 => Some("warn"),
            ..=-2 => Some("error"),
        };
        if let Some(level) = level {
            values.insert("logging.level".to_owned(), level.to_owned());
        }
        if let Some(brokers) = &flags.brokers {
            values.insert("kafka.brokers".to_owned(), brokers.clone());
        }
        if let Some(path) = &flags.functions {
            values.insert("functions.path".to_owned(), path.to_string_lossy().into_owned());
        }
        for setting in &flags.set {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(Failure::new(super::exit::USAGE, format!("--set {setting:?} has no `=`"))
                    .with_hint("give a key and its value: --set topics.create=true"));
            };
            values.insert(key.trim().to_owned(), value.trim().to_owned());
        }
        Ok(values)
    }
}

fn coloured(choice: Colour, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}
