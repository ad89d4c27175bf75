//! Why a command failed: what to say, what to do about it, and the exit code.

use std::fmt;

use serde_json::json;

use super::exit;
use crate::diagnostic::Diagnostics;

/// The end of a command that did not work.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: u8,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Message {
        message: String,
        hint: Option<String>,
    },
    Diagnostics(Diagnostics),
    /// Everything was said already.
    Said,
}

impl Failure {
    pub(super) fn new(exit: u8, message: impl Into<String>) -> Self {
        Failure { exit, what: What::Message { message: message.into(), hint: None } }
    }

    pub(super) fn with_hint(mut self, advice: impl Into<String>) -> Self {
        if let What::Message { hint, .. } = &mut self.what {
            *hint = Some(advice.into());
        }
        self
    }

    pub(super) fn configuration(diagnostics: Diagnostics) -> Self {
        Failure { exit: exit::BAD_CONFIGURATION, what: What::Diagnostics(diagnostics) }
    }

    /// The exit code alone; the command has printed what there is to say.
    pub(super) fn said(exit: u8) -> Self {
        Failure { exit, what: What::Said }
    }

    /// The failure in an error that came from anywhere.
    pub(super) fn of(error: anyhow::Error) -> Self {
        error.downcast::<Failure>().unwrap_or_else(|error| Failure::new(exit::FAILURE, format!("{error:#}")))
    }

    pub(super) fn to_json(&self) -> Option<serde_json::Value> {
        let error = match &self.what {
            What::Message { message, hint } => json!({ "exit": self.exit, "message": message, "hint": hint }),
            What::Diagnostics(found) => json!({ "exit": self.exit, "diagnostics": found }),
            What::Said => return None,
        };
        Some(json!({ "error": error }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Message { message, .. } => formatter.write_str(message),
            What::Diagnostics(found) => write!(formatter, "{found}"),
            What::Said => write!(formatter, "exit code {}", self.exit),
        }
    }
}

impl std::error::Error for Failure {}
