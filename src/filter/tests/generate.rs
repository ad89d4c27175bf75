//! Random JSON texts in every spelling, and random patterns that have a chance to match them.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// Few enough for patterns and data to meet.
const KEYS: [&str; 5] = ["a", "b", "a.b", "ü", ""];
const TEXTS: [&str; 8] = ["", "a", "ab", "abc", "ABC", "ü\"\\/\n", "😀", "1"];
const NUMBERS: [f64; 8] = [0.0, 1.0, -1.0, 1.5, 100.0, 1e9, 12345678901234567000.0, 0.001];

/// JSON as text: whatever the grammar allows, repeated keys too.
pub(super) fn texts() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        number(),
        select(&TEXTS[..]).prop_flat_map(string),
        "\\PC{0,40}".prop_flat_map(|text| string(&text)),
    ];
    let inner = scalar.prop_recursive(5, 40, 5, |inner| {
        let entry = (select(&KEYS[..]).prop_flat_map(string), spaces(), spaces(), inner.clone(), spaces());
        let entry = entry.prop_map(|(key, before, after, value, end)| format!("{key}{before}:{after}{value}{end}"));
        let object = proptest::collection::vec((spaces(), entry), 0..5);
        let element = (spaces(), inner, spaces()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        let array = proptest::collection::vec(element, 0..4);
        prop_oneof![
            3 => (object, spaces()).prop_map(|(entries, end)| {
                let entries: Vec<String> = entries.into_iter().map(|(space, entry)| space + &entry).collect();
                if entries.is_empty() { format!("{{{end}}}") } else { format!("{{{}}}", entries.join(",")) }
            }),
            2 => (array, spaces()).prop_map(|(elements, end)| {
                if elements.is_empty() { format!("[{end}]") } else { format!("[{}]", elements.join(",")) }
            }),
        ]
    });
    (spaces(), inner, spaces()).prop_map(|(before, value, after)| format!("{before}{value}{after}"))
}

fn spaces() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \n\r\t]{0,3}"]
}

/// A number in one of its spellings.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&NUMBERS[..]).prop_map(|number| number.to_string()),
        select(&NUMBERS[..]).prop_map(|number| format!("{number:e}")),
        select(&NUMBERS[..]).prop_map(|number| format!("{number:E}").replace('E', "E+").replace("E+-", "E-")),
        select(&NUMBERS[..]).prop_map(|number| format!("{number:.6}")),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?",
    ]
}

/// A string with some of its characters escaped in one way or another.
fn string(text: &str) -> impl Strategy<Value = String> + use<> {
    let characters: Vec<char> = text.chars().collect();
    proptest::collection::vec(0_u8..6, characters.len()).prop_map(move |ways| {
        let mut string = String::from("\"");
        for (character, way) in characters.iter().zip(ways) {
            let short = match character {
                '\n' => Some("\\n"),
                '\t' => Some("\\t"),
                '"' => Some("\\\""),
                '\\' => Some("\\\\"),
                '/' => Some("\\/"),
                _ => None,
            };
            match short {
                Some(short) if way > 0 => string.push_str(short),
                None if way > 0 && !character.is_control() => string.push(*character),
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        string.push_str(&if way % 2 == 0 {
                            format!("\\u{unit:04x}")
                        } else {
                            format!("\\u{unit:04X}")
                        });
                    }
                }
            }
        }
        string + "\""
    })
}

/// Patterns of the value: objects of leaves, objects and ors.
pub(super) fn patterns() -> impl Strategy<Value = Value> {
    let leaf = proptest::collection::vec(admissible(), 1..3).prop_map(Value::from);
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        let field = (select(&KEYS[..]), inner.clone()).prop_map(|(key, value)| (key.to_owned(), value));
        let fields = proptest::collection::vec(field, 1..3);
        let group = fields.prop_map(|fields| Value::Object(fields.into_iter().collect()));
        let or = proptest::collection::vec(group.clone(), 2..3).prop_map(|or| ("$or".to_owned(), Value::from(or)));
        prop_oneof![
            3 => group.clone(),
            1 => (group, or).prop_map(|(group, or)| {
                let mut group = group.as_object().cloned().unwrap();
                group.insert(or.0, or.1);
                Value::Object(group)
            }),
        ]
    });
    // A leaf at the top would be a matter of whether there is a value at all.
    let field = (select(&KEYS[..]), tree.clone()).prop_map(|(key, value)| json!({ key: value }));
    prop_oneof![1 => field, 3 => tree.prop_map(|tree| if tree.is_object() { tree } else { json!({ "a": tree }) })]
}

fn admissible() -> impl Strategy<Value = Value> {
    let text = || select(&TEXTS[..]).prop_map(Value::from);
    let number = || select(&NUMBERS[..]).prop_map(Value::from);
    let part = || select(&TEXTS[1..]).prop_map(Value::from);
    prop_oneof![
        4 => text(),
        3 => number(),
        1 => select(vec![Value::Null, Value::Bool(true), Value::Bool(false)]),
        1 => any::<bool>().prop_map(|exists| json!({ "exists": exists })),
        1 => (select(vec!["prefix", "suffix", "equals-ignore-case"]), text()).prop_map(|(name, text)| json!({ name: text })),
        1 => (select(vec!["=", "<", "<=", ">", ">="]), number()).prop_map(|(sign, number)| json!({ "numeric": [sign, number] })),
        1 => (-2..2, 3..200).prop_map(|(low, high)| json!({ "numeric": [">", low, "<=", high] })),
        1 => proptest::collection::vec(text(), 1..3).prop_map(|texts| json!({ "anything-but": texts })),
        1 => proptest::collection::vec(number(), 1..3).prop_map(|numbers| json!({ "anything-but": numbers })),
        1 => (select(vec!["prefix", "suffix", "equals-ignore-case"]), part())
            .prop_map(|(name, text)| json!({ "anything-but": { name: text } })),
    ]
}
