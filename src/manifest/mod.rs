//! `function.toml`: what a function reads, writes and may use, parsed with places and fully defaulted.

mod filters;
pub(crate) mod limits;
mod model;
mod names;
mod parse;
mod pattern;
mod permissions;
mod places;
mod secrets;
mod sections;
mod sinks;
mod together;
mod variables;

#[cfg(test)]
mod tests;

pub use limits::{Allowance, Limits};
pub use model::{
    Backoff, Batch, DeadLetter, Delivery, Guarantee, Manifest, Order, Permissions, Retry, Sink, Source, Start, Topics,
};
pub use names::{check_function_name, check_topic_name, is_kept};
pub use parse::ParseOptions;
pub use pattern::Pattern;
pub use places::Places;
pub use secrets::{Secret, SecretValues};
pub use together::check_together;

/// The manifest's name within a function's folder.
pub const MANIFEST_FILE: &str = "function.toml";

/// The handler modules looked for in a function's folder; the first that exists is the entry.
pub const ENTRY_FILES: &[&str] = &["index.ts", "index.js", "index.mjs"];

/// Every key with its default and what it means, as a manifest that parses.
pub const REFERENCE: &str = include_str!("reference.toml");
