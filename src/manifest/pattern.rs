//! The regular expression of a source that reads topics by pattern.

use std::fmt;

use regex::Regex;

/// A pattern that a topic's whole name has to match.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    whole: Regex,
}

impl Pattern {
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        Regex::new(text)?; // Alone first, so that the error shows what was written.
        let whole = Regex::new(&format!(r"\A(?:{text})\z"))?;
        Ok(Pattern { text: text.to_owned(), whole })
    }

    pub fn matches(&self, topic: &str) -> bool {
        self.whole.is_match(topic)
    }

    /// As written in the manifest.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pattern({:?})", self.text)
    }
}
