//! The rules for what surrounds the value.

use super::*;

type Header<'a> = (&'a [u8], Option<&'a [u8]>);

fn judge(pattern: &str, key: Option<&[u8]>, headers: &[Header<'_>]) -> Verdict {
    let record = Subject {
        topic: "orders.eu",
        partition: 3,
        offset: 9_000_000_000,
        timestamp: Some(1_700_000_000_000),
        key,
        value: Some(b"no json"),
        headers: headers.iter().copied(),
    };
    filter(&[pattern]).sieve().judge(&record)
}

#[test]
fn topic_partition_offset_and_time_are_asked_without_the_value() {
    for pattern in [
        r#"{"topic": ["orders.eu"]}"#,
        r#"{"topic": [{"prefix": "orders."}], "partition": [1, 3]}"#,
        r#"{"partition": [{"numeric": [">=", 2]}], "offset": [9e9]}"#,
        r#"{"timestamp": [{"numeric": [">", 1699999999999]}]}"#,
        r#"{"$or": [{"topic": ["x"]}, {"partition": [3]}]}"#,
    ] {
        assert_eq!(judge(pattern, None, &[]), Verdict::Wanted, "{pattern}");
    }
    for pattern in [
        r#"{"topic": ["orders"]}"#,
        r#"{"topic": ["orders.eu"], "partition": [{"anything-but": 3}]}"#,
        r#"{"timestamp": [{"exists": false}]}"#,
        r#"{"topic": ["x"], "value": {"a": [1]}}"#,
        r#"{"$or": [{"topic": ["x"], "value": {"a": [1]}}, {"key": ["k"]}]}"#,
    ] {
        assert_eq!(judge(pattern, None, &[]), Verdict::Unwanted, "{pattern}");
    }
    assert_eq!(judge(r#"{"partition": [3], "value": {"a": [1]}}"#, None, &[]), Verdict::Undecodable);
    assert_eq!(judge(r#"{"$or": [{"value": {"a": [1]}}, {"partition": [3]}]}"#, None, &[]), Verdict::Wanted);
}

#[test]
fn a_key_is_text_or_bytes_or_absent() {
    let wanted = |pattern: &str, key: Option<&[u8]>| judge(pattern, key, &[]) == Verdict::Wanted;
    assert!(wanted(r#"{"key": ["k", ""]}"#, Some(b"")));
    assert!(wanted(r#"{"key": [{"suffix": "ü"}]}"#, Some("grü".as_bytes())));
    assert!(wanted(r#"{"key": [{"exists": true}]}"#, Some(b"\xff")));
    assert!(wanted(r#"{"key": [{"anything-but": "k"}]}"#, Some(b"\xff")));
    assert!(wanted(r#"{"key": ["k", {"exists": false}]}"#, None));
    assert!(!wanted(r#"{"key": ["\ufffd"]}"#, Some(b"\xff")));
    assert!(!wanted(r#"{"key": [{"equals-ignore-case": "\ufffd"}]}"#, Some(b"\xff")));
    assert!(!wanted(r#"{"key": [""]}"#, None));
    assert!(!wanted(r#"{"key": [{"anything-but": "k"}]}"#, None));
    assert!(!wanted(r#"{"key": [{"exists": false}]}"#, Some(b"")));
}

#[test]
fn of_headers_of_one_name_any_may_match() {
    let headers: [Header<'_>; 4] = [(b"a", Some(b"1")), (b"b", None), (b"a", Some(b"2")), (b"A", Some(b"3"))];
    for pattern in [
        r#"{"headers": {"a": ["1"]}}"#,
        r#"{"headers": {"a": ["2"], "A": ["3"]}}"#,
        r#"{"headers": {"b": [null], "c": [{"exists": false}]}}"#,
        r#"{"headers": {"b": [{"exists": true}]}}"#,
        r#"{"headers": {"$or": [{"a": ["9"]}, {"a": [{"anything-but": "1"}]}]}}"#,
    ] {
        assert_eq!(judge(pattern, None, &headers), Verdict::Wanted, "{pattern}");
    }
    for pattern in [
        r#"{"headers": {"a": ["3"]}}"#,
        r#"{"headers": {"a": ["1"], "c": ["1"]}}"#,
        r#"{"headers": {"b": [{"exists": false}]}}"#,
        r#"{"headers": {"b": [""]}}"#,
    ] {
        assert_eq!(judge(pattern, None, &headers), Verdict::Unwanted, "{pattern}");
    }
}
