//! The rules of the language, on the value.

use super::*;

/// Patterns of the value, with values that match and values that do not.
const RULES: &[(&str, &[&str], &[&str])] = &[
    // Equality tells types apart; of an array, any element suffices.
    (
        r#"{"s": ["paid", "sent"]}"#,
        &[r#"{"s":"paid"}"#, r#"{"s":"sent"}"#, r#"{"s":["x","sent"]}"#, r#"{"s":[[["paid"]]]}"#, r#"[{"s":"paid"}]"#],
        &[r#"{"s":"Paid"}"#, r#"{"s":"paid "}"#, r#"{"s":["x"]}"#, r#"{"s":[]}"#, r#"{"s":null}"#, "{}", "[]"],
    ),
    (
        r#"{"n": [5]}"#,
        &[r#"{"n":5}"#, r#"{"n":5.0}"#, r#"{"n":0.5e1}"#, r#"{"n":50E-1}"#],
        &[r#"{"n":"5"}"#, r#"{"n":6}"#],
    ),
    (r#"{"n": [-0]}"#, &[r#"{"n":0}"#, r#"{"n":-0.0}"#, r#"{"n":0e9}"#], &[r#"{"n":1e-300}"#]),
    (r#"{"n": [12345678901234567890]}"#, &[r#"{"n":12345678901234567890}"#, r#"{"n":12345678901234567891}"#], &[]),
    (r#"{"s": [""]}"#, &[r#"{"s":""}"#], &[r#"{"s":" "}"#, r#"{"s":null}"#, "{}"]),
    (
        r#"{"s": [null]}"#,
        &[r#"{"s":null}"#, r#"{"s":[1,null]}"#],
        &[r#"{"s":"null"}"#, r#"{"s":0}"#, "{}", r#"{"s":{}}"#],
    ),
    (r#"{"s": [true]}"#, &[r#"{"s":true}"#], &[r#"{"s":false}"#, r#"{"s":"true"}"#, r#"{"s":1}"#]),
    (r#"{"s": [false, null, 1, "x"]}"#, &[r#"{"s":false}"#, r#"{"s":1}"#, r#"{"s":"x"}"#], &[r#"{"s":true}"#]),
    // All fields must hold, at every level.
    (
        r#"{"a": [1], "b": {"c": [2], "d": {"e": [3]}}}"#,
        &[r#"{"b":{"d":{"e":3,"x":0},"c":2},"a":1}"#],
        &[r#"{"a":1,"b":{"c":2}}"#, r#"{"a":1,"b":{"c":2,"d":{"e":4}}}"#, r#"{"a":1,"b":2}"#, r#"{"a":1,"c":2,"e":3}"#],
    ),
    // Comparisons of texts hold for texts only.
    (
        r#"{"s": [{"prefix": "us-"}]}"#,
        &[r#"{"s":"us-east"}"#, r#"{"s":"us-"}"#],
        &[r#"{"s":"eu-us-"}"#, r#"{"s":"us"}"#],
    ),
    (r#"{"s": [{"prefix": "1"}]}"#, &[r#"{"s":"12"}"#], &[r#"{"s":12}"#]),
    (
        r#"{"s": [{"suffix": ".png"}]}"#,
        &[r#"{"s":"a.png"}"#, r#"{"s":".png"}"#],
        &[r#"{"s":"a.png "}"#, r#"{"s":"png"}"#],
    ),
    (
        r#"{"s": [{"equals-ignore-case": "grÜn"}]}"#,
        &[r#"{"s":"GRÜN"}"#, r#"{"s":"grün"}"#, r#"{"s":"gr\u00fcn"}"#],
        &[r#"{"s":"gruen"}"#, r#"{"s":"grü"}"#],
    ),
    // Anything but: what is there, of any type, and is none of these.
    (
        r#"{"s": [{"anything-but": "x"}]}"#,
        &[r#"{"s":"y"}"#, r#"{"s":5}"#, r#"{"s":null}"#, r#"{"s":["x","y"]}"#],
        &[r#"{"s":"x"}"#, r#"{"s":["x","x"]}"#, r#"{"s":{}}"#, r#"{"s":[]}"#, "{}"],
    ),
    (r#"{"s": [{"anything-but": ["x", "y"]}]}"#, &[r#"{"s":"z"}"#], &[r#"{"s":"x"}"#, r#"{"s":"y"}"#]),
    (
        r#"{"s": [{"anything-but": [100, 200]}]}"#,
        &[r#"{"s":"100"}"#, r#"{"s":150}"#],
        &[r#"{"s":1e2}"#, r#"{"s":200.0}"#],
    ),
    (
        r#"{"s": [{"anything-but": {"prefix": "init"}}]}"#,
        &[r#"{"s":"running"}"#, r#"{"s":1}"#],
        &[r#"{"s":"initial"}"#, r#"{"s":"init"}"#, "{}"],
    ),
    (r#"{"s": [{"anything-but": {"suffix": ["a", "b"]}}]}"#, &[r#"{"s":"ac"}"#], &[r#"{"s":"ca"}"#, r#"{"s":"cb"}"#]),
    (
        r#"{"s": [{"anything-but": {"equals-ignore-case": ["a", "B"]}}]}"#,
        &[r#"{"s":"c"}"#],
        &[r#"{"s":"A"}"#, r#"{"s":"b"}"#],
    ),
    // Numbers.
    (
        r#"{"n": [{"numeric": [">", 100, "<=", 200]}]}"#,
        &[r#"{"n":100.5}"#, r#"{"n":200}"#, r#"{"n":2e2}"#, r#"{"n":[1,150]}"#],
        &[r#"{"n":100}"#, r#"{"n":200.01}"#, r#"{"n":"150"}"#, r#"{"n":[50,250]}"#, r#"{"n":null}"#],
    ),
    (r#"{"n": [{"numeric": ["=", 3.018e2]}]}"#, &[r#"{"n":301.8}"#], &[r#"{"n":301.80001}"#]),
    (
        r#"{"n": [{"numeric": [">=", 0]}]}"#,
        &[r#"{"n":0}"#, r#"{"n":-0}"#, r#"{"n":1e999}"#],
        &[r#"{"n":-0.1}"#, r#"{"n":-1e999}"#],
    ),
    (
        r#"{"n": [{"numeric": ["<", 0]}, {"numeric": [">", 9]}]}"#,
        &[r#"{"n":-1}"#, r#"{"n":10}"#],
        &[r#"{"n":0}"#, r#"{"n":9}"#],
    ),
    // Exists is about leaves: an object is none, nor is an empty array.
    (
        r#"{"a": {"b": [{"exists": true}]}}"#,
        &[r#"{"a":{"b":null}}"#, r#"{"a":{"b":[0]}}"#, r#"{"a":[1,{"b":2}]}"#],
        &[r#"{"a":{"b":{"c":1}}}"#, r#"{"a":{"b":[]}}"#, r#"{"a":{"b":[{}]}}"#, r#"{"a":{}}"#, r#"{"a":1}"#, "{}", "1"],
    ),
    (
        r#"{"a": {"b": [{"exists": false}]}}"#,
        &["{}", r#"{"a":{}}"#, r#"{"a":1}"#, r#"{"a":{"b":{"c":1}}}"#, r#"{"a":{"b":[]}}"#, r#"{"b":1}"#, "[]", "7"],
        &[r#"{"a":{"b":null}}"#, r#"{"a":{"b":["x"]}}"#, r#"{"a":[{"c":1},{"b":1}]}"#, r#"[{},{"a":{"b":1}}]"#],
    ),
    (
        r#"{"t": [false, {"exists": false}]}"#,
        &["{}", r#"{"t":false}"#, r#"{"t":[true,false]}"#],
        &[r#"{"t":true}"#, r#"{"t":"false"}"#],
    ),
    // The conditions of an object of the pattern hold for one and the same element of an array.
    (
        r#"{"p": {"first": ["Anna"], "last": ["Smith"]}}"#,
        &[
            r#"{"p":[{"first":"John","last":"Doe"},{"first":"Anna","last":"Smith"}]}"#,
            r#"{"p":[[{"last":"Smith","first":"Anna"}]]}"#,
            r#"{"p":{"first":["Eve","Anna"],"last":["Jones","Smith"]}}"#,
        ],
        &[r#"{"p":[{"first":"Anna","last":"Doe"},{"first":"John","last":"Smith"}]}"#],
    ),
    (
        r#"{"p": {"a": [1], "b": [{"exists": false}]}}"#,
        &[r#"{"p":[{"a":1},{"a":2}]}"#],
        &[r#"{"p":[{"a":1},{"b":2}]}"#, r#"{"p":[{"b":2}]}"#],
    ),
    // Or.
    (
        r#"{"$or": [{"a": [1]}, {"b": {"c": [2]}}], "d": [3]}"#,
        &[r#"{"a":1,"d":3}"#, r#"{"d":3,"b":{"c":2}}"#],
        &[r#"{"a":1,"b":{"c":2}}"#, r#"{"d":3}"#, r#"{"d":3,"$or":[{"a":1}]}"#],
    ),
    (
        r#"{"x": {"$or": [{"a": [1]}, {"b": [2], "$or": [{"c": [3]}, {"d": [4]}]}]}}"#,
        &[r#"{"x":{"a":1}}"#, r#"{"x":{"b":2,"d":4}}"#, r#"{"x":{"c":3,"b":2}}"#],
        &[r#"{"x":{"b":2}}"#, r#"{"x":{"c":3,"d":4}}"#],
    ),
    (
        r#"{"p": {"a": [1]}, "$or": [{"p": {"b": [2]}}, {"q": [3]}]}"#,
        &[r#"{"p":[{"a":1,"b":2}]}"#, r#"{"p":{"a":1},"q":3}"#],
        &[r#"{"p":[{"a":1},{"b":2}]}"#, r#"{"q":3}"#],
    ),
    (
        r#"{"n": [{"numeric": [">", 1]}], "$or": [{"n": [{"numeric": ["<", 5]}]}, {"m": [1]}]}"#,
        &[r#"{"n":3}"#],
        &[r#"{"n":7}"#, r#"{"n":[0,7]}"#],
    ),
    // Keys are told apart exactly, however they are written; a dot is a character like any other.
    (
        r#"{"a.b": [1], "": [2], "grün": [3]}"#,
        &[r#"{"\u0061.b":1,"":2,"gr\u00fcn":3}"#],
        &[r#"{"a":{"b":1},"":2,"grün":3}"#],
    ),
    (
        r#"{"s": ["a\"\\/\nü😀"]}"#,
        &["{\"s\":\"a\\\"\\\\\\/\\nü\\ud83d\\ude00\"}"],
        &[r#"{"s":"a\"/\nü😀"}"#, r#"{"s":"\ud83d"}"#],
    ),
];

#[test]
fn values_match_or_do_not_as_the_language_says() {
    for (pattern, matching, others) in RULES {
        let pattern = format!("{{\"value\": {pattern}}}");
        for value in *matching {
            assert_eq!(of_value(&[&pattern], value.as_bytes()), Verdict::Wanted, "{pattern} on {value}");
        }
        for value in *others {
            assert_eq!(of_value(&[&pattern], value.as_bytes()), Verdict::Unwanted, "{pattern} on {value}");
        }
    }
}

#[test]
fn a_value_may_be_a_scalar_itself() {
    let pattern = r#"{"value": ["paid", 5, {"prefix": "x"}]}"#;
    for value in [r#""paid""#, " 5.0\n", r#""xy""#, r#"[1,5]"#, "\u{feff}5"] {
        assert_eq!(of_value(&[pattern], value.as_bytes()), Verdict::Wanted, "{value}");
    }
    assert_eq!(of_value(&[pattern], b"6"), Verdict::Unwanted);
    assert_eq!(of_value(&[pattern], b"paid"), Verdict::Undecodable, "a text without quotes is no JSON");
}

#[test]
fn any_of_the_filters_suffices() {
    let filters = [r#"{"value": {"a": [1]}}"#, r#"{"value": {"b": [{"numeric": [">", 5]}]}}"#];
    for (value, verdict) in [
        (r#"{"a":1}"#, Verdict::Wanted),
        (r#"{"b":6,"a":2}"#, Verdict::Wanted),
        (r#"{"b":5,"a":2}"#, Verdict::Unwanted),
    ] {
        assert_eq!(of_value(&filters, value.as_bytes()), verdict, "{value}");
    }
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts_as_for_the_handler() {
    let equal = r#"{"value": {"a": {"b": [1]}, "c": [2]}}"#;
    for (value, verdict) in [
        (r#"{"a":{"b":0},"c":2,"a":{"b":1}}"#, Verdict::Wanted),
        (r#"{"a":{"b":1},"c":2,"a":{"b":0}}"#, Verdict::Unwanted),
        (r#"{"a":{"b":1},"c":2,"a":{}}"#, Verdict::Unwanted),
        (r#"{"a":{"b":1},"c":2,"\u0061":7}"#, Verdict::Unwanted),
        (r#"{"a":{"b":0,"b":1},"c":2}"#, Verdict::Wanted),
    ] {
        assert_eq!(of_value(&[equal], value.as_bytes()), verdict, "{value}");
    }
    let absent = r#"{"value": {"a": [{"exists": false}]}}"#;
    assert_eq!(of_value(&[absent], br#"{"a":1,"a":{}}"#), Verdict::Wanted);
    assert_eq!(of_value(&[absent], br#"{"a":{},"a":1}"#), Verdict::Unwanted);
}

#[test]
fn what_is_no_json_matches_no_condition_on_the_value() {
    let patterns = [r#"{"value": {"a": [1]}}"#, r#"{"value": {"z": [{"exists": false}]}}"#];
    let texts: [&[u8]; 38] = [
        b"",
        b" ",
        b"{",
        b"}",
        b"[",
        b"{\"a\":1",
        b"{\"a\":1]",
        b"{\"a\":1}}",
        b"{\"a\":1} x",
        b"{\"a\":1}{}",
        b"{\"a\":1,}",
        b"{,\"a\":1}",
        b"{\"a\":1 \"b\":2}",
        b"{\"a\" 1}",
        b"{a:1}",
        b"{'a':1}",
        b"{\"a\":1,\"b\":[1,]}",
        b"{\"a\":1,\"b\":[,]}",
        b"{\"a\":1,\"b\":[1 2]}",
        b"{\"a\":1,\"b\":01}",
        b"{\"a\":1,\"b\":1.}",
        b"{\"a\":1,\"b\":.5}",
        b"{\"a\":1,\"b\":+1}",
        b"{\"a\":1,\"b\":1e}",
        b"{\"a\":1,\"b\":-}",
        b"{\"a\":1,\"b\":nul}",
        b"{\"a\":1,\"b\":True}",
        b"{\"a\":1,\"b\":NaN}",
        b"{\"a\":1,\"b\":\"x}",
        b"{\"a\":1,\"b\":\"\n\"}",
        b"{\"a\":1,\"b\":\"\\x\"}",
        b"{\"a\":1,\"b\":\"\\u12g4\"}",
        b"{\"a\":1,\"b\":\"\\u12",
        b"{\"a\":1,\"b\":\"\xff\"}",
        b"\xff",
        b"{\"a\":1,\"b\":{\"c\":[{]}}",
        b"{\"a\":1}\0",
        b"{\"a\":1,\"b\":\"\t\"}",
    ];
    for text in texts {
        assert_eq!(of_value(&patterns, text), Verdict::Undecodable, "{:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn what_is_unwanted_anyhow_is_read_no_further_than_that_needs() {
    let pattern = [r#"{"value": {"a": [1]}}"#];
    for (text, verdict) in [
        ("{\"a\":2,\"b\":[nonsense, 'x', \"\u{1}\"]}", Verdict::Unwanted),
        ("{\"a\":1,\"b\":[nonsense, 'x', \"\u{1}\"]}", Verdict::Undecodable),
        ("{\"a\":2,\"b\":[nonsense", Verdict::Undecodable),
        ("{\"a\":2,\"b\":\"not closed}", Verdict::Undecodable),
        ("plain text", Verdict::Undecodable),
        ("\0\0\0\0\x07Avro", Verdict::Undecodable),
    ] {
        assert_eq!(of_value(&pattern, text.as_bytes()), verdict, "{text}");
    }
}

#[test]
fn depth_is_no_danger() {
    let deep =
        |open: &str, inner: &str, close: &str| [open.repeat(300_000), inner.to_owned(), close.repeat(300_000)].concat();
    let pattern = [r#"{"value": {"a": [1]}}"#];
    for inside in
        [deep("[", "", "]"), deep("{\"a\":", "1", "}"), deep("[{\"x\":", "[]", "}]"), deep("[[{\"a\":[", "2", "]}]]")]
    {
        assert_eq!(of_value(&pattern, inside.as_bytes()), Verdict::Unwanted);
        let beside = format!("{{\"b\":{inside},\"a\":1}}");
        assert_eq!(of_value(&pattern, beside.as_bytes()), Verdict::Wanted);
        assert_eq!(of_value(&pattern, &inside.as_bytes()[..inside.len() - 1]), Verdict::Undecodable);
    }
    assert_eq!(of_value(&pattern, deep("[", "{\"a\":1}", "]").as_bytes()), Verdict::Wanted);
    assert_eq!(of_value(&pattern, deep("{\"b\":[", "", "}]").as_bytes()), Verdict::Undecodable);
}

#[test]
fn a_tombstone_has_no_value() {
    let tombstone = |pattern: &str| filter(&[pattern]).sieve().judge(&valued(None));
    for pattern in [
        r#"{"value": [{"exists": false}]}"#,
        r#"{"value": ["x", {"exists": false}]}"#,
        r#"{"value": {"a": {"b": [{"exists": false}]}}}"#,
        r#"{"$or": [{"value": {"a": [1]}}, {"value": [{"exists": false}]}]}"#,
    ] {
        assert_eq!(tombstone(pattern), Verdict::Wanted, "{pattern}");
    }
    for pattern in [
        r#"{"value": [null]}"#,
        r#"{"value": [{"exists": true}]}"#,
        r#"{"value": [{"anything-but": "x"}]}"#,
        r#"{"value": {"a": [{"anything-but": "x"}]}}"#,
        r#"{"value": {"a": [{"exists": false}], "b": [1]}}"#,
    ] {
        assert_eq!(tombstone(pattern), Verdict::Unwanted, "{pattern}");
    }
}

#[test]
fn whether_there_is_a_value_is_known_without_reading_it() {
    for value in [&b"no json"[..], b"", b"{\"a\":1}", b"[]"] {
        assert_eq!(of_value(&[r#"{"value": [{"exists": true}]}"#], value), Verdict::Wanted);
        assert_eq!(of_value(&[r#"{"value": [{"exists": false}]}"#], value), Verdict::Unwanted);
    }
    let either = r#"{"value": ["x", {"exists": false}]}"#;
    assert_eq!(of_value(&[either], b"\"x\""), Verdict::Wanted);
    assert_eq!(of_value(&[either], b"x"), Verdict::Undecodable);
}
