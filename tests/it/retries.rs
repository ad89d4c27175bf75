//! A handler that throws runs again, as `[retry]` says.

use crate::support::record::{keys, of_partition, texts};
use crate::support::{Record, Trial};

/// Emits when each attempt ran; the key of the record says how many fail.
const FAILS_AS_TOLD: &str = "
    export default (record, ctx) => {
      if (ctx.attempt <= Number(record.text())) throw new Error(`attempt ${ctx.attempt} at ${Date.now()}`);
      return `${record.text()} after ${ctx.attempt}`;
    };";

fn retry(lines: &str) -> String {
    format!("[retry]\n{lines}")
}

#[test]
fn max_attempts_counts_every_run_the_first_included() {
    let more = retry("max-attempts = 3\nbackoff = { initial = \"1ms\", max = \"5ms\" }");
    let Some(trial) = Trial::with("attempts", 1, |draft| draft.with(&more), FAILS_AS_TOLD) else { return };
    trial.feed(["0", "1", "2", "3", "9"].map(|text| Record::new(text, text)));
    assert_eq!(texts(&trial.out()), ["0 after 1", "1 after 2", "2 after 3"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["3", "9"]);
    for letter in &dead {
        assert_eq!((letter.error_code(), letter.header_text("eddyline.error.attempts")), ("E2001", Some("3")));
        assert!(letter.header_text("eddyline.error.message").unwrap().contains("attempt 3"));
    }
    assert_eq!(trial.metric("eddyline_function_retried_records_total"), 1.0 + 2.0 + 2.0 + 2.0);
    assert_eq!(trial.metric("eddyline_function_dead_lettered_records_total"), 2.0);
}

#[test]
fn the_pause_before_a_retry_grows() {
    let handler = "
        const runs: number[] = [];
        export default (record, ctx) => {
          runs.push(performance.now());
          if (ctx.attempt < 4) throw new Error('again');
          return runs.slice(1).map((run, i) => run - runs[i]);
        };";
    let more = retry("max-attempts = 4\nbackoff = { initial = \"200ms\", max = \"10s\" }");
    let Some(trial) = Trial::with("backoff", 1, |draft| draft.with(&more), handler) else { return };
    trial.feed([Record::of("x")]);
    let pauses: Vec<f64> = serde_json::from_str(trial.out()[0].text()).expect("numbers");
    // Half of each pause is certain, the other half is jitter: 100, 200 and 400 ms at least.
    let least = [100.0, 200.0, 400.0];
    assert_eq!(pauses.len(), least.len());
    for (pause, least) in pauses.iter().zip(least) {
        assert!(*pause >= least - 5.0, "{pauses:?}");
    }
}

#[test]
fn a_partition_keeps_its_order_while_a_record_waits_for_its_retry() {
    let handler = "
        export default (record, ctx) => {
          if (record.text() === 'bad' && ctx.attempt < 3) throw new Error('again');
          return record;
        };";
    let more = retry("max-attempts = 3\nbackoff = { initial = \"100ms\", max = \"1s\" }");
    let Some(trial) = Trial::with("retry-order", 1, |draft| draft.with(&more), handler) else { return };
    let words: Vec<String> = (0..200).map(|n| if n % 40 == 20 { "bad".to_owned() } else { n.to_string() }).collect();
    trial.feed(words.iter().map(Record::of));
    assert_eq!(texts(&trial.out()), words);
}

#[test]
fn other_partitions_go_on_while_one_waits() {
    let handler = "
        export default (record) => {
          if (record.text() === 'bad') throw new Error('always');
          return record;
        };";
    let more = retry("max-attempts = 1000\nbackoff = { initial = \"1s\", max = \"1h\" }");
    let Some(trial) = Trial::with("others", 2, |draft| draft.with(&more), handler) else { return };
    trial.scene.write(&trial.input, ["bad", "behind"].map(|text| Record::of(text).on(0)));
    trial.scene.write(&trial.input, (0..20).map(|n| Record::of(n.to_string()).on(1)));
    let out = trial.scene.read_when(&trial.output, 20);
    let mut values: Vec<u32> = texts(&out).iter().map(|text| text.parse().expect("a number")).collect();
    values.sort_unstable();
    assert_eq!(values, (0..20).collect::<Vec<_>>(), "nothing from behind the failing record is among them");
    let committed = crate::support::reading::committed(&trial.scene.brokers, &trial.function.group, &trial.input);
    assert!(matches!(committed[0], None | Some(0)), "nothing of the waiting partition is committed: {committed:?}");
}

#[test]
fn a_record_that_fails_for_longer_than_max_age_is_too_old() {
    let more = retry("max-attempts = 1000\nmax-age = \"300ms\"\nbackoff = { initial = \"50ms\", max = \"100ms\" }");
    let Some(trial) = Trial::with("max-age", 1, |draft| draft.with(&more), FAILS_AS_TOLD) else { return };
    trial.feed([Record::new("x", "1000000"), Record::new("y", "0")]);
    assert_eq!(texts(&trial.out()), ["0 after 1"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["x"]);
    assert_eq!(dead[0].error_code(), "E2201");
    let attempts: u32 = dead[0].header_text("eddyline.error.attempts").unwrap().parse().expect("a number");
    assert!((2..20).contains(&attempts), "{attempts}");
}

#[test]
fn records_older_than_skip_older_than_are_dead_letters_that_never_ran() {
    let handler = "export default (record, ctx) => `ran ${record.text()}`;";
    let more = "skip-older-than = \"1h\"";
    let Some(trial) = Trial::with("skip-older", 1, |draft| draft.source(more), handler) else { return };
    let day_ago = jiff::Timestamp::now().as_millisecond() - 86_400_000;
    trial.feed([Record::new("old", "old").at(day_ago), Record::new("new", "new")]);
    assert_eq!(texts(&trial.out()), ["ran new"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["old"]);
    assert_eq!((dead[0].error_code(), dead[0].header_text("eddyline.error.attempts")), ("E2201", Some("0")));
}

#[test]
fn a_value_that_is_no_json_and_a_reject_are_not_retried() {
    let handler = "
        export default (record, ctx) => {
          if (record.key === 'rejected') ctx.reject('not wanted here');
          return record.json();
        };";
    let Some(trial) = Trial::new("not-retried", 1, handler) else { return };
    let records = [("cut", "{\"a\":"), ("empty", ""), ("rejected", "{}"), ("fine", "{}")];
    trial.feed(records.map(|(key, value)| Record::new(key, value)));
    assert_eq!(keys(&trial.out()), ["fine"]);
    let dead = trial.dead();
    let seen: Vec<_> = dead
        .iter()
        .map(|letter| (letter.key_text(), letter.error_code(), letter.header_text("eddyline.error.attempts").unwrap()))
        .collect();
    assert_eq!(seen, [("cut", "E2003", "1"), ("empty", "E2003", "1"), ("rejected", "E2002", "1")]);
    assert_eq!(dead[2].header_text("eddyline.error.message"), Some("not wanted here"));
    assert_eq!(trial.metric("eddyline_function_retried_records_total"), 0.0);
}

#[test]
fn a_handler_that_runs_out_of_time_runs_twice_and_others_are_not_held_up() {
    let handler = "
        export default (record) => {
          if (record.text() === 'forever') return new Promise(() => {});
          return record;
        };";
    let more = "[limits]\nwall = \"200ms\"\n[retry]\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let Some(trial) = Trial::with("wall", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["before", "forever", "behind"].map(|text| Record::new(text, text)));
    assert_eq!(texts(&trial.out()), ["before", "behind"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["forever"]);
    assert_eq!((dead[0].error_code(), dead[0].header_text("eddyline.error.attempts")), ("E2102", Some("2")));
    assert_eq!(of_partition(&dead, 0).len(), 1);
}
