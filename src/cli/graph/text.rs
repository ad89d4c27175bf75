//! A pipeline as a tree for terminals: topics, below them the functions that read them, below these what they write.

use std::collections::BTreeSet;

use super::model::{Function, Graph, Role, Topic};
use crate::cli::style::Paint;

const LEGEND: &str = "input: no function here writes it · end: no function here reads it";

pub(super) fn draw(graph: &Graph, paint: Paint) -> String {
    if graph.functions.is_empty() {
        return "no functions\n".to_owned();
    }
    let mut drawing = Drawing { graph, paint, text: String::new(), drawn: BTreeSet::new() };
    let is_root = |topic: &&Topic| matches!(topic.role, Role::Input | Role::Pattern);
    for topic in graph.topics.iter().filter(is_root) {
        drawing.root(topic);
    }
    // What only a circle leads to has no beginning: any topic of the circle will do.
    for topic in graph.topics.iter().filter(|topic| !topic.read_by.is_empty()) {
        if !drawing.drawn.contains(topic.name.as_str()) {
            drawing.root(topic);
        }
    }
    drawing.text.push_str(&format!("{}\n", paint.faint(LEGEND)));
    drawing.text
}

struct Drawing<'a> {
    graph: &'a Graph,
    paint: Paint,
    text: String,
    /// Topics whose readers have been drawn.
    drawn: BTreeSet<&'a str>,
}

impl<'a> Drawing<'a> {
    fn root(&mut self, topic: &'a Topic) {
        self.topic(topic, "", "");
        self.text.push('\n');
    }

    /// A topic with everything behind it; `first` stands before its own line, `rest` before all others.
    fn topic(&mut self, topic: &'a Topic, first: &str, rest: &str) {
        let again = !topic.read_by.is_empty() && self.drawn.contains(topic.name.as_str());
        let note = match topic.role {
            _ if again => "(see above)",
            Role::Input => "(input)",
            Role::Inner => "",
            Role::End => "(end)",
            Role::DeadLetter => "(dead letters)",
            Role::Pattern => "(pattern, matches no topic here)",
        };
        let name = match topic.role {
            Role::DeadLetter => self.paint.faint(&topic.name),
            _ => self.paint.name(&topic.name),
        };
        let gap = if note.is_empty() { "" } else { " " };
        self.line(first, &format!("{name}{gap}{}", self.paint.faint(note)));
        if again {
            return;
        }
        self.drawn.insert(&topic.name);
        let readers: Vec<&Function> = topic.read_by.iter().filter_map(|name| self.graph.function(name)).collect();
        for (index, function) in readers.iter().enumerate() {
            let (branch, indent) = twigs(index + 1 == readers.len());
            self.function(function, topic, &format!("{rest}{branch}"), &format!("{rest}{indent}"));
        }
    }

    fn function(&mut self, function: &'a Function, from: &Topic, first: &str, rest: &str) {
        let others: Vec<&str> =
            function.reads.iter().filter(|topic| **topic != from.name).map(String::as_str).collect();
        let mut label = format!("[{}]", self.paint.strong(&function.name));
        if !others.is_empty() {
            label.push_str(&self.paint.faint(format!(" (also reads {})", others.join(", "))));
        }
        self.line(first, &label);
        // What it writes is drawn once, below the first of its sources.
        if function.reads.iter().any(|topic| *topic != from.name && self.drawn.contains(topic.as_str())) {
            if !function.writes.is_empty() {
                self.line(&format!("{rest}└─ "), &self.paint.faint("(see above)"));
            }
            return;
        }
        let outputs: Vec<&Topic> =
            function.writes.iter().chain(&function.dead_letter).filter_map(|name| self.graph.topic(name)).collect();
        for (index, topic) in outputs.iter().enumerate() {
            let (branch, indent) = twigs(index + 1 == outputs.len());
            self.topic(topic, &format!("{rest}{branch}"), &format!("{rest}{indent}"));
        }
    }

    fn line(&mut self, before: &str, label: &str) {
        self.text.push_str(&format!("{}{label}\n", self.paint.faint(before)));
    }
}

fn twigs(last: bool) -> (&'static str, &'static str) {
    if last { ("└─ ", "   ") } else { ("├─ ", "│  ") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{diagrams, model::Graph};
    use super::*;
    use crate::manifest::{Manifest, ParseOptions};

    fn graph(functions: &[(&str, &str)]) -> Graph {
        let manifests: Vec<Manifest> = functions
            .iter()
            .map(|(name, text)| {
                Manifest::parse(Path::new("function.toml"), name, text, &ParseOptions::default()).unwrap()
            })
            .collect();
        Graph::new(&manifests)
    }

    fn pipeline() -> Graph {
        graph(&[
            ("clean", "[source]\ntopics = [\"raw\"]\n[sink]\ntopic = \"clean\""),
            ("route", "[source]\ntopics = [\"clean\"]\n[sink]\ntopic = \"all\"\nalso = [\"big\"]"),
            ("audit", "[source]\ntopics = [\"clean\", \"extra\"]\n[dead-letter]\nenabled = false"),
            ("mend", "[source]\ntopics = [\"clean.dead-letter\"]\n[sink]\ntopic = \"raw\""),
        ])
    }

    #[test]
    fn a_pipeline_is_a_tree_from_inputs_to_ends() {
        insta::assert_snapshot!(draw(&pipeline(), Paint::default()));
    }

    #[test]
    fn a_pattern_stands_for_what_it_matches() {
        let graph = graph(&[
            ("make", "[source]\ntopics = [\"in\"]\n[sink]\ntopic = \"orders.new\""),
            ("all-orders", "[source]\npattern = \"orders\\\\..*\""),
            ("nothing-yet", "[source]\npattern = \"other\\\\..*\""),
        ]);
        insta::assert_snapshot!(draw(&graph, Paint::default()));
    }

    #[test]
    fn a_circle_is_drawn_once() {
        let graph = graph(&[
            ("ping", "[source]\ntopics = [\"a\"]\n[sink]\ntopic = \"b\""),
            ("pong", "[source]\ntopics = [\"b\"]\n[sink]\ntopic = \"a\""),
        ]);
        insta::assert_snapshot!(draw(&graph, Paint::default()));
    }

    #[test]
    fn mermaid_and_dot_know_the_same_pipeline() {
        insta::assert_snapshot!("mermaid", diagrams::mermaid(&pipeline()));
        insta::assert_snapshot!("dot", diagrams::dot(&pipeline()));
    }
}
