//! Diagnostics as text, in the manner of rustc.

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::model::{Diagnostic, Related, Severity};

pub(super) fn render(diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut main = level.primary_title(visible(&diagnostic.message)).id(diagnostic.code).element(place_of(diagnostic));
    let hint = diagnostic.hint.as_deref().map(|hint| Level::HELP.message(visible(hint)));
    if diagnostic.related.is_empty() {
        main = main.elements(hint);
        return renderer(colour).render(&[main]) + "\n";
    }
    // The help belongs to all places together, so it comes after the last of them.
    let mut groups = vec![main];
    groups.extend(diagnostic.related.iter().map(related_group));
    if let (Some(last), Some(hint)) = (groups.pop(), hint) {
        groups.push(last.element(hint));
    }
    renderer(colour).render(&groups) + "\n"
}

fn renderer(colour: bool) -> Renderer {
    if colour { Renderer::styled() } else { Renderer::plain() }
}

fn place_of(diagnostic: &Diagnostic) -> Element<'_> {
    match (&diagnostic.source, &diagnostic.span) {
        (Some(source), Some(span)) => Snippet::source(source.text())
            .path(visible(&diagnostic.file.to_string_lossy()))
            .annotation(AnnotationKind::Primary.span(span.clone()))
            .into(),
        _ => Origin::path(visible(&diagnostic.file.to_string_lossy())).into(),
    }
}

fn related_group(related: &Related) -> Group<'_> {
    let title = Level::NOTE.secondary_title(visible(&related.message));
    match (&related.source, &related.span) {
        (Some(source), Some(span)) => title.element(
            Snippet::<Annotation<'_>>::source(source.text())
                .path(visible(&related.file.to_string_lossy()))
                .annotation(AnnotationKind::Primary.span(span.clone())),
        ),
        _ => title.element(Origin::path(visible(&related.file.to_string_lossy()))),
    }
}

/// Names may hold anything; control characters must not reach the terminal as such.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
