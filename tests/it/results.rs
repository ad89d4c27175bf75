//! What a handler returns and emits, and how it is written.

use crate::support::record::{keys, texts};
use crate::support::{Record, Trial};

#[test]
fn what_a_handler_returns_is_written_as_json_with_its_records_key_headers_and_timestamp() {
    let handler = "
        interface Order { quantity: number; price: number }
        export default function (record: Eddyline.Record) {
          const order = record.json<Order>();
          return { ...order, total: order!.quantity * order!.price };
        }";
    let Some(trial) = Trial::new("json", 2, handler) else { return };
    let order = Record::new("a", r#"{"quantity":2,"price":3}"#).on(1).at(1_700_000_000_000).header("h", "v");
    trial.feed([order.clone()]);
    let out = trial.out();
    assert_eq!(texts(&out), [r#"{"quantity":2,"price":3,"total":6}"#]);
    assert_eq!((&out[0].key, &out[0].headers, out[0].timestamp), (&order.key, &order.headers, order.timestamp));
    assert_eq!(trial.dead(), []);
}

#[test]
fn each_kind_of_value_is_written_as_documented() {
    let handler = r#"
        const values: { [kind: string]: () => unknown } = {
          text: () => "grün",
          empty: () => "",
          number: () => 7,
          boolean: () => false,
          array: () => [1, null, "x"],
          bytes: () => new Uint8Array([0, 255, 10]),
          buffer: () => new Uint8Array([1, 2]).buffer,
          view: () => new DataView(new Uint8Array([9, 8, 7, 6]).buffer, 1, 2),
          date: () => new Date(0),
          promise: () => Promise.resolve({ later: true }),
        };
        export default (record) => values[record.text()!]();"#;
    let Some(trial) = Trial::new("values", 1, handler) else { return };
    let expected: [(&str, &[u8]); 10] = [
        ("text", "grün".as_bytes()),
        ("empty", b""),
        ("number", b"7"),
        ("boolean", b"false"),
        ("array", br#"[1,null,"x"]"#),
        ("bytes", &[0, 255, 10]),
        ("buffer", &[1, 2]),
        ("view", &[8, 7]),
        ("date", br#""1970-01-01T00:00:00.000Z""#),
        ("promise", br#"{"later":true}"#),
    ];
    trial.feed(expected.map(|(kind, _)| Record::new(kind, kind)));
    let out = trial.out();
    let written: Vec<(&str, &[u8])> =
        out.iter().map(|record| (record.key_text(), record.value.as_deref().expect("a value"))).collect();
    assert_eq!(written, expected);
}

#[test]
fn undefined_and_null_write_nothing_and_are_counted_as_filtered() {
    let handler = "export default (record) => record.text() === 'null' ? null : undefined;";
    let Some(trial) = Trial::new("filtered", 1, handler) else { return };
    trial.feed([Record::of("null"), Record::of("undefined")]);
    assert_eq!(trial.out(), []);
    assert_eq!(trial.dead(), []);
    assert_eq!(trial.metric("eddyline_function_filtered_records_total"), 2.0);
    assert_eq!(trial.metric("eddyline_function_in_records_total"), 2.0);
}

#[test]
fn emits_leave_in_the_order_of_their_calls_and_the_return_value_last() {
    let handler = "
        export default {
          async record(record, ctx) {
            const n = record.text();
            ctx.emit(n + '.1');
            await Promise.resolve();
            ctx.emit(n + '.2');
            return n + '.3';
          },
        } satisfies Eddyline.Handler;";
    let Some(trial) = Trial::new("order", 1, handler) else { return };
    trial.feed(["a", "b", "c"].map(|text| Record::new("k", text)));
    assert_eq!(texts(&trial.out()), ["a.1", "a.2", "a.3", "b.1", "b.2", "b.3", "c.1", "c.2", "c.3"]);
    assert_eq!(trial.metric("eddyline_function_out_records_total"), 9.0);
}

#[test]
fn emitting_null_writes_a_tombstone() {
    let Some(trial) = Trial::new("tombstone", 1, "export default (record, ctx) => ctx.emit(null);") else { return };
    trial.feed([Record::new("gone", "value")]);
    let out = trial.out();
    assert_eq!(keys(&out), ["gone"]);
    assert_eq!(out[0].value, None);
}

#[test]
fn a_throw_discards_what_was_emitted_and_the_next_attempt_emits_anew() {
    let handler = "
        export default (record, ctx) => {
          ctx.emit(record.text() + ' of attempt ' + ctx.attempt);
          if (ctx.attempt < 3) throw new Error('not yet');
        };";
    let backoff = "[retry]\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let Some(trial) = Trial::with("discard", 1, |draft| draft.with(backoff), handler) else { return };
    trial.feed([Record::of("x"), Record::of("y")]);
    assert_eq!(texts(&trial.out()), ["x of attempt 3", "y of attempt 3"]);
    assert_eq!(trial.metric("eddyline_function_retried_records_total"), 4.0);
}

#[test]
fn an_emit_to_a_topic_that_the_manifest_does_not_name_is_a_dead_letter() {
    let handler = "
        export default (record, ctx) => {
          ctx.emit('first');
          ctx.emit('second', { topic: 'not-declared' });
        };";
    let Some(trial) = Trial::new("undeclared", 1, handler) else { return };
    trial.feed([Record::of("x")]);
    assert_eq!(trial.out(), []);
    let dead = trial.dead();
    assert_eq!(dead[0].error_code(), "E2005");
    assert_eq!(dead[0].header_text("eddyline.error.attempts"), Some("1"), "it is not retried");
    assert!(dead[0].header_text("eddyline.error.message").unwrap().contains("not-declared"));
}

#[test]
fn a_function_without_a_sink_may_emit_to_its_other_topics_and_return_nothing() {
    let Some(scene) = crate::support::Scene::new("no-sink") else { return };
    let (input, audit) = (scene.topic("in", 1), scene.topic("audit", 1));
    let function = scene.function("it").reads(&input).also(&audit).handler(&format!(
        "export default (record, ctx) => {{
           const what = record.text();
           if (what === 'return') return 'lost';
           if (what === 'emit') ctx.emit('lost');
           if (what === 'null') return null;
           ctx.emit(what, {{ topic: '{audit}' }});
         }}"
    ));
    scene.write(&input, ["return", "emit", "null", "audited"].map(|text| Record::new(text, text)));
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&audit)), ["audited"]);
    let dead = scene.read(&function.dead_letter);
    assert_eq!(keys(&dead), ["return", "emit"]);
    assert!(dead.iter().all(|letter| letter.error_code() == "E2005"));
}

#[test]
fn what_cannot_be_written_as_json_is_a_dead_letter_at_once() {
    let handler = "
        export default (record) => {
          const cycle: { self?: unknown } = {};
          cycle.self = cycle;
          return { function: () => 1, bigint: 1n, cycle, inside: { n: 1n } }[record.text()!];
        };";
    let Some(trial) = Trial::new("unserialisable", 1, handler) else { return };
    trial.feed(["function", "bigint", "cycle", "inside"].map(|text| Record::new(text, text)));
    assert_eq!(trial.out(), []);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["function", "bigint", "cycle", "inside"]);
    for letter in &dead {
        assert_eq!((letter.error_code(), letter.header_text("eddyline.error.attempts")), ("E2004", Some("1")));
    }
}

#[test]
fn more_results_than_allowed_are_a_dead_letter_and_none_of_them_is_written() {
    let handler = "
        export default (record, ctx) => {
          if (record.text() === 'many') for (let i = 0; i < 4; i++) ctx.emit(i);
          else if (record.text() === 'large') return 'x'.repeat(2000);
          else for (let i = 0; i < 3; i++) ctx.emit('fits');
        };";
    let limits = "[limits]\nresults = 3\noutput = \"1KiB\"";
    let Some(trial) = Trial::with("limits", 1, |draft| draft.with(limits), handler) else { return };
    trial.feed(["many", "large", "few"].map(|text| Record::new(text, text)));
    assert_eq!(texts(&trial.out()), ["fits", "fits", "fits"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["many", "large"]);
    assert!(dead.iter().all(|letter| letter.error_code() == "E2006"));
}

#[test]
fn the_context_tells_the_handler_where_it_is() {
    let handler = "
        export default (record, ctx) => ({
          attempt: ctx.attempt,
          name: ctx.function.name,
          version: Number.isInteger(ctx.function.version),
          left: ctx.deadline.getTime() - Date.now() > 0,
          aborted: ctx.signal.aborted,
          env: ctx.env,
        });";
    let more = "[env]\nCURRENCY = \"EUR\"";
    let Some(trial) = Trial::with("context", 1, |draft| draft.with(more), handler) else { return };
    trial.feed([Record::of("x")]);
    let expected = serde_json::json!({
        "attempt": 1, "name": trial.function.name, "version": true, "left": true, "aborted": false,
        "env": { "CURRENCY": "EUR" },
    });
    assert_eq!(trial.out()[0].json(), expected);
}
