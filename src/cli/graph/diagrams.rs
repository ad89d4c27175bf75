//! A pipeline for tools that draw: Mermaid and Graphviz.

use std::{collections::BTreeMap, fmt::Write};

use super::model::{Graph, Role};

/// From one node's id to another's, and whether dead letters go this way.
type Edge = (String, String, bool);

pub(super) fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    let ids = ids(graph);
    for topic in &graph.topics {
        let _ = writeln!(text, "  {}([\"{}\"]):::{}", ids[&topic.name], quoted(&topic.name), class(topic.role));
    }
    for (index, function) in graph.functions.iter().enumerate() {
        let _ = writeln!(text, "  f{index}[\"{}\"]", quoted(&function.name));
    }
    for (from, to, dead) in edges(graph, &ids) {
        let _ = writeln!(text, "  {from} {} {to}", if dead { "-.->" } else { "-->" });
    }
    text.push_str(
        "  classDef input stroke-width:3px\n  classDef inner stroke-width:1px\n  classDef ending stroke-width:3px\n  \
         classDef dead stroke-dasharray:4\n  classDef pattern stroke-dasharray:2\n",
    );
    text
}

pub(super) fn dot(graph: &Graph) -> String {
    let mut text = String::from("digraph pipeline {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    let ids = ids(graph);
    for topic in &graph.topics {
        let look = match topic.role {
            Role::Input | Role::End => ", penwidth=2",
            Role::Inner => "",
            Role::DeadLetter | Role::Pattern => ", style=dashed",
        };
        let _ = writeln!(text, "  {} [label=\"{}\", shape=oval{look}];", ids[&topic.name], escaped(&topic.name));
    }
    for (index, function) in graph.functions.iter().enumerate() {
        let _ = writeln!(text, "  f{index} [label=\"{}\", shape=box];", escaped(&function.name));
    }
    for (from, to, dead) in edges(graph, &ids) {
        let _ = writeln!(text, "  {from} -> {to}{};", if dead { " [style=dashed]" } else { "" });
    }
    text.push_str("}\n");
    text
}

/// Names hold characters that the languages of diagrams use otherwise, so topics are numbered.
fn ids(graph: &Graph) -> BTreeMap<String, String> {
    graph.topics.iter().enumerate().map(|(index, topic)| (topic.name.clone(), format!("t{index}"))).collect()
}

fn edges(graph: &Graph, ids: &BTreeMap<String, String>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (index, function) in graph.functions.iter().enumerate() {
        let id = format!("f{index}");
        edges.extend(function.reads.iter().map(|topic| (ids[topic].clone(), id.clone(), false)));
        edges.extend(function.writes.iter().map(|topic| (id.clone(), ids[topic].clone(), false)));
        edges.extend(function.dead_letter.iter().map(|topic| (id.clone(), ids[topic].clone(), true)));
    }
    edges
}

fn class(role: Role) -> &'static str {
    match role {
        Role::Input => "input",
        Role::Inner => "inner",
        // `end` would close a subgraph.
        Role::End => "ending",
        Role::DeadLetter => "dead",
        Role::Pattern => "pattern",
    }
}

fn quoted(name: &str) -> String {
    name.replace('"', "#quot;")
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"")
}
