//! The configuration of a node: built-in defaults, then file, then environment, then flags.

mod host;
mod layer;
mod load;
mod model;
mod origin;
mod properties;
mod reference;
mod reserved;
mod schema;

#[cfg(test)]
mod tests;

pub use load::{CONFIG_FILE, LoadOptions, Loaded, load};
pub use model::{
    AdminConfig, FetchConfig, FunctionsConfig, KafkaConfig, LogFormat, LoggingConfig, NodeConfig, NodeIdentity,
    SandboxDemand, ShutdownConfig, SourceConfig, TopicsConfig, WorkersConfig,
};
pub use origin::{Origin, Setting};
pub use properties::KafkaProperties;
pub use reference::reference_markdown;

/// Every key with its default and what it means; the first layer, and the reference.
pub const DEFAULT_TOML: &str = include_str!("default.toml");
