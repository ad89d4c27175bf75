//! What `ctx` offers, and what handlers can reach besides.

use eddyline::outcome::Outcome;
use eddyline::protocol::control::LogLevel;

use crate::support::worker::{End, One, Output, Record, Settled, Worker, async_handler, batch, function, handler};

fn run(body: &str) -> Settled {
    Worker::with(handler(body)).one(Record::new("x"))
}

#[test]
fn emits_come_in_call_order_before_the_returned_value() {
    let settled = run("ctx.emit('one'); ctx.emit({ two: 2 }, { topic: 'also' }); return 'three';");
    let expected = [Output::value("one"), Output { topic: 1, ..Output::value("{\"two\":2}") }, Output::value("three")];
    assert_eq!(settled.outputs(), expected);
}

#[test]
fn emit_changes_key_headers_timestamp_and_partition_where_it_says_so() {
    let settled = run(
        "ctx.emit(null, { key: 'k', headers: { a: '1', b: null, c: new Uint8Array([9]), d: 4 }, timestamp: 5, partition: 6 });
         ctx.emit(record, { key: null, headers: [['x', '1'], ['x', null]], timestamp: new Date(7) });
         ctx.emit('plain', { key: new Uint8Array([1, 2]), headers: [] });",
    );
    let header = |name: &str, value: Option<&[u8]>| (name.as_bytes().to_vec(), value.map(<[u8]>::to_vec));
    let expected = [
        Output {
            value: Some(None),
            key: Some(Some(b"k".to_vec())),
            headers: Some((
                false,
                vec![header("a", Some(b"1")), header("b", None), header("c", Some(&[9])), header("d", Some(b"4"))],
            )),
            timestamp: Some(5),
            partition: Some(6),
            ..Output::default()
        },
        Output {
            key: Some(None),
            headers: Some((true, vec![header("x", Some(b"1")), header("x", None)])),
            timestamp: Some(7),
            ..Output::default()
        },
        Output { key: Some(Some(vec![1, 2])), headers: Some((true, vec![])), ..Output::value("plain") },
    ];
    assert_eq!(settled.outputs(), expected);
}

#[test]
fn emit_refuses_options_of_the_wrong_kind() {
    for options in [
        "{ key: 5 }",
        "{ topic: 5 }",
        "{ partition: -1 }",
        "{ partition: 1.5 }",
        "{ timestamp: 'now' }",
        "{ timestamp: new Date(NaN) }",
        "{ headers: 'x' }",
        "{ headers: [['a']] }",
        "{ headers: { a: {} } }",
        "'also'",
    ] {
        let settled = run(&format!("ctx.emit(1, {options});"));
        assert_eq!(settled.failed().outcome, Outcome::Failed, "{options}");
        assert!(settled.failed().message.starts_with("TypeError: "), "{options}: {settled:?}");
    }
    assert!(run("ctx.emit(undefined);").failed().message.contains("null writes a tombstone"));
}

#[test]
fn an_undeclared_topic_fails_unless_the_handler_catches_it() {
    let settled = run("ctx.emit(1, { topic: 'elsewhere' });");
    assert_eq!(settled.failed().outcome, Outcome::UndeclaredTopic);
    assert!(settled.failed().message.contains("\"elsewhere\""), "{settled:?}");
    assert_eq!(
        run("try { ctx.emit(1, { topic: 'elsewhere' }); } catch { return 'caught'; }").outputs(),
        [Output::value("caught")]
    );
}

#[test]
fn without_a_sink_emit_needs_a_topic() {
    let mut load = handler("ctx.emit(1, record.text() === 'x' ? {} : { topic: 'also' });");
    load.topics = vec![String::new(), "also".to_owned()];
    let mut worker = Worker::with(load);
    assert!(worker.one(Record::new("x")).failed().message.contains("emit needs a topic"));
    assert_eq!(worker.one(Record::new("y")).outputs(), [Output { topic: 1, ..Output::value("1") }]);
}

#[test]
fn what_was_emitted_before_a_failure_is_discarded() {
    assert_eq!(run("ctx.emit(1); throw new Error('no');").failed().message, "Error: no");
}

#[test]
fn rejecting_fails_for_good_with_its_reason() {
    for (body, message) in [
        ("ctx.reject('bad row');", "bad row"),
        ("ctx.reject(new Error('from an error'));", "from an error"),
        ("ctx.reject();", "rejected"),
    ] {
        let settled = run(body);
        assert_eq!((settled.failed().outcome, &settled.failed().message[..]), (Outcome::Rejected, message));
    }
    let settled = Worker::with(async_handler("await null; ctx.reject('late');")).one(Record::new("x"));
    assert_eq!(settled.failed().outcome, Outcome::Rejected);
}

#[test]
fn emitting_after_the_end_throws() {
    let code = "let kept; export default (record, ctx) => { if (!kept) { kept = ctx; return; } kept.emit('stray'); };";
    let mut worker = Worker::with(function(code));
    worker.run(&[Record::new("1"), Record::new("2")]);
    let settled = worker.settled(2);
    assert_eq!(settled[0].outputs(), []);
    assert!(settled[1].failed().message.contains("the invocation has ended"), "{settled:?}");
}

#[test]
fn too_many_and_too_large_results_hit_the_output_limit() {
    let limited = |body: &str| {
        let mut load = handler(body);
        (load.limits.results, load.limits.output_bytes) = (3, 100);
        Worker::with(load).one(Record::new("x"))
    };
    assert_eq!(limited("for (let i = 0; i < 3; i++) ctx.emit(i);").outputs().len(), 3);
    for body in [
        "for (let i = 0; i < 4; i++) ctx.emit(i);",
        "for (let i = 0; i < 3; i++) ctx.emit(i); return 1;",
        "ctx.emit('x'.repeat(200));",
        "ctx.emit('x'.repeat(60)); ctx.emit('x'.repeat(60));",
        "return 'x'.repeat(200);",
        "return '\\u20ac'.repeat(40);",
        "return new Uint8Array(200);",
        "return ['x'.repeat(200)];",
    ] {
        assert_eq!(limited(body).failed().outcome, Outcome::OutputLimit, "{body}");
    }
}

#[test]
fn what_results_keep_of_their_record_counts_from_the_second_time_on() {
    let limited = |body: &str| {
        let mut load = handler(body);
        load.limits.output_bytes = 1000;
        let header = (b"name".to_vec(), Some(vec![b'h'; 600]));
        let record = Record { headers: vec![header], ..Record::new("v".repeat(5000)).with_key("k".repeat(700)) };
        Worker::with(load).one(record)
    };
    for (body, results) in [
        ("return record;", 1),
        ("ctx.emit(record);", 1),
        ("return Promise.resolve(record);", 1),
        ("ctx.emit('x', { key: 'k', headers: [] }); return record;", 2),
        ("ctx.emit(record, { key: 'k', headers: [] }); return 'x';", 2),
        ("ctx.emit('x'); ctx.emit('y', { key: 'k', headers: { a: '1' } });", 2),
        ("try { ctx.emit(record); ctx.emit(record); } catch {} return;", 1),
        ("Promise.resolve().then(() => ctx.emit(record)).catch(() => {}); return record;", 1),
    ] {
        assert_eq!(limited(body).outputs().len(), results, "{body}");
    }
    for body in [
        "ctx.emit(record); ctx.emit(record);",
        "ctx.emit(record); return record;",
        "ctx.emit(record); return Promise.resolve(record);",
        "ctx.emit(record, { key: 'k', headers: [] }); ctx.emit(record, { key: 'k', headers: [] });",
        "for (let i = 0; i < 3; i++) ctx.emit('x', { headers: [] });",
        "for (let i = 0; i < 3; i++) ctx.emit('x', { key: null, headers: { a: '1' } });",
    ] {
        let settled = limited(body);
        assert_eq!(settled.failed().outcome, Outcome::OutputLimit, "{body}");
        assert!(settled.failed().message.contains("raise `output`"), "{settled:?}");
    }
}

#[test]
fn the_context_tells_attempt_deadline_environment_and_function() {
    let settled = run(
        "const left = ctx.deadline - Date.now();
         return [ctx.attempt, left > 5000 && left <= 10000, ctx.env.CURRENCY, Object.isFrozen(ctx.env), ctx.function];",
    );
    assert_eq!(settled.outputs()[0].text(), r#"[1,true,"EUR",true,{"name":"test","version":7}]"#);
}

#[test]
fn the_signal_aborts_when_time_is_up_and_not_before() {
    let code = "export default async (record, ctx) => {
        if (record.text() === 'look') return globalThis.seen;
        const signal = ctx.signal;
        signal.addEventListener('abort', () => { globalThis.seen = [signal.reason.name, before]; });
        const before = signal.aborted;
        await new Promise(() => {});
    };";
    let mut load = function(code);
    // Loading what makes a signal must fit in, however busy the machine is.
    load.limits.wall_ms = 500;
    let mut worker = Worker::with(load);
    assert_eq!(worker.one(Record::new("wait")).failed().outcome, Outcome::WallLimit);
    assert_eq!(worker.one(Record::new("look")).outputs()[0].text(), r#"["TimeoutError",false]"#);
}

#[test]
fn log_lines_carry_level_text_and_invocation() {
    let mut worker = Worker::with(handler(
        "ctx.log.info('hello', { a: 1 }); console.warn('careful'); console.log('%s!', 'so'); ctx.log.debug('d'); console.error(new Map([[1, 2]]));",
    ));
    worker.one(Record::new("x"));
    let lines: Vec<_> = (0..5).map(|_| worker.log()).map(|log| (log.level, log.text, log.invocation)).collect();
    let line = |level, text: &str| (level, text.to_owned(), 1);
    let expected = [
        line(LogLevel::Info, "hello { a: 1 }"),
        line(LogLevel::Warn, "careful"),
        line(LogLevel::Info, "so!"),
        line(LogLevel::Debug, "d"),
        line(LogLevel::Error, "Map(1) { 1 => 2 }"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_line_written_behind_an_await_belongs_to_its_invocation() {
    let mut worker = Worker::with(async_handler(
        "await new Promise((done) => setTimeout(done, record.text() === 'slow' ? 20 : 1)); console.log(record.text());",
    ));
    worker.run_in(1, &[((5, 1, 1), &[Record::new("slow")]), ((6, 2, 1), &[Record::new("fast")])]);
    worker.settled(2);
    let (first, second) = (worker.log(), worker.log());
    assert_eq!((&first.text[..], first.invocation), ("fast", 6));
    assert_eq!((&second.text[..], second.invocation), ("slow", 5));
}

#[test]
fn unhandled_rejections_and_timer_errors_are_logged_and_harm_nobody() {
    let mut worker = Worker::with(async_handler(
        "Promise.reject(new Error('floating')); setTimeout(() => { throw new Error('timer'); }, 1);
         await new Promise((done) => setTimeout(done, 20)); return 'fine';",
    ));
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("fine")]);
    let lines = [worker.log(), worker.log()];
    assert!(lines.iter().any(|line| line.text.contains("floating")), "{lines:?}");
    assert!(lines.iter().any(|line| line.text.contains("timer")), "{lines:?}");
}

#[test]
fn a_rejection_that_a_plain_handler_leaves_behind_is_logged() {
    let mut worker = Worker::with(handler("Promise.reject(new Error('floating')); return 'fine';"));
    assert_eq!(worker.one(Record::new("x")).outputs(), [Output::value("fine")]);
    assert!(worker.log().text.contains("floating"));
}

#[test]
fn lines_of_a_function_that_is_only_prepared_are_dropped() {
    let mut worker = Worker::start();
    let prepared = worker.prepare(&[("index.js", "console.log('loading'); export default () => {};")]);
    assert!(prepared.result.is_ok() && worker.logs.is_empty(), "{prepared:?}");
}

#[test]
fn the_web_apis_of_handlers_are_there() {
    let settled = run(
        "const url = new URL('https://a.example/x?b=1'); url.searchParams.set('c', '2');
         const target = new EventTarget(); let heard = 0; target.addEventListener('e', () => heard++); target.dispatchEvent(new Event('e'));
         return [url.href, new URLSearchParams('a=1').get('a'), [...new TextEncoder().encode('é')],
           new TextDecoder().decode(new Uint8Array([195, 169])), atob(btoa('x')), structuredClone(new Map([[1, { a: 1 }]])).get(1),
           heard, typeof performance.now(), typeof queueMicrotask, new AbortController().signal.aborted, new DOMException('m', 'n').name,
           typeof clearTimeout, typeof setInterval, typeof clearInterval, typeof AbortSignal.timeout];",
    );
    let json = r#"["https://a.example/x?b=1&c=2","1",[195,169],"é","x",{"a":1},1,"number","function",false,"n","function","function","function","function"]"#;
    assert_eq!(settled.outputs()[0].text(), json);
}

#[test]
fn nothing_of_the_engine_room_is_within_reach() {
    let settled = run(
        "const found = ['Deno', '__bootstrap', 'SharedArrayBuffer', 'Atomics', 'require', 'process'].filter((name) => name in globalThis);
         const caught = [];
         for (const code of [() => eval('1'), () => new Function('1'), () => (() => {}).constructor('1')()]) {
           try { code(); caught.push('ran'); } catch (error) { caught.push(error.name); }
         }
         return [found, caught, typeof record.constructor, Object.isFrozen(Object.getPrototypeOf(record)), Object.isFrozen(Object.getPrototypeOf(ctx))];",
    );
    assert_eq!(settled.outputs()[0].text(), r#"[[],["EvalError","EvalError","EvalError"],"undefined",true,true]"#);
}

#[test]
fn handlers_that_tamper_with_builtins_do_not_reach_our_code() {
    let settled = run(
        "Array.prototype.push = () => { throw 1; }; Object.keys = () => { throw 1; }; Map.prototype.get = () => { throw 1; };
         Promise.prototype.then = () => { throw 1; }; Object.prototype.topic = 'elsewhere'; Object.prototype.get = () => { throw 1; };
         ctx.emit('x', { headers: { a: '1' }, topic: undefined }); delete Object.prototype.topic; return record.headers.get('a') === null;",
    );
    assert_eq!(settled.outputs().len(), 2);
}

#[test]
fn a_batch_returns_nothing_or_one_result_for_each_record() {
    let records: Vec<Record> = ["a", "b", "c"].iter().map(Record::new).collect();
    let mut worker =
        Worker::with(batch("return records.map((record) => record.text() === 'b' ? null : record.text() + '!');"));
    let expected = vec![One::Done(vec![Output::value("a!")]), One::Filtered, One::Done(vec![Output::value("c!")])];
    assert_eq!(worker.batch(&records).end, End::Each(expected));
    let mut worker = Worker::with(batch(""));
    assert_eq!(worker.batch(&records).end, End::Each(vec![One::Filtered, One::Filtered, One::Filtered]));
    let mut worker = Worker::with(batch("return records;"));
    assert_eq!(worker.batch(&records).end, End::Each(vec![One::Done(vec![Output::default()]); 3]));
    let mut worker =
        Worker::with(function("export default { async batch(records) { await null; return records.map(() => 1); } };"));
    assert_eq!(worker.batch(&records).end, End::Each(vec![One::Done(vec![Output::value("1")]); 3]));
}

#[test]
fn a_batch_that_returns_anything_else_fails_as_a_whole() {
    let records: Vec<Record> = ["a", "b"].iter().map(Record::new).collect();
    for (body, text) in [
        ("return [1];", "an array of 1"),
        ("return { a: 1 };", "a object"),
        ("return 'x';", "a string"),
        ("return [1, 2, 3];", "an array of 3"),
    ] {
        let End::Whole(failed) = Worker::with(batch(body)).batch(&records).end else { panic!("{body}") };
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!(failed.message.contains(text), "{failed:?}");
    }
    let End::Whole(failed) = Worker::with(batch("throw new Error('all');")).batch(&records).end else { panic!() };
    assert_eq!(failed.message, "Error: all");
}

#[test]
fn records_of_a_batch_emit_and_fail_on_their_own() {
    let records: Vec<Record> = ["a", "b", "c", "d"].iter().map(Record::new).collect();
    let body =
        "records[0].emit('from a'); records[1].reject('bad'); records[2].retry(); return [null, 'lost', 'lost', 10n];";
    let End::Each(all) = Worker::with(batch(body)).batch(&records).end else { panic!() };
    assert_eq!(all[0], One::Done(vec![Output::value("from a")]));
    let failed = |one: &One| match one {
        One::Failed(failed) => (failed.outcome, failed.message.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(&all[1]), (Outcome::Rejected, "bad".to_owned()));
    assert_eq!(failed(&all[2]), (Outcome::Failed, "retry requested".to_owned()));
    assert_eq!(failed(&all[3]).0, Outcome::Unserialisable);
}

#[test]
fn a_delay_of_a_retry_is_milliseconds() {
    let records = [Record::new("a")];
    let body = |options: &str| {
        let text = format!("try {{ records[0].retry({options}); }} catch (error) {{ return [error.name]; }}");
        let End::Each(all) = Worker::with(batch(&text)).batch(&records).end else { panic!("{options}") };
        all
    };
    for options in ["", "null", "{}", "{ delay: null }", "{ delay: 0 }", "{ delay: 1.5 }", "{ delay: 4294967295 }"] {
        let all = body(options);
        assert!(matches!(&all[0], One::Failed(failed) if failed.message == "retry requested"), "{options}: {all:?}");
    }
    for options in ["5", "'5s'", "{ delay: -1 }", "{ delay: NaN }", "{ delay: '5' }", "{ delay: 4294967296 }"] {
        assert_eq!(body(options), [One::Done(vec![Output::value("TypeError")])], "{options}");
    }
}
