//! The walk agrees with the model, and nothing makes it panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::generate::{patterns, texts};
use super::*;

/// The filter of these patterns of the value, unless they have too many alternatives.
fn filter_of(patterns: &[Value]) -> Option<Filter> {
    let parse = |pattern: &Value| Pattern::parse(&json!({ "value": pattern }).to_string()).unwrap();
    Filter::new(patterns.iter().map(parse).collect()).ok()
}

/// What the model says; nothing where the text is beyond what `serde_json` parses and JavaScript does not mind.
fn modelled(patterns: &[Value], text: &[u8]) -> Option<Verdict> {
    let data = match serde_json::from_slice::<Value>(text) {
        Ok(data) => data,
        Err(error) => {
            let message = error.to_string();
            let lenient = ["number out of range", "surrogate", "hex escape", "recursion limit"];
            let beyond = lenient.iter().any(|part| message.contains(part));
            return (!beyond).then_some(Verdict::Undecodable);
        }
    };
    let wanted = patterns.iter().any(|pattern| model::matches(pattern, &data));
    Some(if wanted { Verdict::Wanted } else { Verdict::Unwanted })
}

proptest! {
    #[test]
    fn every_text_is_judged_as_the_model_judges_it(
        patterns in proptest::collection::vec(patterns(), 1..3),
        texts in proptest::collection::vec(texts(), 1..8),
    ) {
        let Some(filter) = filter_of(&patterns) else { return Ok(()) };
        // One sieve for all, so that nothing of one record may be left for the next.
        let mut sieve = filter.sieve();
        for text in &texts {
            let expected = modelled(&patterns, text.as_bytes());
            prop_assert!(expected.is_some_and(|verdict| verdict != Verdict::Undecodable), "{text} is JSON");
            prop_assert_eq!(Some(sieve.judge(&valued(Some(text.as_bytes())))), expected, "{:?} on {}", &patterns, text);
        }
    }

    #[test]
    fn what_is_cut_or_garbled_is_never_wanted_unless_it_is_json_still(
        patterns in proptest::collection::vec(patterns(), 1..3),
        text in texts(),
        cut in any::<prop::sample::Index>(),
        length in 0_usize..4,
        inserted in prop_oneof![
            "[\\[\\]{}\",:0-9eE.+\\-\\\\unltf \u{0}]{0,4}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..3),
        ],
    ) {
        let Some(filter) = filter_of(&patterns) else { return Ok(()) };
        let bytes = text.as_bytes();
        let begin = cut.index(bytes.len() + 1);
        let end = (begin + length).min(bytes.len());
        for garbled in [[&bytes[..begin], &inserted, &bytes[end..]].concat(), bytes[..begin].to_vec(), inserted.clone()] {
            let verdict = filter.sieve().judge(&valued(Some(&garbled)));
            let shown = String::from_utf8_lossy(&garbled);
            match modelled(&patterns, &garbled) {
                // What is not wanted anyhow may be dropped before it shows that it is no JSON.
                Some(Verdict::Undecodable) => prop_assert_ne!(verdict, Verdict::Wanted, "{:?} on {}", &patterns, shown),
                Some(expected) => prop_assert_eq!(verdict, expected, "{:?} on {}", &patterns, shown),
                None => {}
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(pattern in patterns(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(filter) = filter_of(&[pattern]) {
            filter.sieve().judge(&valued(Some(&bytes)));
        }
    }

    #[test]
    fn no_text_makes_parsing_a_pattern_panic(
        text in any::<String>(),
        tokens in proptest::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"value\"", "\"key\"", "\"$or\"", "\"numeric\"", "\"exists\"", "true", "null",
                "\"anything-but\"", "\"prefix\"", "\">\"", "5", "-1e400", "\"headers\"", "\"a\"", "\"partition\"",
            ]),
            0..30,
        ),
    ) {
        for text in [text, tokens.concat()] {
            if let Ok(pattern) = Pattern::parse(&text) {
                let _ = Filter::new(vec![pattern]);
            }
        }
    }
}
