//! `function.toml`: what a function reads, writes and may use, parsed with places and fully defaulted.

mod model;
mod pattern;
mod places;
mod secrets;

pub use model::{
    Backoff, Batch, DeadLetter, Delivery, Guarantee, Limits, Manifest, Order, Permissions, Retry, Sink, Source, Start,
    Topics,
};
pub use pattern::Pattern;
pub use places::Places;
pub use secrets::{Secret, SecretValues};

/// The manifest's name within a function's folder.
pub const MANIFEST_FILE: &str = "function.toml";

/// The handler modules looked for in a function's folder; the first that exists is the entry.
pub const ENTRY_FILES: &[&str] = &["index.ts", "index.js", "index.mjs"];
