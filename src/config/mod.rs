//! The configuration of a node: built-in defaults, then file, then environment, then flags.

mod model;
mod origin;
mod properties;

pub use model::{
    AdminConfig, FunctionsConfig, KafkaConfig, LogFormat, LoggingConfig, NodeConfig, NodeIdentity, ShutdownConfig,
    SourceConfig, TopicsConfig, WorkersConfig,
};
pub use origin::{Origin, Setting};
pub use properties::KafkaProperties;
