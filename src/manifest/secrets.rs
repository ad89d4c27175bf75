//! Where a function's secrets come from, and their values once resolved.

use std::{collections::BTreeMap, fmt, path::PathBuf};

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
