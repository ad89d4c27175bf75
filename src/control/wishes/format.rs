//! One record of the wishes' topic: JSON that later versions may add to.
//!
//! What a version does not know it keeps, so that nodes of several versions can write the same topic. A field never
//! changes its meaning. `format` grows only when a record must not be written by those that do not know all of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The format that we write.
pub const FORMAT: u32 = 1;

/// All wishes for one function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    #[serde(default = "first")]
    pub format: u32,
    /// Whether it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// Where its positions were last moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Whether a function is to run, who says so and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    state: String,
    cause: String,
    /// Two wishes that say the same are told apart by their time.
    pub at: String,
    /// The node through which it came.
    pub node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The pause is for this content of the function alone, and a new version runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// As it was asked for.
    pub to: String,
    pub at: String,
    pub node: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Why a function was paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Person,
    /// It kept bringing its workers down.
    Crashes,
    /// Its positions are being moved.
    Seek,
}

impl Cause {
    fn text(self) -> &'static str {
        match self {
            Cause::Person => "person",
            Cause::Crashes => "crashes",
            Cause::Seek => "seek",
        }
    }
}

const PAUSED: &str = "paused";
const RUNNING: &str = "running";

fn first() -> u32 {
    FORMAT
}

fn now() -> String {
    Timestamp::now().to_string()
}

impl Default for Wish {
    fn default() -> Self {
        Wish { format: FORMAT, run: None, moved: None, others: Map::new() }
    }
}

impl Wish {
    pub fn parse(bytes: &[u8]) -> Result<Wish, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether we know everything that its format may hold.
    pub fn is_ours(&self) -> bool {
        self.format <= FORMAT
    }
}

impl Run {
    pub fn paused(cause: Cause, node: &str, reason: Option<String>, digest: Option<String>) -> Run {
        Run { reason, digest, ..Run::new(PAUSED, cause, node) }
    }

    pub fn running(node: &str) -> Run {
        Run::new(RUNNING, Cause::Person, node)
    }

    fn new(state: &str, cause: Cause, node: &str) -> Run {
        Run {
            state: state.to_owned(),
            cause: cause.text().to_owned(),
            at: now(),
            node: node.to_owned(),
            reason: None,
            digest: None,
            others: Map::new(),
        }
    }

    pub fn is_paused(&self) -> bool {
        self.state == PAUSED
    }

    pub fn is_running(&self) -> bool {
        self.state == RUNNING
    }

    pub fn is_for(&self, cause: Cause) -> bool {
        self.cause == cause.text()
    }
}

impl Moved {
    pub fn new(to: &str, node: &str) -> Moved {
        Moved { to: to.to_owned(), at: now(), node: node.to_owned(), others: Map::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_adds_is_kept() {
        let text = r#"{"format":1,"run":{"state":"paused","cause":"moon","at":"t","node":"n","until":[1]},
            "moved":{"to":"latest","at":"t","node":"n","by":"x"},"registry":{"version":7}}"#;
        let mut wish = Wish::parse(text.as_bytes()).unwrap();
        assert!(wish.run.as_ref().unwrap().is_paused() && wish.is_ours());
        let kept: Value = serde_json::from_slice(&wish.to_bytes()).unwrap();
        assert_eq!(kept, serde_json::from_str::<Value>(text).unwrap());
        wish.run = Some(Run::running("n2"));
        let changed: Value = serde_json::from_slice(&wish.to_bytes()).unwrap();
        assert_eq!((&changed["registry"]["version"], &changed["run"]["state"]), (&7.into(), &"running".into()));
    }

    #[test]
    fn a_state_that_is_not_known_yet_neither_pauses_nor_resumes() {
        let text = r#"{"format":2,"run":{"state":"canary","cause":"person","at":"t","node":"n"}}"#;
        let wish = Wish::parse(text.as_bytes()).unwrap();
        let run = wish.run.as_ref().unwrap();
        assert!(!run.is_paused() && !run.is_running() && !wish.is_ours());
    }

    #[test]
    fn an_empty_object_wishes_nothing_and_other_values_are_refused() {
        assert_eq!(Wish::parse(b"{}").unwrap(), Wish::default());
        for bytes in [&b"null"[..], b"[]", b"\"paused\"", b"{", b""] {
            assert!(Wish::parse(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
