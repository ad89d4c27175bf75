use proptest::prelude::*;

use super::{cases::CASES, *};

const SOURCE: &str = "[source]\ntopics = [\"orders\"]\n";

/// Each mistake as `code line:column «text at fault» message; hint`.
fn brief(mistakes: &Diagnostics) -> Vec<String> {
    let one = |it: &crate::diagnostic::Diagnostic| {
        let place = match (it.line, it.column) {
            (Some(line), Some(column)) => format!(" {line}:{column}"),
            _ => String::new(),
        };
        let snippet = it.snippet.as_ref().map(|text| format!(" «{text}»"));
        let hint = it.hint.as_ref().map(|hint| format!("; {hint}"));
        let [snippet, hint] = [snippet, hint].map(Option::unwrap_or_default);
        format!("{}{place}{snippet} {}{hint}", it.code, it.message)
    };
    mistakes.iter().map(one).collect()
}

#[test]
fn each_mistake_is_shown_with_place_text_and_hint() {
    for (text, expected) in CASES {
        let text = text.replace("SOURCE\n", SOURCE);
        let mistakes = parse(&text).expect_err(&text);
        assert_eq!(brief(&mistakes), *expected, "{text}");
    }
}

#[test]
fn all_mistakes_are_shown_at_once_in_the_order_of_the_text() {
    let text = "tennant = \"x\"\n[source]\ntopics = [\"a b\"]\n[limits]\ncpu = 5\nwal = \"1s\"\n[env]\nA = 1\n";
    let lines: Vec<_> = parse(text).unwrap_err().iter().map(|it| it.line).collect();
    assert_eq!(lines, [1, 3, 5, 6, 8].map(Some));
}

#[test]
fn weaker_orders_are_accepted_while_nothing_runs_side_by_side() {
    for order in ["partition", "key", "none"] {
        let text = format!("{SOURCE}[delivery]\norder = \"{order}\"\nconcurrency = 1");
        assert!(parse(&text).is_ok(), "{order}");
    }
}

#[test]
fn folders_that_are_no_names_are_refused() {
    for name in ["", "Enrich", "-a", "a_b", "ümlaut"] {
        let file = Path::new(FILE);
        let parsed = Manifest::parse(file, name, SOURCE, &ParseOptions::default());
        let mistakes = parsed.unwrap_err();
        assert_eq!(mistakes.iter().next().unwrap().code, "E1007", "{name}");
    }
}

#[test]
fn unreadable_manifests_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let load = || Manifest::load(folder.path(), &ParseOptions::default()).unwrap_err();
    assert!(load().render(false).contains("cannot read"));
    let file = folder.path().join(MANIFEST_FILE);
    std::fs::write(&file, b"# \xff").unwrap();
    assert!(load().render(false).contains("not UTF-8 at byte 2"));
    std::fs::write(&file, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(load().render(false).contains("no file of at most 1MiB"));
}

#[test]
fn nesting_without_end_is_a_mistake_and_no_crash() {
    let many = 100_000;
    for text in [
        format!("{} = 1", vec!["a"; many].join(".")),
        format!("[{}]", vec!["a"; many].join(".")),
        format!("a = {}", "[".repeat(many)),
        format!("a = {}", "{a=".repeat(many)),
        format!("secrets.{} = 1", vec!["a"; many].join(".")),
        format!("[source]\npattern = '{}'", "(".repeat(many)),
        format!("[source]\npattern = '{}a{}'", "(".repeat(many), ")".repeat(many)),
        format!("[source]\npattern = '{}'", "a{1000}{1000}".repeat(100)),
    ] {
        must_not_panic(&text);
        assert!(parse(&text).is_err());
    }
}

fn must_not_panic(text: &str) {
    if let Err(mistakes) = parse(text) {
        assert!(!mistakes.is_empty());
        mistakes.render(true);
    }
}

proptest! {
    #[test]
    fn no_text_makes_parsing_or_rendering_panic(text in any::<String>()) {
        must_not_panic(&text);
    }

    #[test]
    fn no_mutation_of_a_manifest_makes_parsing_or_rendering_panic(
        at in 0..REFERENCE.len(),
        length in 0_usize..40,
        inserted in "[\\[\\]{}\"'=.,#\r\n\ta-z0-9ü\u{0}-]{0,12}",
    ) {
        let mut start = at;
        while !REFERENCE.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = (at + length).min(REFERENCE.len());
        while !REFERENCE.is_char_boundary(end) {
            end += 1;
        }
        must_not_panic(&format!("{}{inserted}{}", &REFERENCE[..start], &REFERENCE[end..]));
    }

    #[test]
    fn no_tokens_make_parsing_or_rendering_panic(
        tokens in proptest::collection::vec(
            prop::sample::select(vec![
                "[source]", "[[filter]]", "[secrets]", "[limits]", "source", "topics", "pattern",
                "sink", "secrets", "retry.backoff", ".", " = ", "\n", "[", "]", "{", "}", "\"a\"",
                "'x(", "5", "-1", "1.5", "true", "\"5s\"", "2026-01-31", ",", "A", "#", "\"\"\"",
            ]),
            0..40,
        ),
    ) {
        must_not_panic(&tokens.concat());
    }
}
