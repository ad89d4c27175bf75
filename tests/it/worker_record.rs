//! What a handler of single records sees, and what becomes of what it returns.

use eddyline::outcome::Outcome;

use crate::support::worker::{Output, Record, Settled, Worker, async_handler, function, handler};

/// Runs one record through a handler.
fn run(body: &str, record: Record) -> Settled {
    Worker::with(handler(body)).one(record)
}

fn returned(body: &str, record: Record) -> String {
    run(body, record).outputs()[0].text().to_owned()
}

#[test]
fn a_returned_object_becomes_json_for_the_sink() {
    let body = "const order = record.json(); return { ...order, total: order.a * order.b };";
    let settled = run(body, Record::new(r#"{"a":2,"b":3}"#));
    assert_eq!(settled.outputs(), [Output::value(r#"{"a":2,"b":3,"total":6}"#)]);
}

#[test]
fn a_returned_record_passes_through_without_travelling_back() {
    assert_eq!(run("return record;", Record::new("x")).outputs(), [Output::default()]);
    let mut worker = Worker::with(async_handler("return record;"));
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::default()]);
}

#[test]
fn nothing_returned_filters_the_record() {
    for body in ["", "return null;", "return undefined;"] {
        assert_eq!(run(body, Record::new("x")).outputs(), [], "{body}");
    }
}

#[test]
fn text_buffers_and_arrays_are_written_each_in_their_way() {
    for (body, bytes) in [
        ("return 'grün';", "grün".as_bytes()),
        ("return '';", b""),
        ("return 'a\\ud800b';", "a\u{fffd}b".as_bytes()),
        ("return '\\u20ac' + record.text();", "€x".as_bytes()),
        ("return new Uint8Array([0, 255]);", &[0, 255]),
        ("return new Uint8Array([1, 2, 3, 4]).subarray(1, 3);", &[2, 3]),
        ("return new Uint8Array([7, 8]).buffer;", &[7, 8]),
        ("return new DataView(new Uint8Array([7, 8]).buffer, 1);", &[8]),
        ("return [1, 'two', null];", b"[1,\"two\",null]"),
        ("return 5;", b"5"),
        ("return false;", b"false"),
        ("return NaN;", b"null"),
        ("return { toJSON() { return { a: 1 }; } };", b"{\"a\":1}"),
        ("return new Date(0);", b"\"1970-01-01T00:00:00.000Z\""),
        ("return { record: 1, nothing: undefined };", b"{\"record\":1}"),
    ] {
        assert_eq!(run(body, Record::new("x")).outputs(), [Output::value(bytes)], "{body}");
    }
}

#[test]
fn what_has_no_json_form_is_unserialisable() {
    for body in [
        "return () => 1;",
        "return Symbol('x');",
        "return 10n;",
        "const a = {}; a.a = a; return a;",
        "return { toJSON() { return undefined; } };",
        "ctx.emit({ big: 10n });",
    ] {
        assert_eq!(run(body, Record::new("x")).failed().outcome, Outcome::Unserialisable, "{body}");
    }
}

#[test]
fn a_record_shows_where_it_comes_from() {
    let record =
        Record { partition: 3, offset: 9_007_199_254_740_991, timestamp: 1_700_000_000_123, ..Record::new("x") };
    let body = "return [record.topic, record.partition, record.offset, record.timestamp, record.isTombstone];";
    assert_eq!(returned(body, record), r#"["in",3,9007199254740991,"2023-11-14T22:13:20.123Z",false]"#);
}

#[test]
fn a_missing_timestamp_is_null() {
    assert_eq!(returned("return [record.timestamp];", Record { timestamp: -1, ..Record::new("x") }), "[null]");
}

#[test]
fn keys_are_text_and_bytes_and_null_differs_from_empty() {
    let body = "return [record.key, record.keyBytes && [...record.keyBytes]];";
    for (key, json) in
        [(None, "[null,null]"), (Some(&b""[..]), "[\"\",[]]"), (Some(b"k\xff"), "[\"k\u{fffd}\",[107,255]]")]
    {
        let record = Record { key: key.map(<[u8]>::to_vec), ..Record::new("x") };
        assert_eq!(returned(body, record), json);
    }
}

#[test]
fn the_body_of_a_tombstone_is_null_and_an_empty_one_is_not() {
    let body = "return [record.text(), record.bytes() && record.bytes().length, record.isTombstone];";
    assert_eq!(returned(body, Record::tombstone()), "[null,null,true]");
    assert_eq!(returned("return [record.json()];", Record::tombstone()), "[null]");
    assert_eq!(returned(body, Record::new("")), "[\"\",0,false]");
}

#[test]
fn text_that_is_no_utf8_is_replaced() {
    assert_eq!(returned("return record.text();", Record::new(b"a\xffb")), "a\u{fffd}b");
}

#[test]
fn a_value_that_is_no_json_is_undecodable_and_says_where() {
    for (value, message) in [
        (&b"{\"a\":1,\n\"b\":}"[..], "SyntaxError: the record's value is not JSON: expected value at line 2 column 5"),
        (b"", "SyntaxError: the record's value is not JSON: EOF while parsing a value at line 1 column 0"),
        (b"\"\xff\"", "SyntaxError: the record's value is not JSON: byte 1 is not UTF-8"),
    ] {
        let settled = run("return record.json();", Record::new(value));
        assert_eq!((settled.failed().outcome, &settled.failed().message[..]), (Outcome::Undecodable, message));
    }
}

#[test]
fn a_decode_error_that_the_handler_catches_is_its_own_affair() {
    assert_eq!(
        returned("try { record.json(); } catch (error) { return error.name; }", Record::new("x")),
        "SyntaxError"
    );
}

#[test]
fn what_a_handler_does_not_read_is_not_decoded() {
    assert_eq!(run("return record;", Record::new("{broken")).outputs(), [Output::default()]);
}

#[test]
fn headers_answer_with_the_last_value_all_values_and_every_pair() {
    let pairs =
        [(&b"a"[..], Some(&b"1"[..])), (b"A", Some(b"2")), (b"a", Some(b"3")), (b"n", None), (b"\xff", Some(b"x"))];
    let headers = pairs.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
    let body = "const h = record.headers; return [h.get('a'), h.get('A'), h.get('n'), h.get('none'), h.getAll('a'), \
                h.entries().map(([name, value]) => [name, value && [...value]])];";
    let json = r#"["3","2",null,null,["1","3"],[["a",[49]],["A",[50]],["a",[51]],["n",null],["�",[120]]]]"#;
    assert_eq!(returned(body, Record { headers, ..Record::new("x") }), json);
}

#[test]
fn a_record_kept_beyond_its_invocation_shows_nothing() {
    let code =
        "let kept; export default (record) => { if (!kept) { kept = record; return 'kept'; } return kept.text(); };";
    let mut worker = Worker::with(function(code));
    worker.run(&[Record::new("secret of the first"), Record::new("second")]);
    let settled = worker.settled(2);
    assert_eq!(settled[0].outputs()[0].text(), "kept");
    assert!(settled[1].failed().message.contains("has ended"), "{settled:?}");
}

#[test]
fn a_throw_fails_with_its_text_and_place() {
    let settled = run("record.nothing.at.all;", Record::new("x"));
    let failed = settled.failed();
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(failed.message, "TypeError: Cannot read properties of undefined (reading 'at')");
    assert!(failed.stack.contains("index.js:1:") && !failed.stack.contains("ext:"), "{}", failed.stack);
}

#[test]
fn a_rejected_promise_fails_like_a_throw() {
    for body in ["throw new RangeError('late');", "await null; throw new RangeError('late');"] {
        let settled = Worker::with(async_handler(body)).one(Record::new("x"));
        assert_eq!(settled.failed().message, "RangeError: late", "{body}");
        assert_eq!(settled.failed().outcome, Outcome::Failed);
    }
}

#[test]
fn anything_may_be_thrown() {
    for (body, message) in [("throw 'text';", "text"), ("throw null;", "null"), ("throw { a: 1 };", "#<Object>")] {
        assert_eq!(run(body, Record::new("x")).failed().message, message, "{body}");
    }
}

#[test]
fn hostile_errors_do_not_hurt_the_worker() {
    for body in [
        "throw Object.defineProperty(new Error('x'), 'stack', { get() { throw 1; } });",
        "throw new Proxy({}, { get() { throw 1; } });",
        "throw Object.defineProperty(new Error('x'), 'message', { get() { return {}; } });",
        "Error.prepareStackTrace = () => { throw 1; }; throw new Error('x');",
        "function f() { f(); } f();",
        "const e = new Error('x'); e.cause = e; throw e;",
    ] {
        let mut worker = Worker::with(handler(&format!("if (record.text() === 'x') {{ {body} }} return 'fine';")));
        assert_eq!(worker.one(Record::new("x")).failed().outcome, Outcome::Failed, "{body}");
        assert_eq!(worker.one(Record::new("y")).outputs(), [Output::value("fine")], "{body}");
    }
}

#[test]
fn texts_of_failures_are_bounded() {
    let settled = run("throw new Error('x'.repeat(1e6));", Record::new("x"));
    assert!(settled.failed().message.len() <= 4096 && settled.failed().stack.len() <= 16384);
}

#[test]
fn a_promise_is_waited_for() {
    let body = "await new Promise((done) => setTimeout(done, 5)); return record.text() + '!';";
    assert_eq!(Worker::with(async_handler(body)).one(Record::new("x")).outputs(), [Output::value("x!")]);
}

#[test]
fn the_method_of_an_object_is_called_on_its_object() {
    let mut worker = Worker::with(function("export default { greeting: 'hi', record() { return this.greeting; } };"));
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("hi")]);
}

#[test]
fn without_a_sink_a_value_cannot_be_returned() {
    let mut load = handler("return record.text() === 'x' ? 1 : null;");
    load.topics = vec![String::new(), "also".to_owned()];
    let mut worker = Worker::with(load);
    let settled = worker.one(Record::new("x"));
    assert_eq!(settled.failed().outcome, Outcome::UndeclaredTopic);
    assert!(settled.failed().message.contains("no [sink]"), "{settled:?}");
    assert_eq!(worker.one(Record::new("y")).outputs(), []);
}

#[test]
fn large_and_deep_values_are_handled() {
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let mut worker =
        Worker::with(handler("return record.text().length > 1e6 ? record.text().length : record.json() && 'deep';"));
    assert_eq!(worker.one(Record::new(deep)).outputs(), [Output::value("deep")]);
    assert_eq!(worker.one(Record::new(vec![b'x'; 20 << 20])).outputs(), [Output::value("20971520")]);
}
