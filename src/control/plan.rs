//! Which topics a function reads and writes, and what it lacks. Pure logic over a list of topics.

use std::collections::{BTreeMap, BTreeSet};

use crate::kafka::{NewTopic, TopicInfo};
use crate::manifest::{Manifest, Topics};
use crate::pipeline::HEADER_ROOM;

/// The topics of a cluster, by name, with their numbers of partitions.
pub type TopicMap = BTreeMap<String, i32>;

/// Kafka's own default of `max.message.bytes`.
const DEFAULT_MAX_BYTES: u64 = 1_048_588;

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
            let matching =
                topics.keys().filter(|topic| manifest.reads(topic) && !dead_letters.contains(topic.as_str()));
            needs.sources = matching.filter_map(|topic| info(topic)).collect();
            if needs.sources.is_empty() {
                needs.unmatched = Some(pattern.as_str().to_owned());
            }
        }
    }
    let missing: BTreeSet<&str> = outputs(manifest).filter(|topic| !topics.contains_key(*topic)).collect();
    needs.missing_outputs = missing.into_iter().map(str::to_owned).collect();
    needs
}

/// How topics that nobody has made yet are to be made.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    pub partitions: i32,
    pub replication: Option<i32>,
}

/// The topics to create so that all these functions can run. A sink gets as many partitions as its source, so that
/// keys stay together along a pipeline; a dead-letter topic has room for what we add to a record.
pub fn missing_topics(
    functions: &[&Manifest],
    existing: &TopicMap,
    max_bytes: impl Fn(&str) -> Option<u64>,
    defaults: Defaults,
) -> Vec<NewTopic> {
    let mut known = existing.clone();
    let mut created = Vec::new();
    let written: BTreeSet<&str> = functions.iter().flat_map(|manifest| manifest.sink.topics()).collect();
    let mut create = |name: &str, partitions: i32, configs: BTreeMap<String, String>, known: &mut TopicMap| {
        if !known.contains_key(name) {
            known.insert(name.to_owned(), partitions);
            let replication = defaults.replication;
            created.push(NewTopic { name: name.to_owned(), partitions, replication, configs });
        }
    };
    // Sources that no function writes come first; then sinks follow their sources along the pipelines. What is left
    // after that hangs in a circle and gets the default as well.
    let named = |manifest: &Manifest| match &manifest.source.topics {
        Topics::Named(names) => names.clone(),
        Topics::Pattern(_) => Vec::new(),
    };
    for manifest in functions {
        for source in named(manifest).iter().filter(|source| !written.contains(source.as_str())) {
            create(source, defaults.partitions, BTreeMap::new(), &mut known);
        }
    }
    for last_round in [false, true] {
        loop {
            let before = known.len();
            for manifest in functions {
                let sources = named(manifest);
                let matched: Vec<String> = match &manifest.source.topics {
                    Topics::Named(_) => sources,
                    Topics::Pattern(_) => known.keys().filter(|topic| manifest.reads(topic)).cloned().collect(),
                };
                if last_round {
                    for source in &matched {
                        create(source, defaults.partitions, BTreeMap::new(), &mut known);
                    }
                }
                if matched.is_empty() || !matched.iter().all(|source| known.contains_key(source)) {
                    continue;
                }
                let partitions = matched.iter().filter_map(|source| known.get(source)).max().copied();
                let partitions = partitions.unwrap_or(defaults.partitions);
                for sink in manifest.sink.topics() {
                    create(sink, partitions, BTreeMap::new(), &mut known);
                }
                if manifest.dead_letter.enabled {
                    let largest = matched.iter().filter_map(|source| max_bytes(source)).max();
                    let room = largest.unwrap_or(DEFAULT_MAX_BYTES) + HEADER_ROOM as u64;
                    let configs = BTreeMap::from([("max.message.bytes".to_owned(), room.to_string())]);
                    create(&manifest.dead_letter.topic, partitions, configs, &mut known);
                }
            }
            if known.len() == before {
                break;
            }
        }
    }
    created
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Pattern;

    fn function(name: &str, sources: &[&str], sink: &str) -> Manifest {
        let names = sources.iter().map(|topic| (*topic).to_owned()).collect();
        let mut manifest = Manifest::new(name, Topics::Named(names));
        manifest.sink.topic = Some(sink.to_owned());
        manifest
    }

    fn topics(list: &[(&str, i32)]) -> TopicMap {
        list.iter().map(|(name, partitions)| ((*name).to_owned(), *partitions)).collect()
    }

    const DEFAULTS: Defaults = Defaults { partitions: 4, replication: None };

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let manifest = function("f", &["in", "other"], "out");
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
        let mut manifest = function("f", &[], "in.copy");
        manifest.source.topics = Topics::Pattern(Pattern::new("^(in|_).*").unwrap());
        let all = topics(&[("in.a", 1), ("in.copy", 1), ("in.dead", 1), ("_in", 1), ("f.dead-letter", 1)]);
        let needs = needs(&manifest, &all, &BTreeSet::from(["in.dead"]));
        assert_eq!(needs.source_names(), ["in.a"]);
        assert!(needs.is_complete());
    }

    #[test]
    fn created_sinks_follow_their_source_along_the_pipeline() {
        let (first, second) = (function("a", &["in"], "middle"), function("b", &["middle"], "out"));
        let created = missing_topics(&[&second, &first], &topics(&[("in", 7)]), |_| Some(1000), DEFAULTS);
        let partitions: BTreeMap<&str, i32> =
            created.iter().map(|topic| (topic.name.as_str(), topic.partitions)).collect();
        let expected = [("a.dead-letter", 7), ("b.dead-letter", 7), ("middle", 7), ("out", 7)];
        assert_eq!(partitions, BTreeMap::from(expected));
        let dead = created.iter().find(|topic| topic.name == "a.dead-letter").unwrap();
        assert_eq!(dead.configs["max.message.bytes"], (1000 + HEADER_ROOM).to_string());
    }

    #[test]
    fn functions_in_a_circle_get_their_topics_too() {
        let (first, second) = (function("a", &["x"], "y"), function("b", &["y"], "x"));
        let created = missing_topics(&[&first, &second], &TopicMap::new(), |_| None, DEFAULTS);
        assert_eq!(created.len(), 4);
        assert!(created.iter().all(|topic| topic.partitions == 4));
    }
}
