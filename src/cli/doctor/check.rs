//! One thing that was looked at.

use serde::Serialize;

use crate::cli::style::Paint;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Good,
    /// A node runs, but not as well as it could.
    Warning,
    /// A node does not run, or not as the configuration demands.
    Failed,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) found: String,
    /// What to do, where something is to be done.
    pub(super) advice: Option<String>,
}

impl Check {
    pub(super) fn good(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, state: State::Good, found: found.into(), advice: None }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Check {
        Check { name, state: State::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    pub(super) fn failed(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Check {
        Check { name, state: State::Failed, found: found.into(), advice: Some(advice.into()) }
    }

    /// Good if it is so, else a warning.
    pub(super) fn expect(is_so: bool, name: &'static str, found: impl Into<String>, advice: &str) -> Check {
        if is_so { Check::good(name, found) } else { Check::warning(name, found, advice) }
    }
}

impl State {
    pub(super) fn mark(self) -> &'static str {
        match self {
            State::Good => "✓",
            State::Warning => "!",
            State::Failed => "✗",
        }
    }
}

/// Colours the marks at the beginnings of lines; a table measures its cells without colours.
pub(super) fn colour(paint: Paint, text: &str) -> String {
    let line = |line: &str| {
        let mark = |state: State| Some((state, line.strip_prefix(state.mark())?));
        match [State::Good, State::Warning, State::Failed].into_iter().find_map(mark) {
            Some((State::Good, rest)) => format!("{}{rest}\n", paint.good(State::Good.mark())),
            Some((State::Warning, rest)) => format!("{}{rest}\n", paint.warning(State::Warning.mark())),
            Some((State::Failed, rest)) => format!("{}{rest}\n", paint.bad(State::Failed.mark())),
            None => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}
