//! The dead-letter topics of a folder's functions, which no pattern matches: neither of those that run nor of a backfill.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::folder;
use crate::manifest::{DeadLetter, Manifest, ParseOptions};

/// The topics of all functions below `root`.
pub fn dead_letter_topics(root: &Path, parsing: &ParseOptions) -> io::Result<BTreeSet<String>> {
    let found = folder::scan(root)?;
    Ok(found.iter().map(|found| dead_letter_topic(&found.dir, &found.name, parsing)).collect())
}

/// Where the letters of the function in this folder go. One whose manifest cannot be read may have left letters where
/// they go by default.
pub fn dead_letter_topic(dir: &Path, name: &str, parsing: &ParseOptions) -> String {
    Manifest::load(dir, parsing).map_or_else(|_| DeadLetter::of(name), |manifest| manifest.dead_letter).topic
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::manifest::MANIFEST_FILE;

    #[test]
    fn every_function_of_the_folder_has_one_whatever_its_state() {
        let root = tempfile::tempdir().unwrap();
        for (name, manifest) in [
            ("broken", "[source"),
            ("default", "[source]\ntopics = [\"in\"]"),
            ("named", "[source]\ntopics = [\"in\"]\n[dead-letter]\ntopic = \"letters\""),
            ("without", "[source]\ntopics = [\"in\"]\n[dead-letter]\nenabled = false"),
        ] {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join(MANIFEST_FILE), manifest).unwrap();
        }
        let topics = dead_letter_topics(root.path(), &ParseOptions::default()).unwrap();
        let expected = ["broken.dead-letter", "default.dead-letter", "letters", "without.dead-letter"];
        assert_eq!(topics, BTreeSet::from(expected.map(str::to_owned)));
    }
}
