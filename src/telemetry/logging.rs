//! Logs go to stderr: pretty for people at a terminal, JSON lines for machines.

use std::io::{self, IsTerminal};

use thiserror::Error;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::ParseError, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::config::{LogFormat, LoggingConfig};

/// The variable that has the last word about the level.
pub const LEVEL_VARIABLE: &str = "EDDYLINE_LOG";

#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A level, or directives such as `info,eddyline::pipeline=debug`.
    pub level: String,
    pub format: LogFormat,
    pub colour: bool,
}

#[derive(Debug, Error)]
pub enum LoggingError {
    #[error(
        "log level {level:?} is not understood: {source}; give error, warn, info, debug, trace or directives such as \
         \"info,eddyline=debug\" in `logging.level` or {LEVEL_VARIABLE}"
    )]
    Level { level: String, source: ParseError },
    #[error("logging was already started")]
    AlreadyStarted,
}

impl LogOptions {
    /// What the configuration says, unless the environment says otherwise.
    pub fn new(config: &LoggingConfig, colour: bool) -> Self {
        let level = std::env::var(LEVEL_VARIABLE).ok().filter(|level| !level.trim().is_empty());
        LogOptions { level: level.unwrap_or_else(|| config.level.clone()), format: config.format, colour }
    }
}

/// Starts logging for the whole process.
pub fn start(options: &LogOptions) -> Result<(), LoggingError> {
    let filter = filter(&options.level)?;
    let pretty = match options.format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let layer = layer(pretty, options.colour, io::stderr);
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().map_err(|_| LoggingError::AlreadyStarted)
}

fn filter(level: &str) -> Result<EnvFilter, LoggingError> {
    // Each folder that goes away is no news.
    EnvFilter::builder()
        .parse(format!("notify=warn,{level}"))
        .map_err(|source| LoggingError::Level { level: level.to_owned(), source })
}

fn layer<W>(pretty: bool, colour: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(pretty && colour);
    if pretty {
        layer.with_target(false).boxed()
    } else {
        layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(pretty: bool, colour: bool, level: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = layer(pretty, colour, move || writer.clone()).with_filter(filter(level).unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!(function = "enrich", "function started");
            tracing::debug!("a detail");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn machines_get_one_json_object_for_each_line() {
        let text = logged(false, true, "info");
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!((&line["message"], &line["function"]), (&"function started".into(), &"enrich".into()));
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn colours_appear_only_when_asked_for() {
        assert!(!logged(true, false, "info").contains('\u{1b}'));
        assert!(logged(true, true, "info").contains('\u{1b}'));
    }

    #[test]
    fn the_level_decides_and_a_wrong_one_is_explained() {
        assert!(logged(true, false, "debug").contains("a detail"));
        let error = filter("eddyline=loud").unwrap_err().to_string();
        assert!(error.contains("eddyline=loud") && error.contains(LEVEL_VARIABLE), "{error}");
    }
}
