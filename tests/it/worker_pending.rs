//! What an invocation may log and leave open at once, and what imports do.

use eddyline::outcome::Outcome;
use eddyline::protocol::control::Load;

use crate::support::worker::{One, Output, Record, Worker, async_handler, batch, function, handler, modules};

fn ends(mut worker: Worker, outcome: Outcome) {
    let settled = worker.one(Record::new("harm"));
    assert_eq!(settled.failed().outcome, outcome, "{:?}", settled.failed());
    // The isolate goes on.
    assert_eq!(worker.one(Record::new("fine")).outputs(), [Output::value("ok")]);
}

fn harmful(body: &str, change: impl FnOnce(&mut Load)) -> Worker {
    let mut load = async_handler(&format!("if (record.text() === 'harm') {{ {body} }} return 'ok';"));
    change(&mut load);
    Worker::with(load)
}

#[test]
fn logging_without_end_ends_the_invocation() {
    for body in [
        "for (;;) ctx.log.info('x'.repeat(100));",
        "for (;;) console.log('');",
        "for (;;) { console.error({ a: 1 }); await null; }",
        "ctx.log.info('x'.repeat(1 << 20));",
        "for (let i = 0; i < 2000; i++) try { ctx.log.info('x'.repeat(100)); } catch {} return 'swallowed';",
        "setTimeout(() => { for (let i = 0; i < 2000; i++) try { console.log('x'.repeat(100)); } catch {} }); await new Promise((done) => setTimeout(done, 20));",
    ] {
        ends(harmful(body, |load| load.limits.log_bytes = 64 << 10), Outcome::LogLimit);
    }
}

#[test]
fn what_was_logged_before_the_limit_arrives_and_the_rest_is_counted() {
    let mut worker = harmful("for (let i = 0; i < 10; i++) try { ctx.log.info('x'.repeat(300)); } catch {}", |load| {
        load.limits.log_bytes = 1000;
    });
    assert_eq!(worker.one(Record::new("harm")).failed().outcome, Outcome::LogLimit);
    let lines: Vec<_> = (0..4).map(|_| worker.log()).collect();
    assert!(lines[..3].iter().all(|line| line.text.len() == 300));
    assert_eq!(lines[3].dropped, 7);
}

#[test]
fn a_batch_that_logs_too_much_fails_as_a_whole() {
    let mut load =
        batch("for (let i = 0; i < 100; i++) try { ctx.log.info('x'.repeat(100)); } catch {} return records;");
    load.limits.log_bytes = 1000;
    let settled = Worker::with(load).batch(&[Record::new("a"), Record::new("b")]);
    let crate::support::worker::End::Whole(failed) = &settled.end else { panic!("{settled:?}") };
    assert_eq!(failed.outcome, Outcome::LogLimit);
}

#[test]
fn a_breach_of_one_limit_comes_before_the_limits_behind_it() {
    let mut load = handler("for (;;) try { ctx.log.info('x'.repeat(1000)); } catch {}");
    load.limits.log_bytes = 10_000;
    load.limits.cpu_ms = 100;
    let mut worker = Worker::with(load);
    assert_eq!(worker.one(Record::new("x")).failed().outcome, Outcome::LogLimit);
    assert_eq!(worker.unloaded().reason.as_deref(), Some("cpu limit"));
}

#[test]
fn timers_without_end_end_the_invocation() {
    for body in [
        "for (;;) setTimeout(() => {}, 1e6);",
        "for (;;) setInterval(() => {}, 1e6);",
        "for (let i = 0; i < 1000; i++) try { setTimeout(() => {}, 1e6); } catch {}",
        "setTimeout(() => { for (;;) setTimeout(() => {}, 1e6); }); await new Promise((done) => setTimeout(done, 30));",
    ] {
        ends(harmful(body, |load| load.limits.timers = 100), Outcome::PendingLimit);
    }
}

#[test]
fn timers_that_fired_or_were_cleared_are_no_longer_open() {
    let body = "
        for (let i = 0; i < 300; i++) clearTimeout(setTimeout(() => {}, 1e6));
        for (let i = 0; i < 300; i++) clearInterval(setInterval(() => {}, 1e6));
        for (let i = 0; i < 300; i++) await new Promise((done) => setTimeout(done, 0, 1));
        const passed = await new Promise((done) => setTimeout(function (...all) { done([this === globalThis, ...all]); }, 0, 1, 2));
        return passed;";
    let mut load = async_handler(body);
    load.limits.timers = 3;
    let settled = Worker::with(load).one(Record::new("x"));
    assert_eq!(settled.outputs()[0].text(), "[true,1,2]");
}

#[test]
fn each_record_of_a_batch_shares_the_timers_of_its_invocation() {
    let mut load = batch("for (const _ of records) for (let i = 0; i < 5; i++) setTimeout(() => {}, 1e6);");
    load.limits.timers = 8;
    let settled = Worker::with(load).batch(&[Record::new("a"), Record::new("b")]);
    let crate::support::worker::End::Whole(failed) = &settled.end else { panic!("{settled:?}") };
    assert_eq!(failed.outcome, Outcome::PendingLimit);
}

#[test]
fn a_module_cannot_start_timers_without_end_either() {
    let mut load = function("for (;;) setTimeout(() => {}, 1e6); export default () => {};");
    load.limits.timers = 100;
    let problem = Worker::start().load(1, &load).result.unwrap_err();
    assert!(problem.message.contains("timers"), "{problem:?}");
}

#[test]
fn imports_near_a_full_stack_and_while_code_is_stopped_end_nothing_but_their_invocation() {
    let code = |body: &str| {
        format!(
            "const own = './own.js'; export default async (record) => {{ if (record.text() === 'harm') {{ {body} }} return (await import(own)).value; }};"
        )
    };
    for body in [
        "function f() { try { f(); } finally { import(own).catch(() => {}); } } f();",
        "function f() { try { f(); } catch { import(own).catch(() => {}); f(); } } f();",
        "function f() { import(own).catch(() => {}); f(); } f();",
        "function f() { import({ toString() { return f(); } }).catch(() => {}); } f(); for (;;);",
        "for (;;) import(own).catch(() => {});",
        "for (;;) await import(own);",
        "for (;;) import('./thenable.js').catch(() => {});",
        "for (let i = 0; ; i++) import('./nothing' + i).catch(() => {});",
        "try { for (;;); } finally { import(own); }",
        "try { for (;;); } finally { for (;;) import(own); }",
        "for (;;) import('x'.repeat(1 << 20)).catch(() => {});",
        "for (;;) import(own, { with: { type: 'json' } }).catch(() => {});",
        "for (;;) import(own, { with: { [Math.random()]: 'json' } }).catch(() => {});",
        "for (;;) import(own, { get with() { for (;;); } }).catch(() => {});",
        "await import('./endless.js');",
        "await import('./never.js');",
    ] {
        let mut load = modules(&[
            ("index.js", &code(body)),
            ("own.js", "export const value = 'own';"),
            ("thenable.js", "export function then(done) { done(1); } import('./thenable.js');"),
            ("endless.js", "for (;;);"),
            ("never.js", "await new Promise(() => {});"),
        ]);
        load.limits.cpu_ms = 200;
        load.limits.wall_ms = 1000;
        let mut worker = Worker::with(load.clone());
        assert!(worker.load(2, &handler("return 'neighbour';")).result.is_ok());
        worker.run(&[Record::new("harm")]);
        worker.settled(1);
        worker.run_in(2, &[((9, 1, 1), &[Record::new("x")])]);
        assert_eq!(worker.settled(1)[0].outputs(), [Output::value("neighbour")], "{body}");
        let channel = 3;
        assert!(worker.load(channel, &load).result.is_ok(), "{body}");
        worker.run_in(channel, &[((10, 1, 1), &[Record::new("fine")])]);
        assert_eq!(worker.settled(1)[0].outputs(), [Output::value("own")], "{body}");
    }
}

#[test]
fn an_import_leads_to_nothing_but_the_functions_own_modules() {
    let body = "const out = [];
        for (const name of ['ext:core/ops', 'ext:deno_web/00_url.js', 'node:fs', 'file:///etc/passwd', '/etc/passwd', '../x.js',
                            'data:text/javascript,1', 'https://example.com/x.js', 'eddyline:///other/index.js', './nothing.js', '']) {
            try { await import(name); out.push(name); } catch (error) { if (!(error instanceof TypeError)) out.push(String(error)); }
        }
        return out;";
    let settled = Worker::with(async_handler(body)).one(Record::new("x"));
    assert_eq!(settled.outputs()[0].text(), "[]");
}

#[test]
fn promises_that_the_batch_returns_are_held_to_the_same_limits() {
    let mut load =
        batch("return records.map(async () => { for (let i = 0; i < 50; i++) setTimeout(() => {}, 1e6); });");
    load.limits.timers = 60;
    let settled = Worker::with(load).batch(&[Record::new("a"), Record::new("b")]);
    match &settled.end {
        crate::support::worker::End::Whole(failed) => assert_eq!(failed.outcome, Outcome::PendingLimit),
        crate::support::worker::End::Each(all) => {
            assert!(
                all.iter().any(|one| matches!(one, One::Failed(failed) if failed.outcome == Outcome::PendingLimit))
            );
        }
        other => panic!("{other:?}"),
    }
}
