//! Where a function writes: `[sink]` and `[dead-letter]`, and that it is not where it reads.

use super::{
    DeadLetter, Manifest, Sink, names,
    sections::{Placed, refuse_twice},
};
use crate::{diagnostic::codes, document::TableReader};

/// Reads `[sink]`; returns its topics with their places.
pub(super) fn sink<'d>(root: &mut TableReader<'d>, sink: &mut Sink) -> Vec<Placed<'d>> {
    let mut placed: Vec<Placed<'d>> = Vec::new();
    let Some(mut table) = root.table("sink") else {
        return placed;
    };
    if let Some(value) = table.value("topic")
        && let Some(name) = value.string()
        && let Some(name) = names::written_topic(name, &value)
    {
        sink.topic = Some(name.clone());
        placed.push((name, value));
    }
    if let Some(value) = table.value("also") {
        for (name, place) in value.strings().unwrap_or_default() {
            let Some(name) = names::written_topic(name, &place) else {
                continue;
            };
            refuse_twice(&name, &place, &placed);
            sink.also.push(name.clone());
            placed.push((name, place));
        }
    }
    table.refuse_unknown();
    placed
}

/// Reads `[dead-letter]`; returns its topic with its place.
pub(super) fn dead_letter<'d>(root: &mut TableReader<'d>, dead_letter: &mut DeadLetter) -> Option<Placed<'d>> {
    let mut table = root.table("dead-letter")?;
    table.boolean("enabled", &mut dead_letter.enabled);
    let mut placed = None;
    if let Some(value) = table.value("topic")
        && let Some(name) = value.string()
        && let Some(name) = names::written_topic(name, &value)
    {
        dead_letter.topic = name.clone();
        placed = dead_letter.enabled.then_some((name, value));
    }
    table.refuse_unknown();
    placed
}

/// Refuses a function that would read its own results or dead letters for ever.
pub(super) fn refuse_own(manifest: &Manifest, sources: &[Placed<'_>], written: &[Placed<'_>]) {
    for (topic, place) in written {
        if let Some((_, source)) = sources.iter().find(|(source, _)| source == topic) {
            let message = format!("the function reads {topic:?}, which it writes itself");
            place.note(
                place
                    .error(codes::OWN_SINK, message)
                    .with_hint("write to another topic; each result would come back as a record")
                    .with_related(source.related("it is a source here")),
            );
        }
    }
    let letters = &manifest.dead_letter;
    let written_there = written.iter().any(|(topic, _)| *topic == letters.topic);
    if letters.enabled
        && !written_there
        && let Some((topic, source)) = sources.iter().find(|(topic, _)| *topic == letters.topic)
    {
        let message = format!("the function reads {topic:?}, its own dead-letter topic");
        let hint = "choose another `dead-letter.topic`, or read these records by another function";
        source.refuse::<()>(codes::OWN_SINK, message, hint);
    }
}
