//! Handlers that take several records at once.

use std::time::{Duration, Instant};

use crate::support::record::{keys, texts};
use crate::support::{Record, Scene, Trial};

fn numbered(count: u32) -> impl Iterator<Item = Record> {
    (0..count)
        .map(|n| Record::new(format!("k{n}"), n.to_string()).on(0).at(i64::from(n) + 1).header("n", n.to_string()))
}

#[test]
fn the_result_at_place_i_belongs_to_record_i() {
    let handler = "
        export default {
          batch(records) {
            return records.map((record) => record.json() % 2 ? null : { n: record.json(), of: records.length > 0 });
          },
        };";
    let Some(trial) = Trial::with("batch", 2, |draft| draft.with("[batch]\nmax-records = 7"), handler) else { return };
    trial.feed(numbered(40));
    let mut out = trial.out();
    out.sort_by_key(|record| record.timestamp);
    let expected: Vec<u32> = (0..40).step_by(2).collect();
    assert_eq!(out.len(), expected.len());
    for (record, n) in out.iter().zip(expected) {
        assert_eq!(record.json(), serde_json::json!({ "n": n, "of": true }));
        assert_eq!(record.key_text(), format!("k{n}"));
        assert_eq!((record.header_text("n"), record.timestamp), (Some(&*n.to_string()), Some(i64::from(n) + 1)));
    }
    assert_eq!(trial.metric("eddyline_function_filtered_records_total"), 20.0);
}

#[test]
fn a_batch_is_of_one_partition_in_its_order_and_no_larger_than_asked() {
    let handler = "
        export default {
          batch(records) {
            const offsets = records.map((record) => record.offset);
            const partitions = new Set(records.map((record) => record.partition));
            records[0].emit({ partitions: [...partitions], offsets });
          },
        };";
    let more = "[batch]\nmax-records = 5\nmax-wait = \"200ms\"";
    let Some(trial) = Trial::with("batch-order", 3, |draft| draft.with(more), handler) else { return };
    trial.feed((0..60).map(|n| Record::of(n.to_string()).on(n % 3)));
    let mut next = [0; 3];
    let mut batches: Vec<serde_json::Value> = trial.out().iter().map(Record::json).collect();
    batches.sort_by_key(|batch| batch["offsets"][0].as_i64());
    let mut largest = 0;
    for batch in &batches {
        assert_eq!(batch["partitions"].as_array().map(Vec::len), Some(1));
        let partition = batch["partitions"][0].as_u64().expect("a number") as usize;
        let offsets = batch["offsets"].as_array().expect("offsets");
        largest = largest.max(offsets.len());
        for offset in offsets {
            assert_eq!(offset.as_i64(), Some(next[partition]));
            next[partition] += 1;
        }
    }
    assert_eq!(next, [20, 20, 20]);
    assert!((2..=5).contains(&largest), "{largest}");
}

#[test]
fn the_first_record_of_a_batch_waits_for_others_as_long_as_max_wait() {
    let handler = "
        export default {
          batch(records) {
            records[0].emit(records.map((record) => record.text()));
          },
        };";
    let more = "[batch]\nmax-records = 3\nmax-wait = \"2s\"";
    let Some(trial) = Trial::with("batch-wait", 1, |draft| draft.with(more), handler) else { return };
    for (written, text) in ["a", "b", "c", "d"].into_iter().enumerate() {
        trial.scene.write(&trial.input, [Record::of(text)]);
        trial.node.eventually("it is taken", |_| {
            (trial.metric("eddyline_function_in_records_total") > written as f64).then_some(())
        });
    }
    trial.scene.caught_up(&trial.function);
    assert_eq!(texts(&trial.out()), [r#"["a","b","c"]"#, r#"["d"]"#]);
}

#[test]
fn a_batch_waits_for_no_others_where_there_is_no_room_for_them() {
    let Some(scene) = Scene::new("batch-room") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let more = "[batch]\nmax-records = 100\nmax-wait = \"60s\"";
    let handler = "export default { batch(records) { return records.map((record) => record); } };";
    let function = scene.function("it").reads(&input).writes(&output).with(more).handler(handler);
    scene.write(&input, numbered(40));
    let node = scene.start_with(&[("source.max-in-flight-records", "10")]);
    node.runs(&function);
    let begun = Instant::now();
    scene.caught_up(&function);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(scene.read(&output).len(), 40);
}

#[test]
fn single_records_of_a_batch_are_retried_and_rejected_without_their_neighbours() {
    let handler = "
        let runs = 0;
        export default {
          batch(records, ctx) {
            for (const record of records) {
              if (record.text() === 'reject') record.reject('not this one');
              else if (record.text() === 'retry' && runs++ === 0) record.retry();
              else record.emit('done ' + record.text());
            }
          },
        };";
    let more = "[batch]\nmax-wait = \"300ms\"\n[retry]\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let Some(trial) = Trial::with("batch-single", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["a", "reject", "b", "retry", "c"].map(|text| Record::new(text, text)));
    let out = trial.out();
    let mut values = texts(&out);
    values.sort_unstable();
    assert_eq!(values, ["done a", "done b", "done c", "done retry"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["reject"]);
    assert_eq!(dead[0].error_code(), "E2002");
    assert_eq!(dead[0].header_text("eddyline.error.message"), Some("not this one"));
}

#[test]
fn a_batch_that_throws_is_halved_until_the_guilty_record_is_found() {
    let handler = "
        export default {
          batch(records) {
            if (records.some((record) => record.text() === '13')) throw new Error('unlucky');
            return records.map((record) => record);
          },
        };";
    let more =
        "[batch]\nmax-wait = \"300ms\"\n[retry]\nmax-attempts = 2\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let Some(trial) = Trial::with("batch-halved", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(numbered(30));
    let expected: Vec<String> = (0..30).filter(|n| *n != 13).map(|n| n.to_string()).collect();
    assert_eq!(texts(&trial.out()), expected);
    let dead = trial.dead();
    assert_eq!(texts(&dead), ["13"]);
    assert_eq!((dead[0].error_code(), dead[0].header_text("eddyline.error.attempts")), ("E2001", Some("2")));
}

#[test]
fn a_batch_that_returns_anything_but_an_item_for_each_record_fails() {
    let handler = "
        export default {
          batch(records) {
            return records[0].text() === 'short' ? [] : 'no array';
          },
        };";
    let more = "[batch]\nmax-records = 1\n[retry]\nmax-attempts = 1";
    let Some(trial) = Trial::with("batch-wrong", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["short", "text"].map(|text| Record::new(text, text)));
    assert_eq!(trial.out(), []);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["short", "text"]);
    assert!(dead.iter().all(|letter| letter.error_code() == "E2001"));
}

/// Retries its record `3` until something was written to partition 1, and rejects `6`.
const STUMBLES: &str = "
    let free = false;
    export default {
      batch(records) {
        for (const record of records) {
          if (record.partition === 1) free = true;
          else if (record.text() === '3' && !free) record.retry();
          else if (record.text() === '6') record.reject('not this one');
          else record.emit(record.text());
        }
      },
    };";

/// The records of a batch behind one that runs again are done with before it. What they write must not be.
#[track_caller]
fn what_is_behind_a_retry_waits_for_it(test: &str, more: &str) {
    let more = format!(
        "{more}\n[batch]\nmax-wait = \"300ms\"\n\
         [retry]\nmax-attempts = 1000\nbackoff = {{ initial = \"20ms\", max = \"20ms\" }}"
    );
    let Some(trial) = Trial::with(test, 2, |draft| draft.with(&more), STUMBLES) else { return };
    trial.scene.write(&trial.input, (0..10).map(|n| Record::new("k", n.to_string()).on(0)));
    trial.node.eventually("it is tried several times", |_| {
        (trial.metric("eddyline_function_retried_records_total") >= 10.0).then_some(())
    });
    assert_eq!(texts(&trial.out()), ["0", "1", "2"]);
    assert_eq!(trial.dead(), []);
    trial.feed([Record::new("k", "go").on(1)]);
    assert_eq!(texts(&trial.out()), ["0", "1", "2", "3", "4", "5", "7", "8", "9"]);
    let dead = trial.dead();
    assert_eq!((texts(&dead), dead[0].error_code()), (vec!["6"], "E2002"));
    // They were not run again for that.
    assert_eq!(trial.metric("eddyline_function_done_records_total"), 9.0);
}

#[test]
fn what_is_behind_a_retry_in_its_batch_keeps_its_order() {
    what_is_behind_a_retry_waits_for_it("batch-waits", "");
}

#[test]
fn what_is_behind_a_retry_in_its_batch_is_in_no_transaction_before_it() {
    what_is_behind_a_retry_waits_for_it("batch-waits-exactly", "[delivery]\nguarantee = \"exactly-once\"");
}

/// How often each record ran in all, by its number.
fn runs_of(out: &[Record]) -> Vec<u64> {
    let mut runs: Vec<(u64, u64)> = out
        .iter()
        .map(|record| (record.json()["n"].as_u64().expect("a number"), record.json()["runs"].as_u64().expect("runs")))
        .collect();
    runs.sort_unstable();
    runs.into_iter().map(|(_, runs)| runs).collect()
}

#[test]
fn healthy_records_run_no_more_often_than_it_takes_to_find_the_one_at_fault() {
    let handler = "
        const runs = new Map<number, number>();
        export default {
          batch(records) {
            for (const record of records) runs.set(record.offset, (runs.get(record.offset) ?? 0) + 1);
            if (records.some((record) => record.key === 'bad')) throw new Error('unlucky');
            return records.map((record) => ({ n: record.offset, runs: runs.get(record.offset) }));
          },
        };";
    let more = "[batch]\nmax-records = 32\nmax-wait = \"10s\"\n[retry]\nmax-attempts = 1";
    for (bad, most, all) in [(31, 2, 62), (0, 6, 88), (13, 4, 78)] {
        let Some(trial) = Trial::with(&format!("runs-{bad}"), 1, |draft| draft.with(more), handler) else { return };
        trial.feed((0..32).map(|n| Record::new(if n == bad { "bad" } else { "good" }, n.to_string())));
        assert_eq!(keys(&trial.dead()), ["bad"]);
        let runs = runs_of(&trial.out());
        assert_eq!(runs.len(), 31);
        assert!(runs.iter().all(|runs| *runs <= most), "the one at fault is {bad}: {runs:?}");
        assert_eq!(runs.iter().sum::<u64>(), all, "the one at fault is {bad}: {runs:?}");
    }
}

#[test]
fn a_record_of_a_batch_runs_again_when_it_asked_to() {
    let handler = "
        const asked = new Map<string, number>();
        export default {
          batch(records) {
            for (const record of records) {
              const text = record.text()!;
              const before = asked.get(text);
              if (!text.startsWith('again')) record.emit(`done ${text}`);
              else if (before !== undefined) record.emit({ text, after: performance.now() - before });
              else {
                asked.set(text, performance.now());
                record.retry({ delay: Number(text.split(' ')[1]) });
              }
            }
          },
        };";
    let backoff = "[retry]\nbackoff = { initial = \"1h\", max = \"1h\" }";
    for order in ["partition", "key"] {
        let more = format!("[batch]\nmax-wait = \"300ms\"\n[delivery]\norder = {order:?}\n{backoff}");
        let Some(trial) = Trial::with(&format!("delay-{order}"), 1, |draft| draft.with(&more), handler) else { return };
        trial.feed(["again 700", "a", "again 1", "again 0", "b"].map(|text| Record::new(text, text)));
        let (done, again): (Vec<_>, Vec<_>) =
            trial.out().into_iter().partition(|record| record.text().starts_with('d'));
        assert_eq!(texts(&done), ["done a", "done b"]);
        assert_eq!(again.len(), 3);
        for record in &again {
            let (after, least) = (record.json()["after"].as_f64(), record.key_text()[6..].parse().ok());
            assert!(after >= least, "{record:?}");
        }
    }
}

/// Puts `a1` off when it sees it first, and does this with all others, knowing their `text` and how often each has run.
fn puts_off_a1(otherwise: &str) -> String {
    format!(
        "const runs = new Map<string, number>();
        export default {{
          batch(records) {{
            for (const record of records) {{
              const text = record.text()!;
              runs.set(text, (runs.get(text) ?? 0) + 1);
              if (text === 'a1' && runs.get(text) === 1) record.retry({{ delay: 200 }});
              else {otherwise};
            }}
          }},
        }};"
    )
}

#[test]
fn by_key_what_is_behind_a_retry_in_its_batch_runs_again_behind_it() {
    let handler = &puts_off_a1("record.emit(`${text} in run ${runs.get(text)}`)");
    let more = "[batch]\nmax-records = 5\nmax-wait = \"10s\"\n[delivery]\norder = \"key\"\nconcurrency = 2";
    let Some(trial) = Trial::with("batch-behind", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["b1", "a1", "b2", "a2", "a3"].map(|text| Record::new(&text[..1], text)));
    let expected = ["b1 in run 1", "b2 in run 1", "a1 in run 2", "a2 in run 2", "a3 in run 2"];
    assert_eq!(texts(&trial.out()), expected);
}

#[test]
fn by_key_a_rejection_behind_a_retry_in_its_batch_waits_for_it() {
    let handler = &puts_off_a1("record.reject(`run ${runs.get(text)}`)");
    let more = "[batch]\nmax-records = 4\nmax-wait = \"10s\"\n[delivery]\norder = \"key\"\nconcurrency = 2";
    let Some(trial) = Trial::with("batch-rejects", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["a1", "b1", "a2", "b2"].map(|text| Record::new(&text[..1], text)));
    let dead = trial.dead();
    assert_eq!(texts(&dead), ["b1", "b2", "a1", "a2"], "that of a2 is not written before that of a1");
    let reason = |place: usize| dead[place].header_text("eddyline.error.message").expect("a reason").to_owned();
    assert_eq!([reason(2), reason(3)], ["run 2", "run 2"], "it ran again behind the other");
}

#[test]
fn a_batch_is_no_larger_in_bytes_than_asked_but_never_empty() {
    let handler = "
        export default {
          batch(records) {
            records[0].emit(records.map((record) => record.bytes()!.length));
          },
        };";
    let more = "[batch]\nmax-bytes = \"10KiB\"\nmax-wait = \"1s\"";
    let Some(trial) = Trial::with("batch-bytes", 1, |draft| draft.with(more), handler) else { return };
    let sizes = [4000, 4000, 4000, 20000, 100, 100];
    trial.feed(sizes.map(|size| Record::of("x".repeat(size))));
    let batches: Vec<Vec<usize>> =
        trial.out().iter().map(|record| serde_json::from_str(record.text()).expect("sizes")).collect();
    assert_eq!(batches.concat(), sizes);
    assert!(batches.iter().all(|batch| batch.len() == 1 || batch.iter().sum::<usize>() <= 10 << 10), "{batches:?}");
    assert!(batches.contains(&vec![20000]), "{batches:?}");
    assert!(batches.iter().any(|batch| batch.len() > 1), "{batches:?}");
}

#[test]
fn batches_run_side_by_side_where_order_allows_it() {
    // Each batch waits for one more to come, which never happens if they run one after the other.
    let handler = "
        let come = 0, now = 0;
        let pair = Promise.withResolvers<void>();
        export default {
          async batch(records) {
            const beside = now++;
            const mine = pair;
            if (++come % 2 === 0) {
              pair = Promise.withResolvers<void>();
              mine.resolve();
            }
            await mine.promise;
            now -= 1;
            return records.map((record) => ({ n: Number(record.text()), of: records.length, beside }));
          },
        };";
    for order in ["key", "none"] {
        let more = format!(
            "[batch]\nmax-records = 5\nmax-wait = \"20s\"\n[limits]\nwall = \"30s\"\n\
             [delivery]\norder = {order:?}\nconcurrency = 2"
        );
        let name = format!("batch-beside-{order}");
        let Some(trial) = Trial::with(&name, 1, |draft| draft.with(&more), handler) else { return };
        trial.feed(numbered(200));
        let (out, dead) = (trial.out(), trial.dead());
        assert_eq!((out.len(), dead.len()), (200, 0), "{order}");
        assert!(out.iter().all(|record| record.json()["of"] == 5 && record.json()["beside"].as_u64() <= Some(1)));
    }
}
