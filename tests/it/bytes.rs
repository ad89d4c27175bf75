//! What a function does not touch comes out byte for byte.

use crate::support::record::{keys, texts};
use crate::support::{Record, Trial};

const NOT_TEXT: &[u8] = &[0xff, 0xfe, 0x00, 0x80, 0xc3];

fn strange_records() -> Vec<Record> {
    let all_bytes: Vec<u8> = (0..=255).collect();
    vec![
        Record::new("plain", "text").at(1_500_000_000_123),
        Record::new(NOT_TEXT, &all_bytes).at(1_500_000_000_456),
        Record::new("", "an empty key is a key").at(1),
        Record::of("no key").at(1_600_000_000_000),
        Record::new("empty value", "").at(1_600_000_000_001),
        Record::tombstone("no value").at(1_600_000_000_002),
        Record { timestamp: Some(1_600_000_000_003), ..Record::default() },
        Record::new("headers", "x")
            .at(1_600_000_000_004)
            .header("twice", "1")
            .header("Twice", "other case")
            .header("twice", "2")
            .null_header("null")
            .header("empty", "")
            .header("", "no name")
            .header("bytes", NOT_TEXT),
        Record::new("names", "x").at(1_600_000_000_005).header([0xc3, 0x28], "a name that is no text").header("ß", "ü"),
    ]
}

#[test]
fn a_record_that_is_returned_unchanged_keeps_every_byte() {
    let Some(trial) = Trial::new("unchanged", 1, "export default (record) => record;") else { return };
    let records = strange_records();
    trial.feed(records.clone());
    let out = trial.out();
    assert_eq!(
        out.iter().map(Record::bytes).collect::<Vec<_>>(),
        records.iter().map(Record::bytes).collect::<Vec<_>>()
    );
    assert_eq!(trial.dead(), []);
}

#[test]
fn a_new_value_keeps_key_and_headers_byte_for_byte() {
    let Some(trial) = Trial::new("new-value", 1, "export default () => 'new';") else { return };
    let records = strange_records();
    trial.feed(records.clone());
    let expected: Vec<Record> =
        records.into_iter().map(|record| Record { value: Some(b"new".to_vec()), ..record }).collect();
    let out = trial.out();
    assert_eq!(
        out.iter().map(Record::bytes).collect::<Vec<_>>(),
        expected.iter().map(Record::bytes).collect::<Vec<_>>()
    );
}

#[test]
fn emitted_bytes_of_a_record_are_its_bytes() {
    let handler = "export default (record, ctx) => { ctx.emit(record.bytes()); };";
    let Some(trial) = Trial::new("emitted-bytes", 1, handler) else { return };
    let records = strange_records();
    trial.feed(records.clone());
    let out = trial.out();
    assert_eq!(
        out.iter().map(Record::bytes).collect::<Vec<_>>(),
        records.iter().map(Record::bytes).collect::<Vec<_>>()
    );
}

#[test]
fn a_tombstone_has_no_body_and_an_empty_value_is_an_empty_one() {
    let handler = "
        export default (record) => {
          let json;
          try { json = record.json(); } catch { json = 'no JSON'; }
          const bytes = record.bytes();
          return { tombstone: record.isTombstone, text: record.text(), bytes: bytes && bytes.length, json };
        };";
    let Some(trial) = Trial::new("bodies", 1, handler) else { return };
    trial.feed([Record::tombstone("gone"), Record::new("empty", "")]);
    let out = trial.out();
    assert_eq!(
        texts(&out),
        [
            r#"{"tombstone":true,"text":null,"bytes":null,"json":null}"#,
            r#"{"tombstone":false,"text":"","bytes":0,"json":"no JSON"}"#
        ]
    );
}

#[test]
fn a_handler_sees_keys_and_headers_as_text_and_as_bytes() {
    let handler = "
        export default (record) => ({
          key: record.key,
          keyBytes: record.keyBytes && [...record.keyBytes],
          last: record.headers.get('twice'),
          all: record.headers.getAll('twice'),
          null: record.headers.get('null'),
          absent: record.headers.get('TWICE'),
          entries: [...record.headers.entries()].map(([name, value]) => [name, value && [...value]]),
          timestamp: record.timestamp.toISOString(),
        });";
    let Some(trial) = Trial::new("seen", 1, handler) else { return };
    let headers = Record::new("k", "").at(0).header("twice", "1").header("twice", "2").null_header("null");
    trial.feed([headers.at(1_000), Record::new([0xff, b'k'], ""), Record::of("")]);
    let out: Vec<_> = trial.out().iter().map(Record::json).collect();
    assert_eq!(
        out[0],
        serde_json::json!({
            "key": "k", "keyBytes": [107], "last": "2", "all": ["1", "2"], "null": null, "absent": null,
            "entries": [["twice", [49]], ["twice", [50]], ["null", null]], "timestamp": "1970-01-01T00:00:01.000Z",
        })
    );
    assert_eq!((&out[1]["key"], &out[1]["keyBytes"]), (&"\u{fffd}k".into(), &serde_json::json!([255, 107])));
    assert_eq!((&out[2]["key"], &out[2]["keyBytes"]), (&serde_json::Value::Null, &serde_json::Value::Null));
}

#[test]
fn emit_sets_key_partition_and_timestamp() {
    let handler = "
        export default (record, ctx) => {
          ctx.emit('text', { key: 'other', partition: 1, timestamp: new Date(1_234_567) });
          ctx.emit('bytes', { key: new Uint8Array([1, 255]), partition: 1 });
          ctx.emit('none', { key: null, partition: 1 });
          ctx.emit('empty', { key: '', partition: 1 });
          ctx.emit('kept', { partition: 1 });
        };";
    let Some(trial) = Trial::new("emit-options", 2, handler) else { return };
    trial.feed([Record::new("own", "x").on(0).at(99_000)]);
    let out = trial.out();
    let seen: Vec<_> = out.iter().map(|record| (record.text(), record.key.as_deref())).collect();
    let expected: [(&str, Option<&[u8]>); 5] = [
        ("text", Some(b"other")),
        ("bytes", Some(&[1, 255])),
        ("none", None),
        ("empty", Some(b"")),
        ("kept", Some(b"own")),
    ];
    assert_eq!(seen, expected);
    assert!(out.iter().all(|record| record.partition == Some(1)));
    assert_eq!((out[0].timestamp, out[4].timestamp), (Some(1_234_567), Some(99_000)));
}

#[test]
fn headers_as_an_object_change_the_named_ones_and_as_pairs_replace_all() {
    let handler = "
        export default (record, ctx) => {
          ctx.emit('object', { headers: { a: 'new', gone: null, added: new Uint8Array([255]) } });
          ctx.emit('pairs', { headers: [['x', '1'], ['x', '2'], ['n', null]] });
          ctx.emit('nothing', { headers: [] });
        };";
    let Some(trial) = Trial::new("emit-headers", 1, handler) else { return };
    trial.feed([Record::new("k", "v").header("keep", "1").header("a", "old").header("gone", "x").header("keep", "2")]);
    let expected = [
        Record::of("object").header("keep", "1").header("a", "new").header("keep", "2").header("added", [255]),
        Record::of("pairs").header("x", "1").header("x", "2").null_header("n"),
        Record::of("nothing"),
    ];
    let out = trial.out();
    let seen: Vec<_> = out.iter().map(|record| (record.text(), &record.headers)).collect();
    assert_eq!(seen, expected.iter().map(|record| (record.text(), &record.headers)).collect::<Vec<_>>());
    assert_eq!(keys(&out), ["k", "k", "k"]);
}

#[test]
fn trace_context_is_carried_from_input_to_output() {
    let handler = "export default (record, ctx) => { ctx.emit('new', { headers: { own: 'yes' } }); };";
    let Some(trial) = Trial::new("trace", 1, handler) else { return };
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    trial.feed([Record::of("x").header("traceparent", parent).header("tracestate", "vendor=1")]);
    let out = trial.out();
    assert_eq!(out[0].header_text("traceparent"), Some(parent));
    assert_eq!(out[0].header_text("tracestate"), Some("vendor=1"));
    assert_eq!(out[0].header_text("own"), Some("yes"));
}
