//! `order` and `concurrency`: what waits for what, what runs side by side, and what a crash leaves to be done again.

use std::collections::HashMap;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::support::record::{keys, texts};
use crate::support::transactions::Transactions;
use crate::support::{Function, Record, Scene, Trial, eventually, reading};

fn delivery(order: &str, concurrency: u32) -> String {
    format!("[delivery]\norder = \"{order}\"\nconcurrency = {concurrency}\n")
}

/// Waits a little for each record, and says how many were underway at most.
const OVERLAPS: &str = "
    let now = 0, most = 0;
    const open = new Set<string>();
    export default async (record, ctx) => {
      const key = record.key;
      if (key !== null && open.has(key)) return ctx.reject(`${key} overlaps`);
      if (key !== null) open.add(key);
      most = Math.max(most, ++now);
      await new Promise((done) => setTimeout(done, 2 + (record.offset % 7)));
      now -= 1;
      if (key !== null) open.delete(key);
      return { n: Number(record.text()), most };
    };";

fn of_each_key(records: &[Record]) -> HashMap<String, Vec<u64>> {
    let mut of_key: HashMap<String, Vec<u64>> = HashMap::new();
    for record in records {
        of_key.entry(record.key_text().to_owned()).or_default().push(record.json()["n"].as_u64().expect("a number"));
    }
    of_key
}

#[test]
fn keys_keep_their_order_while_others_run_beside_them() {
    let Some(trial) = Trial::with("by-key", 1, |draft| draft.with(&delivery("key", 8)), OVERLAPS) else { return };
    trial.feed((0..300).map(|n| Record::new(format!("k{}", n % 13), n.to_string())));
    assert!(trial.dead().is_empty(), "{:?}", keys(&trial.dead()));
    let out = trial.out();
    let of_key = of_each_key(&out);
    assert_eq!(of_key.len(), 13);
    assert!(of_key.values().all(|numbers| numbers.is_sorted()), "{of_key:?}");
    assert_eq!(out.len(), 300);
    let most = out.iter().filter_map(|record| record.json()["most"].as_u64()).max();
    assert!(most.is_some_and(|most| (2..=8).contains(&most)), "{most:?}");
}

#[test]
fn without_an_order_as_many_run_at_once_as_asked_and_no_more() {
    let Some(trial) = Trial::with("no-order", 1, |draft| draft.with(&delivery("none", 4)), OVERLAPS) else { return };
    trial.feed((0..200).map(|n| Record::of(n.to_string())));
    let out = trial.out();
    assert_eq!(out.len(), 200);
    let most = out.iter().filter_map(|record| record.json()["most"].as_u64()).max();
    assert!(most.is_some_and(|most| (2..=4).contains(&most)), "{most:?}");
}

#[test]
fn a_retry_holds_up_its_key_alone() {
    let handler = "
        export default (record, ctx) => {
          if (record.text() === 'bad' && ctx.attempt < 3) throw new Error('again');
          return record;
        };";
    for concurrency in [1, 3] {
        let more = format!(
            "{}[retry]\nmax-attempts = 3\nbackoff = {{ initial = \"500ms\", max = \"1s\" }}",
            delivery("key", concurrency)
        );
        let name = format!("retry-by-key-{concurrency}");
        let Some(trial) = Trial::with(&name, 1, |draft| draft.with(&more), handler) else { return };
        let values = ["bad", "a1", "b1", "a2", "b2"];
        let key = |value: &&str| if value.starts_with('b') && *value != "bad" { "b" } else { "a" };
        trial.feed(values.iter().map(|value| Record::new(key(value), value)));
        assert_eq!(texts(&trial.out()), ["b1", "b2", "bad", "a1", "a2"]);
    }
}

#[test]
fn batches_of_several_keys_keep_the_order_of_each() {
    let handler = "
        export default {
          async batch(records, ctx) {
            await new Promise((done) => setTimeout(done, 3));
            if (ctx.attempt < 2 && records.length > 1 && records.some((record) => record.text() === '17')) {
              throw new Error('not together');
            }
            return records.map((record) => ({ n: Number(record.text()) }));
          },
        };";
    let more = format!("{}[batch]\nmax-records = 7", delivery("key", 3));
    let Some(trial) = Trial::with("batch-by-key", 1, |draft| draft.with(&more), handler) else { return };
    trial.feed((0..200).map(|n| Record::new(format!("k{}", n % 5), n.to_string())));
    let out = trial.out();
    assert_eq!((out.len(), trial.dead().len()), (200, 0));
    let of_key = of_each_key(&out);
    assert!(of_key.values().all(|numbers| numbers.is_sorted()), "{of_key:?}");
}

/// Waits until the group knows, beside the committed offset, that these offsets are finished.
#[track_caller]
fn notes(scene: &Scene, function: &Function, topic: &str, finished: Range<i64>) {
    let small = |number: i64| u8::try_from(number).ok().filter(|byte| *byte < 128).expect("one byte");
    let expected =
        format!("a{}", STANDARD_NO_PAD.encode([small(finished.start), small(finished.end - finished.start)]));
    eventually(&format!("{finished:?} are written down as finished"), || {
        (reading::note(&scene.brokers, &function.group, topic) == expected).then_some(())
    });
}

/// One record is never finished, whatever is beyond it.
const STUCK: &str = "
    export default (record, ctx) => {
      if (record.text() === 'stuck') throw new Error('not yet');
      return record;
    };";
/// Kafka takes its partitions from a node that is dead before long.
const SOON: [(&str, &str); 1] = [("kafka.properties.session.timeout.ms", "6000")];

/// Keeps the order of each key, and tries again and again.
fn stubborn(concurrency: u32) -> String {
    format!(
        "{}[retry]\nmax-attempts = 1000\nbackoff = {{ initial = \"200ms\", max = \"200ms\" }}",
        delivery("key", concurrency)
    )
}

/// A new node runs what is stuck again, and nothing else; then it is finished.
fn goes_on_behind(scene: &Scene, function: &Function, output: &str, done: usize) {
    let node = scene.start_with(&SOON);
    let retried = || node.metric("eddyline_function_retried_records_total", &[("function", &function.name)]);
    node.eventually("the one that is not finished runs again", |_| (retried()? > 1.0).then_some(()));
    assert_eq!(scene.read(output).len(), done, "the others do not");
    function.edit("export default (record) => record;");
    scene.caught_up(function);
}

#[test]
fn what_was_finished_beyond_the_committed_offset_does_not_run_again_after_a_crash() {
    let Some(scene) = Scene::new("beyond") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).with(&stubborn(4)).handler(STUCK);
    let node = scene.start_with(&SOON);
    node.runs(&function);
    let others = (0..50).map(|n| Record::new(format!("k{n}"), n.to_string()));
    scene.write(&input, std::iter::once(Record::new("s", "stuck")).chain(others));
    scene.read_when(&output, 50);
    notes(&scene, &function, &input, 1..51);
    drop(node);
    goes_on_behind(&scene, &function, &output, 50);
    assert_eq!(scene.read(&output).len(), 51);
}

#[test]
fn moving_on_while_a_handler_waits_ends_no_worker() {
    let handler = "
        export default async (record) => {
          await new Promise((done) => setTimeout(done, 150));
          return record;
        };";
    let Some(trial) = Trial::new("moving-on", 1, handler) else { return };
    let workers = trial.node.workers();
    trial.scene.write(&trial.input, (0..30).map(|n| Record::of(n.to_string())));
    trial.scene.read_when(&trial.output, 2);
    trial.function.edit("export default (record) => record;");
    trial.scene.caught_up(&trial.function);
    let numbers: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    assert_eq!(texts(&trial.out()), numbers);
    assert_eq!(trial.node.workers(), workers);
}

#[test]
fn as_many_invocations_as_asked_are_in_flight_at_once() {
    // Each waits until four of them have come together, which fewer at a time would never do.
    let handler = "
        let come = 0, now = 0;
        let together = Promise.withResolvers<void>();
        export default async (record, ctx) => {
          if (++now > 4) return ctx.reject('too many');
          const mine = together;
          if (++come % 4 === 0) {
            together = Promise.withResolvers<void>();
            mine.resolve();
          }
          await mine.promise;
          now -= 1;
          return record;
        };";
    for order in ["key", "none"] {
        let more = format!("{}[limits]\nwall = \"30s\"", delivery(order, 4));
        let Some(trial) = Trial::with(&format!("four-{order}"), 1, |draft| draft.with(&more), handler) else { return };
        trial.feed((0..200).map(|n| Record::new(format!("k{n}"), n.to_string())));
        assert_eq!((trial.out().len(), trial.dead().len()), (200, 0), "{order}");
    }
}

#[test]
fn records_without_a_key_keep_no_order() {
    let handler = "
        export default (record, ctx) => {
          if (record.text().startsWith('bad') && ctx.attempt < 2) throw new Error('again');
          return record;
        };";
    let more = format!("{}[retry]\nbackoff = {{ initial = \"1s\", max = \"1s\" }}", delivery("key", 2));
    let Some(trial) = Trial::with("no-key", 1, |draft| draft.with(&more), handler) else { return };
    let keyed = ["bad k", "k"].map(|value| Record::new("", value));
    trial.feed(["bad", "a", "b"].map(Record::of).into_iter().chain(keyed));
    let out = trial.out();
    let mut values = texts(&out);
    values[2..].sort_unstable();
    assert_eq!(values[..2], ["a", "b"], "they do not wait for the one before them");
    let place = |value: &str| out.iter().position(|record| record.text() == value);
    assert!(place("bad k") < place("k"), "an empty key is a key");
}

#[test]
fn gaps_between_offsets_are_no_obstacle_and_what_is_finished_behind_them_stays_so() {
    let Some(scene) = Scene::new("gaps") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).with(&stubborn(3)).handler(STUCK);
    // The ends of transactions take offsets, and what was aborted is never read.
    let mut transactions = Transactions::new(&scene.brokers, &scene.name("writer"));
    transactions.write(&input, (0..5).map(|n| Record::new(format!("k{n}"), n.to_string())), true);
    scene.write(&input, [Record::new("s", "stuck")]);
    for part in 1..20 {
        let records = (0..5).map(|n| Record::new(format!("k{n}"), (part * 5 + n).to_string()));
        transactions.write(&input, records, part % 3 != 0);
    }
    let kept: Vec<u64> = (0..100).filter(|n| n / 5 == 0 || (n / 5) % 3 != 0).collect();
    let node = scene.start_with(&SOON);
    node.runs(&function);
    scene.read_when(&output, kept.len());
    let last = scene.read(&input).last().expect("records").offset;
    notes(&scene, &function, &input, 7..last + 1);
    drop(node);
    goes_on_behind(&scene, &function, &output, kept.len());
    let out = scene.read(&output);
    let mut seen: Vec<u64> = out.iter().filter_map(|record| record.text().parse().ok()).collect();
    seen.sort_unstable();
    assert_eq!((seen, out.len()), (kept.clone(), kept.len() + 1));
}
