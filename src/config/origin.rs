//! Where a configured value came from.

use std::{fmt, path::PathBuf};

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "from", content = "name")]
pub enum Origin {
    Default,
    File(PathBuf),
    /// The variable's name.
    Environment(String),
    /// The dotted key that a flag set.
    Flag(String),
}

/// One key of the effective configuration, as `eddyline config` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Dotted: `kafka.brokers`, `kafka.properties.security.protocol`.
    pub key: String,
    /// What looks secret is shown as `***`; absent if the key has no value.
    pub value: Option<String>,
    pub origin: Origin,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => formatter.write_str("default"),
            Origin::File(path) => write!(formatter, "file {}", path.display()),
            Origin::Environment(name) => write!(formatter, "environment {name}"),
            Origin::Flag(key) => write!(formatter, "flag for {key}"),
        }
    }
}
