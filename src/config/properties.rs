//! Properties handed to librdkafka as they are: which of them are secret, and which we refuse.

use std::{collections::BTreeMap, fmt};

/// Properties of librdkafka by name. Secret values are never printed.
#[derive(Clone, Default, PartialEq, Eq)]
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
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = self.values.keys().map(|name| (name, "***"));
        formatter.debug_map().entries(masked).finish()
    }
}
