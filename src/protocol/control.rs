//! The messages that are rare enough to be JSON: handshake, loading, logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::frame::{Builder, Kind, Message};
use super::sandbox::Sandbox;
use super::settled::MOST_TEXT;

/// First message of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub pid: u32,
    /// The V8 that runs the handlers.
    pub engine: String,
    pub credit: Credit,
    /// What keeps it from the machine that it runs on.
    pub sandbox: Sandbox,
}

/// How much may be outstanding on one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    pub records: u32,
    pub bytes: u64,
}

/// A file of a function's folder, by its path relative to the folder with `/` between the parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFile {
    pub path: String,
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    pub id: u64,
    /// Function's name, for the specifiers of its modules.
    pub function: String,
    pub files: Vec<SourceFile>,
    /// The handler module, one of `files`.
    pub entry: String,
    /// How long evaluating the modules may take, in milliseconds.
    pub load_ms: u64,
    pub heap_bytes: u64,
    pub external_bytes: u64,
    pub env: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    pub id: u64,
    pub result: Result<Bundle, Problem>,
}

/// Modules as an isolate loads them: plain JavaScript, JSON and WebAssembly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    pub entry: String,
    pub modules: Vec<Module>,
    pub handler: Handler,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Module {
    pub path: String,
    pub code: Code,
    /// The map from the code back to the user's own lines, as source map JSON.
    pub source_map: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// JavaScript or JSON.
    Text(String),
    /// WebAssembly, as it lies in the folder.
    Binary(#[serde(with = "base64_bytes")] Arc<[u8]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handler {
    Record,
    Batch,
}

/// What is wrong with a function's modules, in the user's own lines.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Problem {
    /// `E1` and three digits; see `docs/errors/`.
    pub code: String,
    pub message: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub hint: Option<String>,
    pub stack: Option<String>,
}

impl Problem {
    /// The same with its texts cut to what is worth keeping: they are a worker's word, of any length.
    pub fn cut(mut self) -> Problem {
        let known = [Some(&mut self.code), Some(&mut self.message)];
        let more = [self.file.as_mut(), self.hint.as_mut(), self.stack.as_mut()];
        known.into_iter().chain(more).flatten().for_each(cut);
        self
    }
}

/// Gives a prepared function an isolate, on the message's channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub function: String,
    pub version: u64,
    pub bundle: Bundle,
    /// Output topics in the order of their numbers, the sink first; empty text where there is no sink.
    pub topics: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub limits: Limits,
    /// Stop a lane at every failure, not only at those that may be retried.
    pub stop_on_failure: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub cpu_ms: u64,
    pub wall_ms: u64,
    pub heap_bytes: u64,
    pub external_bytes: u64,
    pub output_bytes: u64,
    pub results: u32,
    /// Bytes of all that one invocation logs.
    pub log_bytes: u64,
    /// Timers of one invocation that are open at once.
    pub timers: u32,
    /// Calls to the host of one invocation that are open at once.
    pub fetches: u32,
    pub load_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    pub result: Result<Handler, Problem>,
    /// From the message's arrival to the isolate's readiness.
    pub took_us: u64,
    /// Of that, until there was an isolate, before anything of the function was looked at.
    pub isolate_us: u64,
}

/// Stops a lane: what it has not begun of this and older epochs comes back as not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    pub lane: u32,
    pub epoch: u32,
}

/// The isolate is gone; everything it held has been settled before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unloaded {
    /// `None`: the host asked for it.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    pub level: LogLevel,
    pub text: String,
    /// The invocation that wrote it; zero while the modules were loading.
    pub invocation: u64,
    /// Lines that were dropped before this one, because there were too many.
    pub dropped: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl Prepared {
    /// The same with its problem's texts cut.
    pub fn cut(mut self) -> Prepared {
        self.result = self.result.map_err(Problem::cut);
        self
    }
}

impl Loaded {
    /// The same with its problem's texts cut.
    pub fn cut(mut self) -> Loaded {
        self.result = self.result.map_err(Problem::cut);
        self
    }
}

impl Unloaded {
    /// The same with its reason cut.
    pub fn cut(mut self) -> Unloaded {
        self.reason.iter_mut().for_each(cut);
        self
    }
}

fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(MOST_TEXT));
    text.shrink_to_fit();
}

/// A whole message with a JSON body, ready for the socket.
pub fn encode(kind: Kind, channel: u32, body: &impl Serialize) -> Vec<u8> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    Builder::with_body(kind, channel, &body)
}

pub fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, serde_json::Error> {
    serde_json::from_slice(&message.body)
}

/// Bytes inside JSON, as base64.
mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, B: From<Vec<u8>>>(deserializer: D) -> Result<B, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map(B::from).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = || "€".repeat(MOST_TEXT);
        let most = MOST_TEXT / 3 * 3;
        let stack = Some("short".to_owned());
        let problem =
            Problem { code: long(), message: long(), file: Some(long()), hint: None, stack, ..Problem::default() };
        let Problem { code, message, file, hint, stack, .. } = problem.cut();
        assert_eq!((code.len(), message.len(), file.map(|file| file.len())), (most, most, Some(most)));
        assert_eq!((hint, stack.as_deref()), (None, Some("short")));
        assert_eq!(Unloaded { reason: Some(long()) }.cut().reason.map(|reason| reason.len()), Some(most));
    }
}
