//! Manifests, good and bad.

mod cases;
mod mistakes;
mod places_and_secrets;
mod values;

use std::path::Path;

use super::*;
use crate::diagnostic::Diagnostics;

const FILE: &str = "functions/enrich/function.toml";

fn parse(text: &str) -> Result<Manifest, Diagnostics> {
    Manifest::parse(Path::new(FILE), "enrich", text, &ParseOptions::default())
}

fn named(topics: &[&str]) -> Topics {
    Topics::Named(topics.iter().map(ToString::to_string).collect())
}

/// Without places, for comparing what manifests say rather than where.
fn placeless(manifest: Manifest) -> Manifest {
    Manifest { places: Places::default(), ..manifest }
}
