//! Topics and functions, and what flows between them, as far as manifests say it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::manifest::{Manifest, Topics};

#[derive(Debug, Serialize)]
pub(in crate::cli) struct Graph {
    pub(in crate::cli) functions: Vec<Function>,
    pub(in crate::cli) topics: Vec<Topic>,
}

#[derive(Debug, Serialize)]
pub(in crate::cli) struct Function {
    pub(in crate::cli) name: String,
    /// The topics that it reads; for a pattern those of this graph that match.
    pub(in crate::cli) reads: Vec<String>,
    pub(in crate::cli) pattern: Option<String>,
    pub(in crate::cli) writes: Vec<String>,
    pub(in crate::cli) dead_letter: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::cli) struct Topic {
    pub(in crate::cli) name: String,
    pub(in crate::cli) role: Role,
    /// The functions that write it, without dead letters.
    pub(in crate::cli) written_by: Vec<String>,
    pub(in crate::cli) read_by: Vec<String>,
    pub(in crate::cli) dead_letter_of: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Role {
    /// No function writes it.
    Input,
    /// Written and read by functions.
    Inner,
    /// No function reads it.
    End,
    /// Holds dead letters, and no function reads it.
    DeadLetter,
    /// Stands for what a pattern may match, when it matches no topic of this graph.
    Pattern,
}

impl Graph {
    pub(in crate::cli) fn new(manifests: &[Manifest]) -> Self {
        let known = known_topics(manifests);
        let mut functions: Vec<Function> = manifests.iter().map(|manifest| function(manifest, &known)).collect();
        functions.sort_by(|one, other| one.name.cmp(&other.name));
        let topics = topics(&functions);
        Graph { functions, topics }
    }

    pub(in crate::cli) fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.iter().find(|topic| topic.name == name)
    }

    pub(in crate::cli) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// Every topic that a pattern may match: dead letters are never read by pattern.
fn known_topics(manifests: &[Manifest]) -> BTreeSet<&str> {
    let mut known = BTreeSet::new();
    for manifest in manifests {
        known.extend(manifest.sink.topics());
        if let Topics::Named(names) = &manifest.source.topics {
            known.extend(names.iter().map(String::as_str));
        }
    }
    for manifest in manifests.iter().filter(|manifest| manifest.dead_letter.enabled) {
        known.remove(manifest.dead_letter.topic.as_str());
    }
    known
}

fn function(manifest: &Manifest, known: &BTreeSet<&str>) -> Function {
    let (reads, pattern) = match &manifest.source.topics {
        Topics::Named(names) => (names.clone(), None),
        Topics::Pattern(pattern) => {
            let matched: Vec<String> =
                known.iter().filter(|topic| manifest.reads(topic)).map(ToString::to_string).collect();
            let written = format!("/{}/", pattern.as_str());
            // Even if nothing matches yet, there must be something to draw.
            (if matched.is_empty() { vec![written.clone()] } else { matched }, Some(written))
        }
    };
    Function {
        name: manifest.name.clone(),
        reads,
        pattern,
        writes: manifest.sink.topics().map(ToOwned::to_owned).collect(),
        dead_letter: manifest.dead_letter.enabled.then(|| manifest.dead_letter.topic.clone()),
    }
}

fn topics(functions: &[Function]) -> Vec<Topic> {
    let mut topics: BTreeMap<&str, Topic> = BTreeMap::new();
    for function in functions {
        for name in &function.reads {
            topics.entry(name).or_insert_with(|| Topic::new(name)).read_by.push(function.name.clone());
        }
        for name in &function.writes {
            topics.entry(name).or_insert_with(|| Topic::new(name)).written_by.push(function.name.clone());
        }
        if let Some(name) = &function.dead_letter {
            topics.entry(name).or_insert_with(|| Topic::new(name)).dead_letter_of.push(function.name.clone());
        }
    }
    let mut topics: Vec<Topic> = topics.into_values().collect();
    for topic in &mut topics {
        let is_pattern = functions.iter().any(|function| function.pattern.as_deref() == Some(&topic.name));
        topic.role = topic.role(is_pattern);
    }
    topics
}

impl Topic {
    fn new(name: &str) -> Self {
        Topic {
            name: name.to_owned(),
            role: Role::Inner,
            written_by: Vec::new(),
            read_by: Vec::new(),
            dead_letter_of: Vec::new(),
        }
    }

    fn role(&self, is_pattern: bool) -> Role {
        let (written, read) = (!self.written_by.is_empty(), !self.read_by.is_empty());
        let dead = !self.dead_letter_of.is_empty();
        match (written, read) {
            _ if is_pattern => Role::Pattern,
            (true, true) => Role::Inner,
            (false, true) if dead => Role::Inner,
            (false, true) => Role::Input,
            (false, false) if dead => Role::DeadLetter,
            (_, false) => Role::End,
        }
    }
}
