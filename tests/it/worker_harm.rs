//! What handlers may do, on purpose or not, without harm to other records or to the worker.

use eddyline::outcome::Outcome;
use eddyline::protocol::Kind;
use eddyline::protocol::control::Load;
use eddyline::protocol::words::Running;

use crate::support::worker::{End, One, Output, Record, Worker, async_handler, batch, function, handler};

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|_| Record::new("x")).collect()
}

fn each(end: End) -> Vec<One> {
    match end {
        End::Each(all) => all,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_results_of_one_invocation_never_outgrow_a_message() {
    let mut load = batch("const text = 'x'.repeat(1048000); return records.map(() => text);");
    load.limits.wall_ms = 60_000;
    load.limits.cpu_ms = 60_000;
    let mut worker = Worker::with(load);
    let all = each(worker.batch(&records(300)).end);
    let done = all.iter().take_while(|one| matches!(one, One::Done(_))).count();
    assert_eq!(done, (128 << 20) / 1_048_000);
    for one in &all[done..] {
        let One::Failed(failed) = one else { panic!("a result beyond the limit was taken") };
        assert_eq!(failed.outcome, Outcome::OutputLimit);
        assert!(failed.message.contains("128 MiB"), "{}", failed.message);
    }
}

#[test]
fn what_the_results_of_one_invocation_keep_of_their_records_has_the_same_bound() {
    let done = |emits: u32| {
        let body = "for (const record of records) for (let i = 0; i < EMITS; i++) record.emit(record); return records;";
        let mut load = batch(&body.replace("EMITS", &emits.to_string()));
        load.limits.wall_ms = 60_000;
        load.limits.cpu_ms = 60_000;
        load.limits.output_bytes = 256 << 20;
        let all = each(Worker::with(load).batch(&vec![Record::new("x".repeat(14 << 20)); 4]).end);
        all.iter().take_while(|one| matches!(one, One::Done(_))).count()
    };
    assert_eq!(done(2), 4, "8 x 14 MiB are no more than 128 MiB");
    assert_eq!(done(3), 1, "with what the first returns, the emits come to 9 x 14 MiB, and no more fit");
}

#[test]
fn emitting_from_all_records_of_a_batch_has_the_same_bound() {
    let body = "const text = 'x'.repeat(1048000); for (const record of records) { try { record.emit(text); } catch { record.reject('full'); } }";
    let mut load = batch(body);
    load.limits.wall_ms = 60_000;
    load.limits.cpu_ms = 60_000;
    let all = each(Worker::with(load).batch(&records(300)).end);
    assert_eq!(all.iter().filter(|one| matches!(one, One::Done(_))).count(), (128 << 20) / 1_048_000);
}

#[test]
fn a_single_result_never_outgrows_a_message_either() {
    let mut load = handler("return new Uint8Array(200 << 20);");
    load.limits.output_bytes = 256 << 20;
    load.limits.external_bytes = 512 << 20;
    let settled = Worker::with(load).one(Record::new("x"));
    assert_eq!(settled.failed().outcome, Outcome::OutputLimit);
}

#[test]
fn what_encoding_emits_counts_towards_the_limits() {
    let body = "let deep = 0; const value = { toJSON() { if (deep++ < 40) ctx.emit(value); return 'x'; } };";
    for end in ["ctx.emit(value);", "return value;"] {
        let mut load = handler(&format!("{body} {end}"));
        load.limits.results = 10;
        let settled = Worker::with(load).one(Record::new("x"));
        assert_eq!(settled.failed().outcome, Outcome::OutputLimit, "{end}");
    }
    let mut load = handler("return { toJSON() { ctx.emit('x'.repeat(80)); return 'y'.repeat(80); } };");
    load.limits.output_bytes = 100;
    assert_eq!(Worker::with(load).one(Record::new("x")).failed().outcome, Outcome::OutputLimit);
}

#[test]
fn setters_on_prototypes_reach_nothing_that_the_worker_holds() {
    let code = "
        let current;
        const touch = () => { try { current.text(); } catch {} };
        for (const name of ['0', '1', '2', 'code', 'message', 'stack', 'value', 'get']) {
            for (const prototype of [Array.prototype, Object.prototype, Error.prototype]) {
                if (prototype === Error.prototype && name === 'message') continue;
                if (prototype === Object.prototype && (name === 'value' || name === 'get')) continue;
                Object.defineProperty(prototype, name, { configurable: true, set() { touch(); }, get: undefined });
            }
        }
        Error.prepareStackTrace = () => { touch(); return ''; };
        export default function (record, ctx) {
            current = record;
            const all = record.headers.getAll('a');
            const entries = record.headers.entries();
            try { record.json(); } catch {}
            ctx.emit('emitted', { headers: [['b', '1'], ['c', '2']] });
            return [all.length, entries.length].join();
        }";
    let mut worker = Worker::with(function(code));
    let header = |value: &str| (b"a".to_vec(), Some(value.as_bytes().to_vec()));
    let record = Record { headers: vec![header("1"), header("2")], ..Record::new("no json") };
    let settled = worker.one(record);
    let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), Some(value.as_bytes().to_vec()));
    let emitted = Output { headers: Some((true, vec![pair("b", "1"), pair("c", "2")])), ..Output::value("emitted") };
    assert_eq!(settled.outputs(), [emitted, Output::value("2,2")]);
}

#[test]
fn a_batch_may_return_a_promise_for_each_record() {
    for asynchronous in ["", "async "] {
        let body = "return records.map(async (record) => record.text() + '!');";
        let load = function(&format!("export default {{ {asynchronous}batch(records) {{ {body} }} }}"));
        let all = each(Worker::with(load).batch(&[Record::new("a"), Record::new("b")]).end);
        assert_eq!(all, [One::Done(vec![Output::value("a!")]), One::Done(vec![Output::value("b!")])]);
    }
}

#[test]
fn a_promise_is_no_result_but_a_thenable_is_awaited() {
    let settled = Worker::with(handler("ctx.emit(Promise.resolve(1));")).one(Record::new("x"));
    assert_eq!(settled.failed().outcome, Outcome::Unserialisable);
    assert!(settled.failed().message.contains("await it first"), "{}", settled.failed().message);
    let settled = Worker::with(handler("return { then(done) { done('adopted'); } };")).one(Record::new("x"));
    assert_eq!(settled.outputs(), [Output::value("adopted")]);
}

#[test]
fn a_promise_of_a_broken_subclass_fails_at_once() {
    let body = "class Odd extends Promise { static get [Symbol.species]() { throw new Error('species'); } }
        return new Odd((done) => setTimeout(done, 5));";
    let settled = Worker::with(handler(body)).one(Record::new("x"));
    assert_eq!(settled.failed().outcome, Outcome::Failed);
    assert!(settled.failed().message.contains("species"), "{}", settled.failed().message);
}

#[test]
fn timers_end_with_their_invocation() {
    let body = "
        if (record.text() === 'leave') { setTimeout(() => { for (;;); }, 5); setInterval(() => { for (;;); }, 5); return 'left'; }
        await new Promise((done) => setTimeout(done, 50));
        return 'fine';";
    let mut load = async_handler(body);
    load.limits.cpu_ms = 50;
    let mut worker = Worker::with(load);
    worker.run_in(1, &[((1, 1, 1), &[Record::new("leave")]), ((2, 2, 1), &[Record::new("wait")])]);
    let mut settled = worker.settled(2);
    settled.sort_by_key(|settled| settled.id);
    assert_eq!(settled[0].outputs(), [Output::value("left")]);
    assert_eq!(settled[1].outputs(), [Output::value("fine")]);
}

#[test]
fn what_an_ended_invocation_left_behind_is_blamed_on_nobody() {
    // A timer of the module ends with no invocation, and what waits for it goes on.
    let code = "
        let open;
        const gate = new Promise((done) => { open = done; });
        setInterval(() => open(), 20);
        export default async (record) => {
            if (record.text() === 'leave') {
                gate.then(() => { for (;;); });
                return 'left';
            }
            await new Promise((done) => setTimeout(done, 5000));
        };";
    let mut load = function(code);
    load.limits.cpu_ms = 50;
    let mut worker = Worker::with(load);
    worker.run_in(1, &[((1, 1, 1), &[Record::new("leave")]), ((2, 2, 1), &[Record::new("wait")])]);
    let mut settled = worker.settled(2);
    settled.sort_by_key(|settled| settled.id);
    assert_eq!(settled[0].outputs(), [Output::value("left")]);
    assert_eq!(settled[1].end, End::NotRun);
    assert_eq!(worker.unloaded().reason.as_deref(), Some("cpu limit"));
}

#[test]
fn a_limit_strikes_the_one_whose_code_ran_though_another_was_looked_after() {
    // The second lets the first go on, which never comes to an end.
    let code = "
        let open, gate = new Promise((done) => { open = done; });
        export default function (record) {
            if (record.text() === 'opens') { open(); return 'opened'; }
            return gate.then(() => { for (;;); });
        }";
    let mut load = function(code);
    load.limits.cpu_ms = 50;
    let mut worker = Worker::with(load);
    worker.run_in(1, &[((1, 1, 1), &[Record::new("waits")]), ((2, 2, 1), &[Record::new("opens")])]);
    let mut settled = worker.settled(2);
    settled.sort_by_key(|settled| settled.id);
    assert_eq!(settled[0].failed().outcome, Outcome::CpuLimit);
    assert_eq!(settled[1].end, End::NotRun);
    assert_eq!(worker.unloaded().reason.as_deref(), Some("cpu limit"));
}

#[test]
fn the_shared_memory_says_whose_heap_grows_while_it_runs() {
    let body = "
        const kept = [];
        for (let n = 0; n < 400; n++) kept.push(new Array(10000).fill(n));
        console.log('grown');
        while (record.text() === 'stay');
        return kept.length;";
    let mut load = handler(body);
    load.limits.heap_bytes = 128 << 20;
    let mut worker = Worker::start();
    for channel in [1, 2] {
        assert!(worker.load(channel, &load).result.is_ok());
    }
    worker.run_in(1, &[((1, 1, 1), &[Record::new("stay")])]);
    worker.log();
    let held = |channel| worker.words.memory(channel).load(std::sync::atomic::Ordering::Acquire);
    assert!(held(1) > 16 << 20, "it holds 32 MiB, as of the last collection {}", held(1));
    assert!(held(2) < 16 << 20, "{}", held(2));
}

#[test]
fn the_shared_word_says_that_modules_load_and_that_one_of_several_goes_on() {
    let code = "
        let resume;
        const gate = new Promise((done) => { resume = done; });
        export default async function (record) {
            if (record.text() === 'go') setTimeout(resume, 5);
            await gate;
            const until = Date.now() + 300;
            while (Date.now() < until);
        }";
    let mut worker = Worker::with(function(code));
    worker.run_in(1, &[((1, 1, 1), &[Record::new("x")]), ((2, 2, 1), &[Record::new("go")])]);
    let begun = std::time::Instant::now();
    while worker.words.running(1) != Running::Something {
        assert!(begun.elapsed().as_secs() < 30, "the word never said so");
        std::thread::yield_now();
    }
    worker.settled(2);
    worker.send_control(Kind::Load, 2, &function("for (const end = Date.now() + 300; Date.now() < end;);"));
    while worker.words.running(2) != Running::Something {
        assert!(begun.elapsed().as_secs() < 60, "the word never said so");
        std::thread::yield_now();
    }
}

#[test]
fn memory_that_runs_out_behind_an_await_is_blamed_on_its_own_invocation() {
    let body = "
        await new Promise((done) => setTimeout(done, 5));
        if (record.text() === 'harm') { const all = []; for (;;) all.push({ a: [1, 2, 3] }); }
        await new Promise(() => {});";
    let mut load = async_handler(body);
    load.limits.heap_bytes = 32 << 20;
    let mut worker = Worker::with(load);
    let sent = |id, value: &str| (id, [Record::new(value)]);
    let sent = [sent(1, "fine"), sent(2, "harm"), sent(3, "fine")];
    let sent: Vec<_> = sent.iter().map(|(id, records)| ((u64::from(*id), *id, 1), &records[..])).collect();
    worker.run_in(1, &sent);
    let mut settled = worker.settled(3);
    settled.sort_by_key(|settled| settled.id);
    assert_eq!((&settled[0].end, &settled[2].end), (&End::NotRun, &End::NotRun));
    assert_eq!(settled[1].failed().outcome, Outcome::MemoryLimit);
}

fn leaves_behind(code: &str) -> Load {
    let mut load = handler(&format!("if (record.text() === 'harm') {{ {code} }} return 'ok';"));
    load.limits.cpu_ms = 50;
    load
}

#[test]
fn promise_reactions_that_nobody_waits_for_belong_to_their_own_record() {
    for code in [
        "Promise.resolve().then(() => { for (;;); });",
        "const again = () => Promise.resolve().then(again); again();",
        "queueMicrotask(() => { for (;;); });",
    ] {
        let mut worker = Worker::with(leaves_behind(code));
        worker.run(&[Record::new("fine"), Record::new("harm"), Record::new("fine")]);
        let settled = worker.settled(3);
        assert_eq!(settled[0].outputs(), [Output::value("ok")]);
        assert_eq!(settled[1].failed().outcome, Outcome::CpuLimit, "{code}");
        assert_eq!(settled[2].end, End::NotRun);
    }
}

#[test]
fn a_promise_goes_on_and_runs_out_of_time_while_other_lanes_are_busy() {
    let code = "export default function (record) {
        if (record.text() === 'sleep') return new Promise((done) => setTimeout(() => done('slept'), 5));
        if (record.text() === 'never') return new Promise(() => {});
        const end = Date.now() + 1;
        while (Date.now() < end);
    }";
    let mut load = function(code);
    load.limits.wall_ms = 100;
    let mut worker = Worker::with(load);
    let busy = Record::new("busy");
    let (sleep, never) = ([Record::new("sleep")], [Record::new("never")]);
    let busy: Vec<[Record; 1]> = (0..1000).map(|_| [busy.clone()]).collect();
    let mut sent = vec![((1, 1, 1), &sleep[..]), ((2, 2, 1), &never[..])];
    sent.extend((3..).zip(&busy).map(|(id, record)| ((id, 3, 1), &record[..])));
    worker.run_in(1, &sent);
    let settled = worker.settled(1002);
    let place = |id: u64| settled.iter().position(|settled| settled.id == id).unwrap();
    assert_eq!(settled[place(1)].outputs(), [Output::value("slept")]);
    assert_eq!(settled[place(2)].failed().outcome, Outcome::WallLimit);
    assert!(place(1) < 500 && place(2) < 700, "{} {}", place(1), place(2));
}

#[test]
fn a_batch_that_fails_as_a_whole_stops_its_lane_whatever_it_failed_of() {
    let mut worker = Worker::with(batch("if (records[0].text() === 'a') ctx.reject('no'); return records;"));
    let (first, second) = (records(2), records(2));
    let mut first = first;
    first[0] = Record::new("a");
    worker.run_in(1, &[((1, 1, 1), &first[..]), ((2, 1, 1), &second[..])]);
    let settled = worker.settled(2);
    assert!(matches!(&settled[0].end, End::Whole(failed) if failed.outcome != Outcome::Done));
    assert_eq!(settled[1].end, End::NotRun);
}

#[test]
fn what_is_thrown_while_a_result_is_written_keeps_its_outcome_and_its_place() {
    let settled = Worker::with(handler("return { toJSON() { ctx.reject('not this one'); } };")).one(Record::new("x"));
    assert_eq!((settled.failed().outcome, &settled.failed().message[..]), (Outcome::Rejected, "not this one"));
    let settled = Worker::with(handler("return { toJSON() { record.json(); } };")).one(Record::new("{"));
    assert_eq!(settled.failed().outcome, Outcome::Undecodable);
    let settled = Worker::with(handler("return { toJSON() { throw new Error('odd'); } };")).one(Record::new("x"));
    assert_eq!(settled.failed().outcome, Outcome::Unserialisable);
    assert!(settled.failed().message.contains("odd"), "{}", settled.failed().message);
    assert!(settled.failed().stack.contains("index.js:1:"), "{:?}", settled.failed().stack);
}

#[test]
fn the_context_of_a_batch_neither_emits_nor_rejects() {
    let mut worker =
        Worker::with(batch("return records.map(() => [typeof ctx.emit, typeof ctx.reject, ctx.attempt]);"));
    let settled = worker.batch(&[Record::new("x")]);
    assert_eq!(settled.outputs()[0].text(), r#"["undefined","undefined",1]"#);
}

#[test]
fn headers_that_would_be_lost_are_refused() {
    for headers in ["new Map([['a', '1']])", "record.headers", "'a'"] {
        let settled = Worker::with(handler(&format!("ctx.emit('x', {{ headers: {headers} }});"))).one(Record::new("x"));
        assert!(settled.failed().message.contains("plain object"), "{}", settled.failed().message);
    }
}

#[test]
fn a_reason_without_a_text_rejects_all_the_same() {
    let settled = Worker::with(handler("ctx.reject({ toString() { throw 1; } });")).one(Record::new("x"));
    assert_eq!(settled.failed().outcome, Outcome::Rejected);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let mut worker = Worker::with(handler("return [record.text().length, record.json(), record.bytes().length];"));
    assert_eq!(worker.one(Record::new(b"\xef\xbb\xbf7")).outputs()[0].text(), "[1,7,4]");
}

#[test]
fn globals_work_when_they_are_frozen() {
    let code = "Object.freeze(globalThis); export default () => new URL('http://a/b').pathname + new URL('http://a/c').pathname;";
    assert_eq!(Worker::with(function(code)).one(Record::new("x")).outputs(), [Output::value("/b/c")]);
}

#[test]
fn a_class_and_a_fetch_method_are_no_handlers() {
    for (code, said) in
        [("export default class { record() {} }", "class"), ("export default { record() {}, fetch() {} };", "`fetch`")]
    {
        let problem = Worker::start().prepare(&[("index.js", code)]).result.unwrap_err();
        assert_eq!(problem.code, "E1205");
        assert!(problem.message.contains(said), "{}", problem.message);
    }
}
