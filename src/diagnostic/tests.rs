//! How diagnostics look to people and to machines.

use super::*;

const TEXT: &str = "[source]\ntopics = [\"grüße\", \"a b\"]\nstart = \"soon\"\n";

fn source() -> SourceText {
    SourceText::new("functions/a/function.toml", TEXT)
}

fn span_of(part: &str) -> std::ops::Range<usize> {
    let start = TEXT.find(part).unwrap();
    start..start + part.len()
}

fn mistake() -> Diagnostic {
    Diagnostic::error_at(codes::TOPIC_NAME, &source(), span_of("\"a b\""), "not a topic: \"a b\"")
        .with_hint("leave out the space")
        .with_related(Related::at(&source(), span_of("[source]"), "in this table"))
}

#[test]
fn text_shows_place_line_and_help() {
    insta::assert_snapshot!(mistake().render(false), @r#"
    error[E1008]: not a topic: "a b"
     --> functions/a/function.toml:2:20
      |
    2 | topics = ["grüße", "a b"]
      |                    ^^^^^
      |
    note: in this table
     --> functions/a/function.toml:1:1
      |
    1 | [source]
      | ^^^^^^^^
      = help: leave out the space
    "#);
}

#[test]
fn what_has_no_text_still_names_its_place() {
    let place = "environment variable EDDYLINE__X";
    let mistake = Diagnostic::error(codes::UNKNOWN_KEY, place, "unknown key `x`").with_hint("try y");
    insta::assert_snapshot!(mistake.as_warning().render(false), @r"
    warning[E1002]: unknown key `x`
    --> environment variable EDDYLINE__X
     = help: try y
    ");
}

#[test]
fn colour_comes_only_when_asked_for() {
    assert!(!mistake().render(false).contains('\u{1b}'));
    assert!(mistake().render(true).contains('\u{1b}'));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let source = SourceText::new("f", "a\u{1b}[31m = 1\n");
    let mistake =
        Diagnostic::error_at(codes::SYNTAX, &source, 0..6, "bad \u{1b}[2J key").with_hint("\u{1b}]0;title\u{7}");
    let text = mistake.render(false);
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    assert!(text.contains(r"bad \u{1b}[2J key"), "{text}");
}

#[test]
fn json_has_every_field_but_the_whole_text() {
    let json = serde_json::to_value(Diagnostics::from(mistake())).unwrap();
    let expected = serde_json::json!([{
        "code": "E1008",
        "severity": "error",
        "message": "not a topic: \"a b\"",
        "file": "functions/a/function.toml",
        "span": { "start": 30, "end": 35 },
        "line": 2,
        "column": 20,
        "snippet": "\"a b\"",
        "hint": "leave out the space",
        "related": [{
            "file": "functions/a/function.toml",
            "line": 1,
            "column": 1,
            "message": "in this table",
        }],
    }]);
    assert_eq!(json, expected);
}

#[test]
fn spans_beyond_the_text_or_within_a_character_are_moved() {
    let text = source();
    let inside = TEXT.find('ü').unwrap() + 1;
    for span in
        [inside..inside, 0..usize::MAX, std::ops::Range { start: usize::MAX, end: 0 }, TEXT.len()..TEXT.len() + 9]
    {
        Diagnostic::error_at(codes::SYNTAX, &text, span, "x").render(false);
    }
    let at_end = text.position(TEXT.len());
    assert_eq!((at_end.line, at_end.column), (4, 1));
}

#[test]
fn suggestions_are_near_or_absent() {
    let known = ["topics", "pattern", "start", "skip-older-than"];
    assert_eq!(nearest("topcs", known), Some("topics"));
    assert_eq!(nearest("skip_older_than", known), Some("skip-older-than"));
    assert_eq!(nearest("Topics", known), Some("topics"));
    assert_eq!(nearest("colour", known), None);
    assert_eq!(did_you_mean("colour", known).as_deref(), Some("known here: topics, pattern, start, skip-older-than"));
}

#[test]
fn warnings_do_not_stop_anything() {
    let mut diagnostics = Diagnostics::from(mistake().as_warning());
    assert_eq!(diagnostics.clone().or_value(5), Ok(5));
    diagnostics.push(mistake());
    assert_eq!(diagnostics.or_value(5).unwrap_err().len(), 2);
}
