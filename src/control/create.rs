//! Which topics to make so that functions can run. Pure logic over a list of topics.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{TopicMap, sources};
use crate::kafka::NewTopic;
use crate::manifest::{Manifest, Topics};
use crate::pipeline::HEADER_ROOM;

/// The limit of a source that does not tell its own: what our producer sends at most. A letter that its topic refuses
/// would stop the partition, whereas room that is not needed costs nothing.
const UNKNOWN_MAX_BYTES: u64 = 256 << 20;

/// How topics that nobody has made yet are to be made.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    pub partitions: i32,
    pub replication: Option<i32>,
}

impl Defaults {
    fn topic(&self, name: &str, partitions: i32) -> NewTopic {
        NewTopic { name: name.to_owned(), partitions, replication: self.replication, configs: BTreeMap::new() }
    }
}

/// The sources and sinks to create so that all these functions can run. A sink gets as many partitions as its source,
/// so that keys stay together along a pipeline. `dead_letters` are those of all functions, which no pattern matches.
pub fn missing_topics(
    functions: &[&Manifest],
    existing: &TopicMap,
    dead_letters: &BTreeSet<&str>,
    defaults: Defaults,
) -> Vec<NewTopic> {
    let mut known = existing.clone();
    let mut created = Vec::new();
    // Dead-letter topics that these functions write come later, with a size of their own.
    let letters: BTreeSet<&str> = functions.iter().filter_map(|manifest| letter(manifest)).collect();
    let written: BTreeSet<&str> = functions.iter().flat_map(|manifest| manifest.sink.topics()).collect();
    let mut create = |name: &str, partitions: i32, known: &mut TopicMap| {
        if !known.contains_key(name) && !letters.contains(name) {
            known.insert(name.to_owned(), partitions);
            created.push(defaults.topic(name, partitions));
        }
    };
    // Sources that no function writes come first; then sinks follow their sources along the pipelines. What is left
    // after that hangs in a circle and gets the default as well.
    for manifest in functions {
        if let Topics::Named(names) = &manifest.source.topics {
            for source in names.iter().filter(|source| !written.contains(source.as_str())) {
                create(source, defaults.partitions, &mut known);
            }
        }
    }
    for last_round in [false, true] {
        loop {
            let before = known.len();
            for manifest in functions {
                let sources = sources(manifest, &known, dead_letters);
                if last_round {
                    for source in &sources {
                        create(source, defaults.partitions, &mut known);
                    }
                }
                if let Some(partitions) = partitions(&sources, &known) {
                    for sink in manifest.sink.topics() {
                        create(sink, partitions, &mut known);
                    }
                }
            }
            if known.len() == before {
                break;
            }
        }
    }
    created
}

/// The dead-letter topics to create, when all else exists. They have room for the largest record of their sources and
/// for what we add to it, so `max_bytes` is asked, which may take its time, only for the sources of those that lack.
pub fn missing_letters(
    functions: &[&Manifest],
    existing: &TopicMap,
    dead_letters: &BTreeSet<&str>,
    max_bytes: impl Fn(&str) -> Option<u64>,
    defaults: Defaults,
) -> Vec<NewTopic> {
    let mut created: BTreeMap<&str, NewTopic> = BTreeMap::new();
    for manifest in functions {
        let Some(name) = letter(manifest).filter(|name| !existing.contains_key(*name)) else { continue };
        let sources = sources(manifest, existing, dead_letters);
        let Some(partitions) = partitions(&sources, existing) else { continue };
        let largest = sources.iter().map(|source| max_bytes(source).unwrap_or(UNKNOWN_MAX_BYTES)).max();
        let room = largest.unwrap_or(UNKNOWN_MAX_BYTES) + HEADER_ROOM as u64;
        let mut topic = defaults.topic(name, partitions);
        topic.configs.insert("max.message.bytes".to_owned(), room.to_string());
        created.entry(name).or_insert(topic);
    }
    created.into_values().collect()
}

fn letter(manifest: &Manifest) -> Option<&str> {
    manifest.dead_letter.enabled.then_some(manifest.dead_letter.topic.as_str())
}

/// As many as the largest source has, if all of them exist.
fn partitions(sources: &[String], known: &TopicMap) -> Option<i32> {
    let each: Option<Vec<i32>> = sources.iter().map(|source| known.get(source).copied()).collect();
    each?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::control::samples::{manifest, topics};

    const DEFAULTS: Defaults = Defaults { partitions: 4, replication: None };

    fn none() -> BTreeSet<&'static str> {
        BTreeSet::new()
    }

    fn counts(created: &[NewTopic]) -> BTreeMap<&str, i32> {
        created.iter().map(|topic| (topic.name.as_str(), topic.partitions)).collect()
    }

    #[test]
    fn created_sinks_follow_their_source_along_the_pipeline() {
        let (first, second) = (manifest("a", &["in"], "middle"), manifest("b", &["middle"], "out"));
        let functions = [&second, &first];
        let created = missing_topics(&functions, &topics(&[("in", 7)]), &none(), DEFAULTS);
        assert_eq!(counts(&created), BTreeMap::from([("middle", 7), ("out", 7)]));

        let existing = topics(&[("in", 7), ("middle", 7), ("out", 7)]);
        let created = missing_letters(&functions, &existing, &none(), |_| Some(1000), DEFAULTS);
        assert_eq!(counts(&created), BTreeMap::from([("a.dead-letter", 7), ("b.dead-letter", 7)]));
        assert_eq!(created[0].configs["max.message.bytes"], (1000 + HEADER_ROOM).to_string());
    }

    #[test]
    fn functions_in_a_circle_get_their_topics_too() {
        let (first, second) = (manifest("a", &["x"], "y"), manifest("b", &["y"], "x"));
        let created = missing_topics(&[&first, &second], &TopicMap::new(), &none(), DEFAULTS);
        assert_eq!(counts(&created), BTreeMap::from([("x", 4), ("y", 4)]));
    }

    #[test]
    fn a_letter_topic_waits_for_its_sources_and_has_room_for_what_they_take() {
        let function = manifest("a", &["in", "large"], "out");
        let limit = |topic: &str| if topic == "large" { Some(10 << 20) } else { Some(1 << 20) };
        let letters = |existing: &[(&str, i32)], limit: &dyn Fn(&str) -> Option<u64>| {
            let created = missing_letters(&[&function], &topics(existing), &none(), limit, DEFAULTS);
            created.first().map(|topic| topic.configs["max.message.bytes"].parse::<u64>().unwrap())
        };
        assert_eq!(letters(&[("in", 1)], &limit), None, "the limit of what is about to be made cannot be asked yet");
        let room = HEADER_ROOM as u64;
        let both = [("in", 1), ("large", 1)];
        assert_eq!(letters(&both, &limit), Some((10 << 20) + room));
        assert_eq!(letters(&both, &|_| None), Some(UNKNOWN_MAX_BYTES + room));
    }

    #[test]
    fn limits_are_asked_only_where_a_letter_topic_is_missing() {
        let (has, lacks) = (manifest("has", &["in"], "out"), manifest("lacks", &["other"], "out"));
        let existing = topics(&[("in", 1), ("other", 1), ("out", 1), ("has.dead-letter", 1)]);
        let asked = RefCell::new(Vec::new());
        let limit = |topic: &str| {
            asked.borrow_mut().push(topic.to_owned());
            Some(1000)
        };
        let created = missing_letters(&[&has, &lacks], &existing, &none(), limit, DEFAULTS);
        assert_eq!(counts(&created), BTreeMap::from([("lacks.dead-letter", 1)]));
        assert_eq!(asked.into_inner(), ["other"]);
    }

    #[test]
    fn letters_that_another_function_reads_are_made_as_letters() {
        let (writer, reader) = (manifest("a", &["in"], "out"), manifest("b", &["a.dead-letter"], "mended"));
        let functions = [&writer, &reader];
        let created = missing_topics(&functions, &topics(&[("in", 2)]), &none(), DEFAULTS);
        assert_eq!(counts(&created), BTreeMap::from([("out", 2)]));
        let created = missing_letters(&functions, &topics(&[("in", 2), ("out", 2)]), &none(), |_| None, DEFAULTS);
        assert_eq!(counts(&created), BTreeMap::from([("a.dead-letter", 2)]));
    }
}
