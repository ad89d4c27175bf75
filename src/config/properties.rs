//! Properties handed to librdkafka as they are, and which of them are secret.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

/// What stands in the place of a secret.
pub(super) const MASK: &str = "***";

/// Properties of librdkafka by name. Secret values are never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct KafkaProperties {
    values: BTreeMap<String, String>,
}

impl KafkaProperties {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl FromIterator<(String, String)> for KafkaProperties {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        KafkaProperties { values: values.into_iter().collect() }
    }
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| (name, shown(name, value)));
        formatter.debug_map().entries(shown).finish()
    }
}

/// The value as people may see it.
pub(super) fn shown<'a>(property: &str, value: &'a str) -> &'a str {
    if is_secret(property) || has_credentials(value) { MASK } else { value }
}

/// Judged by its name: rather one too many than one too few, also for properties that do not exist yet.
pub(super) fn is_secret(property: &str) -> bool {
    const PARTS: &[&str] = &["password", "passphrase", "secret", "credential", "private.key", "jaas", "basic.auth"];
    const WHOLE: &[&str] = &["ssl.key.pem", "sasl.oauthbearer.config"];
    let name = property.to_ascii_lowercase();
    // A file's path says where a secret is, and is needed to find mistakes.
    let is_path = name.ends_with(".location") || name.ends_with(".file");
    let is_key = name.ends_with("key.pem") || name.ends_with(".key") || name.ends_with(".token");
    !is_path && (is_key || WHOLE.contains(&&*name) || PARTS.iter().any(|part| name.contains(part)))
}

/// `scheme://user:password@host`.
fn has_credentials(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for secret in [
            "sasl.password",
            "ssl.key.password",
            "ssl.keystore.password",
            "ssl.key.pem",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.assertion.private.key.pem",
            "sasl.oauthbearer.assertion.private.key.passphrase",
            "sasl.oauthbearer.config",
            "my.api.token",
            "SASL.PASSWORD",
        ] {
            assert_eq!(shown(secret, "hunter2"), "***", "{secret}");
        }
        for open in [
            "security.protocol",
            "sasl.username",
            "sasl.mechanism",
            "ssl.ca.location",
            "ssl.key.location",
            "sasl.oauthbearer.token.endpoint.url",
            "sasl.oauthbearer.assertion.private.key.file",
        ] {
            assert_eq!(shown(open, "value"), "value", "{open}");
        }
        let url = "https://user:hunter2@login.example/token";
        assert_eq!(shown("sasl.oauthbearer.token.endpoint.url", url), "***");
    }

    #[test]
    fn debug_prints_no_secret() {
        let properties: KafkaProperties = [("sasl.password", "hunter2"), ("client.id", "me")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let printed = format!("{properties:?}");
        assert_eq!(printed, r#"{"client.id": "me", "sasl.password": "***"}"#);
    }
}
