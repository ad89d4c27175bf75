//! Filters: which records a function wants, said in the language of AWS Lambda's event filters and judged in the host,
//! before any handler is asked.
//!
//! A pattern's way: [`json`] reads its text, [`pattern`] and [`leaf`] check what it says, [`alternatives`] multiplies
//! its ors out, and [`plan`] makes one plan of all patterns of a function. A record's way: [`sieve`] asks first for what
//! is cheap, then [`walk`] goes through the bytes of the value once, by means of [`scan`], and follows only the paths
//! that the plan names; [`admissible`] says whether what lies at their ends is wanted.
//!
//! Pure logic: nothing here knows Kafka, the pipeline or the manifest.

mod admissible;
mod alternatives;
mod error;
mod json;
mod leaf;
mod pattern;
mod plan;
mod scan;
mod sieve;
mod text;
mod walk;

#[cfg(test)]
mod tests;

pub use error::PatternError;
pub use pattern::Pattern;
pub use plan::Filter;
pub use sieve::{Sieve, Subject, Verdict};
