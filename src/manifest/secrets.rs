//! Where a function's secrets come from, and their values once resolved.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::Manifest;
use crate::diagnostic::{Diagnostics, codes};

/// Larger than any key or certificate; a wrong path should not fill our memory.
const MAX_BYTES: u64 = 64 << 10;

/// Where the value of one secret is found; the manifest itself never holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    Env(String),
    File(PathBuf),
}

/// Resolved secrets. Their names may be printed, their values never are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretValues {
    values: BTreeMap<String, String>,
}

impl Manifest {
    /// Finds the values of all secrets in this process's environment and files.
    pub fn resolve_secrets(&self) -> Result<SecretValues, Diagnostics> {
        self.resolve_secrets_in(|name| std::env::var(name).ok())
    }

    /// The same in a given environment.
    pub fn resolve_secrets_in(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<SecretValues, Diagnostics> {
        let mut missing = Diagnostics::new();
        let mut found = SecretValues::default();
        for (name, secret) in &self.secrets {
            let value = match secret {
                Secret::Env(variable) => environment(variable)
                    .ok_or_else(|| format!("the environment variable `{variable}` is not set, or not UTF-8")),
                Secret::File(path) => read(path),
            };
            match value {
                Ok(value) => {
                    found.values.insert(name.clone(), value);
                }
                Err(reason) => {
                    let message = format!("secret `{name}` cannot be resolved: {reason}");
                    let key = format!("secrets.{name}");
                    missing.push(
                        self.places
                            .error(codes::SECRET, &key, message)
                            .with_hint("secrets are read on the node that runs the function"),
                    );
                }
            }
        }
        missing.or_value(found)
    }
}

/// The file's text without the one newline that editors and `echo` append.
fn read(path: &Path) -> Result<String, String> {
    let unreadable = |reason: String| format!("file `{}`: {reason}", path.display());
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(unreadable("no file of at most 64KiB".to_owned()));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::from_utf8(bytes).map_err(|_| unreadable("not UTF-8".to_owned()))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

impl SecretValues {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn into_map(self) -> BTreeMap<String, String> {
        self.values
    }
}

impl fmt::Debug for SecretValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = self.values.keys().map(|name| (name, "***"));
        formatter.debug_map().entries(masked).finish()
    }
}
