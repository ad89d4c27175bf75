//! Patterns that cannot be used, and what is said about them.

use super::*;

const CASES: &[(&str, &str)] = &[
    ("", "this is no JSON: EOF while parsing a value at line 1 column 0"),
    ("{", "this is no JSON: EOF while parsing an object at line 1 column 1"),
    (r#"{"key": ["a"], "key": ["b"]}"#, r#"this is no JSON: the key "key" is given twice at line 1 column 20"#),
    ("[]", "expected an object, found an array"),
    ("{}", "the object is empty, so it says nothing"),
    (r#"{"status": ["paid"]}"#, "`status`: a record has nothing of that name"),
    (r#"{"key": "a"}"#, "`key`: expected an array, found a text"),
    (r#"{"key": {"a": ["b"]}}"#, "`key`: expected an array, found an object"),
    (r#"{"headers": ["a"]}"#, "`headers`: expected an object, found an array"),
    (r#"{"headers": {"a": {"b": ["c"]}}}"#, "`headers.a`: expected an array, found an object"),
    (r#"{"value": 5}"#, "`value`: expected an array or an object, found a number"),
    (r#"{"value": {}}"#, "`value`: the object is empty, so it says nothing"),
    (r#"{"value": {"a": []}}"#, "`value.a`: the array is empty, so nothing would match"),
    (r#"{"value": {"a b": [[1]]}}"#, r#"`value["a b"][0]`: an array cannot be an admissible value"#),
    (r#"{"value": {"a": [{"b": [1]}]}}"#, r#"`value.a[0].b`: unknown comparison "b""#),
    (r#"{"value": {"a": [1, {}]}}"#, "`value.a[1]`: expected one comparison, found an object with 0 keys"),
    (
        r#"{"value": {"a": [{"prefix": "a", "suffix": "b"}]}}"#,
        "`value.a[0]`: expected one comparison, found an object with 2 keys",
    ),
    (r#"{"value": {"a": [{"prefix": 5}]}}"#, "`value.a[0].prefix`: expected a text, found a number"),
    (r#"{"value": {"a": [{"exists": "true"}]}}"#, "`value.a[0].exists`: expected true or false, found a text"),
    (r#"{"value": {"a": [{"numeric": 5}]}}"#, "`value.a[0].numeric`: expected an array, found a number"),
    (r#"{"value": {"a": [{"numeric": []}]}}"#, "`value.a[0].numeric`: this is no comparison with one number or two"),
    (
        r#"{"value": {"a": [{"numeric": ["<", 5, ">", 1]}]}}"#,
        "`value.a[0].numeric`: this is no comparison with one number or two",
    ),
    (r#"{"value": {"a": [{"numeric": ["!=", 5]}]}}"#, r#"`value.a[0].numeric`: unknown comparison "!=" of numbers"#),
    (
        r#"{"value": {"a": [{"numeric": [">", 5, "<", 5]}]}}"#,
        "`value.a[0].numeric`: no number lies between these bounds",
    ),
    (
        r#"{"value": {"a": [{"numeric": [">=", 5, "<==", 6]}]}}"#,
        r#"`value.a[0].numeric`: unknown comparison "<==" of numbers"#,
    ),
    (
        r#"{"value": {"a": [{"anything-but": []}]}}"#,
        "`value.a[0].anything-but`: the array is empty, so nothing would be left out",
    ),
    (r#"{"value": {"a": [{"anything-but": [1, "a"]}]}}"#, "`value.a[0].anything-but[1]`: a text cannot stand here"),
    (r#"{"value": {"a": [{"anything-but": null}]}}"#, "`value.a[0].anything-but`: null cannot stand here"),
    (
        r#"{"value": {"a": [{"anything-but": {"prefix": ""}}]}}"#,
        r#"`value.a[0].anything-but.prefix`: every text begins and ends with """#,
    ),
    (
        r#"{"value": {"a": [{"anything-but": {"numeric": [1]}}]}}"#,
        r#"`value.a[0].anything-but.numeric`: unknown comparison "numeric""#,
    ),
    (r#"{"$or": {"key": ["a"]}}"#, "`$or`: expected an array of alternatives, found an object"),
    (r#"{"$or": [{"key": ["a"]}]}"#, "`$or`: expected at least two alternatives, found 1"),
    (r#"{"$or": [{"key": ["a"]}, ["b"]]}"#, "`$or[1]`: expected an object, found an array"),
    (
        r#"{"$or": [{"key": ["a"]}, {"value": {"b": [{"sufix": "c"}]}}]}"#,
        r#"`$or[1].value.b[0].sufix`: unknown comparison "sufix""#,
    ),
    (r#"{"key": [5]}"#, "`key[0]`: this is always text, and never a number"),
    (r#"{"key": [null]}"#, "`key[0]`: this is never JSON's null"),
    (r#"{"topic": [{"numeric": [">", 5]}]}"#, "`topic[0].numeric`: this is always text, and never a number"),
    (r#"{"topic": [{"anything-but": [5]}]}"#, "`topic[0].anything-but`: this is always text, and never a number"),
    (r#"{"partition": ["3"]}"#, "`partition[0]`: this is always a number, and never a text"),
    (r#"{"partition": [{"prefix": "3"}]}"#, "`partition[0].prefix`: this is always a number, and never a text"),
    (r#"{"headers": {"a": [true]}}"#, "`headers.a[0]`: this is never a boolean"),
];

#[test]
fn each_mistake_is_said_with_its_place_and_a_hint() {
    for (pattern, expected) in CASES {
        let error = Pattern::parse(pattern).expect_err(pattern);
        assert_eq!(error.to_string(), *expected, "{pattern}");
        assert!(!error.hint.is_empty(), "{pattern}");
    }
}

#[test]
fn names_that_are_nearly_right_are_suggested() {
    for (pattern, name) in [
        (r#"{"header": {"a": ["b"]}}"#, "`headers`"),
        (r#"{"vlaue": {"a": ["b"]}}"#, "`value`"),
        (r#"{"key": [{"prefxi": "a"}]}"#, "`prefix`"),
        (r#"{"key": [{"equals-ignorecase": "a"}]}"#, "`equals-ignore-case`"),
        (r#"{"status": ["paid"]}"#, "below `value`"),
    ] {
        let error = Pattern::parse(pattern).unwrap_err();
        assert!(error.hint.contains(name), "{pattern}: {}", error.hint);
    }
}

#[test]
fn size_depth_and_alternatives_have_limits() {
    let long = format!("{{\"key\": [\"{}\"]}}", "x".repeat(16 << 10));
    assert!(Pattern::parse(&long).unwrap_err().message.contains("bytes"));
    let nested = |depth: usize| format!("{{\"value\": {}[1]{}}}", "{\"a\": ".repeat(depth), "}".repeat(depth));
    assert!(Pattern::parse(&nested(31)).is_ok());
    assert!(Pattern::parse(&nested(32)).unwrap_err().message.contains("levels"));
    for text in [nested(3000), "[".repeat(10_000), "{\"$or\":[".repeat(2000)] {
        assert!(Pattern::parse(&text).is_err());
    }
    let or = r#"{"value": {"$or": [{"a": [1]}, {"b": [2]}, {"c": [3]}, {"d": [4]}]}}"#;
    let parse = |text: &str| Pattern::parse(text).unwrap();
    assert!(Filter::new(vec![parse(or); 16]).is_ok());
    let (index, error) = Filter::new(vec![parse(or); 17]).unwrap_err();
    assert_eq!(index, 16);
    assert!(error.message.contains("more than 64 alternatives"), "{error}");
    let leaves: Vec<String> = (0..7).map(|n| format!("\"f{n}\": [1, {{\"exists\": false}}]")).collect();
    let many = parse(&format!("{{\"value\": {{{}}}}}", leaves.join(", ")));
    assert!(Filter::new(vec![many]).is_err());
    let product = parse(&format!(
        "{{\"value\": {{{}}}}}",
        (0..9)
            .map(|n| format!("\"f{n}\": {{\"$or\": [{{\"a\": [1]}}, {{\"b\": [1]}}]}}"))
            .collect::<Vec<_>>()
            .join(", ")
    ));
    assert!(Filter::new(vec![product]).is_err());
}
