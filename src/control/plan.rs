//! Which topics a function reads and writes, and what it lacks. Pure logic over a list of topics.

use std::collections::{BTreeMap, BTreeSet};

use crate::kafka::TopicInfo;
use crate::manifest::{Manifest, Topics};

/// The topics of a cluster, by name, with their numbers of partitions.
pub type TopicMap = BTreeMap<String, i32>;

/// What a function needs from the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Source topics that exist.
    pub sources: Vec<TopicInfo>,
    pub missing_sources: Vec<String>,
    pub missing_outputs: Vec<String>,
    /// A pattern that matches nothing yet.
    pub unmatched: Option<String>,
}

impl Needs {
    pub fn is_complete(&self) -> bool {
        self.missing_sources.is_empty() && self.missing_outputs.is_empty() && self.unmatched.is_none()
    }

    /// What is missing, and what to do about it.
    pub fn reason(&self) -> String {
        if let Some(pattern) = &self.unmatched {
            return format!("no topic matches the pattern {pattern:?} yet; waiting for one");
        }
        let missing: Vec<String> =
            self.missing_sources.iter().chain(&self.missing_outputs).map(|topic| format!("{topic:?}")).collect();
        let (noun, verb) = if missing.len() == 1 { ("topic", "does") } else { ("topics", "do") };
        format!(
            "{noun} {} {verb} not exist; create {}, or set topics.create = true; waiting",
            missing.join(", "),
            if missing.len() == 1 { "it" } else { "them" }
        )
    }

    /// Names of the sources that exist.
    pub fn source_names(&self) -> Vec<String> {
        self.sources.iter().map(|topic| topic.name.clone()).collect()
    }
}

/// Topics that a function writes: its sinks and its dead-letter topic.
fn outputs(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let dead_letter = manifest.dead_letter.enabled.then_some(manifest.dead_letter.topic.as_str());
    manifest.sink.topics().chain(dead_letter)
}

/// Looks a function's topics up. `dead_letters` are those of all functions, which no pattern matches.
pub fn needs(manifest: &Manifest, topics: &TopicMap, dead_letters: &BTreeSet<&str>) -> Needs {
    let mut needs = Needs::default();
    let info =
        |name: &str| topics.get(name).map(|partitions| TopicInfo { name: name.to_owned(), partitions: *partitions });
    match &manifest.source.topics {
        Topics::Named(names) => {
            for name in names {
                match info(name) {
                    Some(topic) => needs.sources.push(topic),
                    None => needs.missing_sources.push(name.clone()),
                }
            }
        }
        Topics::Pattern(pattern) => {
            needs.sources = sources(manifest, topics, dead_letters).iter().filter_map(|topic| info(topic)).collect();
            if needs.sources.is_empty() {
                needs.unmatched = Some(pattern.as_str().to_owned());
            }
        }
    }
    let missing: BTreeSet<&str> = outputs(manifest).filter(|topic| !topics.contains_key(*topic)).collect();
    needs.missing_outputs = missing.into_iter().map(str::to_owned).collect();
    needs
}

/// The sources that a function names, or those that its pattern matches by now.
pub fn sources(manifest: &Manifest, topics: &TopicMap, dead_letters: &BTreeSet<&str>) -> Vec<String> {
    match &manifest.source.topics {
        Topics::Named(names) => names.clone(),
        Topics::Pattern(_) => {
            let matching = topics.keys().filter(|topic| manifest.reads(topic));
            matching.filter(|topic| !dead_letters.contains(topic.as_str())).cloned().collect()
        }
    }
}

/// Whether `reader` takes records that `writer` produces.
pub fn feeds(writer: &Manifest, reader: &Manifest) -> bool {
    let by_pattern = matches!(reader.source.topics, Topics::Pattern(_));
    // No pattern matches dead letters.
    outputs(writer).any(|topic| reader.reads(topic) && !(by_pattern && topic == writer.dead_letter.topic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::samples::{manifest, topics};
    use crate::manifest::Pattern;

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let manifest = manifest("f", &["in", "other"], "out");
        let needs = needs(&manifest, &topics(&[("in", 3)]), &BTreeSet::new());
        assert_eq!(needs.source_names(), ["in"]);
        assert!(!needs.is_complete());
        assert_eq!(
            needs.reason(),
            "topics \"other\", \"f.dead-letter\", \"out\" do not exist; create them, or set topics.create = true; waiting"
        );
    }

    #[test]
    fn a_pattern_matches_no_dead_letters_sinks_or_internal_topics() {
        let mut manifest = manifest("f", &[], "in.copy");
        manifest.source.topics = Topics::Pattern(Pattern::new("^(in|_).*").unwrap());
        let all = topics(&[("in.a", 1), ("in.copy", 1), ("in.dead", 1), ("_in", 1), ("f.dead-letter", 1)]);
        let needs = needs(&manifest, &all, &BTreeSet::from(["in.dead"]));
        assert_eq!(needs.source_names(), ["in.a"]);
        assert!(needs.is_complete());
    }

    #[test]
    fn a_writer_feeds_who_names_its_topics_or_matches_its_sinks() {
        let writer = manifest("w", &["in"], "orders");
        let mut by_pattern = manifest("p", &[], "out");
        by_pattern.source.topics = Topics::Pattern(Pattern::new(".*").unwrap());
        assert!(feeds(&writer, &manifest("r", &["other", "orders"], "out")));
        assert!(feeds(&writer, &manifest("r", &["w.dead-letter"], "out")));
        assert!(feeds(&writer, &by_pattern));
        assert!(!feeds(&writer, &manifest("r", &["in"], "out")));
        by_pattern.source.topics = Topics::Pattern(Pattern::new("w.*").unwrap());
        assert!(!feeds(&writer, &by_pattern));
    }
}
