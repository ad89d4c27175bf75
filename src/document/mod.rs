//! TOML documents read key by key, so that every mistake is shown where it was made.
//!
//! Deserialising would stop at the first mistake; here each getter notes its own and reading goes on.

mod mask;
mod table;
mod value;

pub use table::{Document, TableReader};
pub use value::ValueReader;
