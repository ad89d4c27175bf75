//! Records that harm whoever runs them, or fail for ever: they alone become dead letters.

use crate::support::record::{keys, texts};
use crate::support::{Record, Trial};

#[track_caller]
fn codes_and_attempts(dead: &[Record]) -> Vec<(&str, &str, &str)> {
    let attempts = |letter| Record::header_text(letter, "eddyline.error.attempts").expect("attempts");
    dead.iter().map(|letter| (letter.text(), letter.error_code(), attempts(letter))).collect()
}

#[test]
fn of_a_batch_only_what_loops_hoards_or_never_ends_is_a_dead_letter() {
    let handler = "
        export default {
          async batch(records, ctx) {
            for (const record of records) {
              const kind = record.text();
              if (kind === 'loops') for (;;);
              if (kind === 'hoards') for (const all = [];;) all.push(new Array(10_000).fill(all.length));
              if (kind === 'never') await new Promise(() => {});
            }
            return records.map((record) => `${record.text()} on ${ctx.attempt}`);
          },
        };";
    let more = "[batch]\nmax-records = 8\nmax-wait = \"1s\"\n[limits]\ncpu = \"300ms\"\nwall = \"1s\"\nheap = \"32MiB\"\n\
                [retry]\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let Some(trial) = Trial::with("poison", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["a", "loops", "b", "c", "hoards", "d", "never", "e"].map(Record::of));
    assert_eq!(texts(&trial.out()), ["a on 1", "b on 1", "c on 1", "d on 1", "e on 1"]);
    let expected = [("loops", "E2101", "2"), ("hoards", "E2103", "2"), ("never", "E2102", "2")];
    assert_eq!(codes_and_attempts(&trial.dead()), expected);
}

#[test]
fn a_record_does_not_age_while_it_waits_behind_another() {
    let handler = "
        export default async (record, ctx) => {
          if (record.key === 'slow') {
            await new Promise((done) => setTimeout(done, 300));
            throw new Error('never');
          }
          if (ctx.attempt === 1) throw new Error('once');
          return record.key;
        };";
    let more = "[retry]\nmax-attempts = 1000\nmax-age = \"500ms\"\nbackoff = { initial = \"10ms\", max = \"20ms\" }";
    let Some(trial) = Trial::with("aging", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["slow", "behind"].map(|key| Record::new(key, "")));
    assert_eq!(texts(&trial.out()), ["behind"]);
    let dead = trial.dead();
    assert_eq!((keys(&dead), dead[0].error_code()), (vec!["slow"], "E2201"));
}

#[test]
fn what_a_batch_wants_to_have_run_again_is_too_old_some_day() {
    let handler = "
        export default {
          batch(records) {
            for (const record of records) {
              if (record.text() === 'again') record.retry();
              else if (record.text() === 'later') record.retry({ delay: 40 });
              else if (record.text() === 'too late') record.retry({ delay: 60_000 });
              else record.emit(record.text());
            }
          },
        };";
    let more = "[batch]\nmax-wait = \"200ms\"\n[retry]\nmax-attempts = 1000\nmax-age = \"300ms\"\n\
                backoff = { initial = \"20ms\", max = \"40ms\" }";
    let Some(trial) = Trial::with("batch-age", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["a", "again", "b", "later", "c", "too late"].map(Record::of));
    let out = trial.out();
    let mut values = texts(&out);
    values.sort_unstable();
    assert_eq!(values, ["a", "b", "c"]);
    let mut dead = trial.dead();
    dead.sort_by(|one, other| one.value.cmp(&other.value));
    assert_eq!(texts(&dead), ["again", "later", "too late"]);
    assert!(dead.iter().all(|letter| letter.error_code() == "E2201"));
    let attempts = |at: usize| dead[at].header_text("eddyline.error.attempts").unwrap().parse::<u32>().unwrap();
    assert!((2..30).contains(&attempts(0)) && (2..30).contains(&attempts(1)), "{} and {}", attempts(0), attempts(1));
    assert_eq!(attempts(2), 1, "it could only run when it is too old");
    let message = dead[1].header_text("eddyline.error.message").unwrap();
    assert!(message.contains("max-age") && message.contains("retry requested"), "{message}");
}

#[test]
fn a_retry_waits_as_long_as_the_handler_says_rather_than_the_manifest() {
    let handler = "
        let first;
        export default {
          batch(records, ctx) {
            for (const record of records) {
              if (record.text() !== 'later') record.emit(record.text());
              else if (ctx.attempt === 1) { first = performance.now(); record.retry({ delay: 250 }); }
              else record.emit(performance.now() - first);
            }
          },
        };";
    let more = "[batch]\nmax-wait = \"200ms\"\n[retry]\nbackoff = { initial = \"1h\", max = \"1h\" }";
    let Some(trial) = Trial::with("delay", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["a", "later", "b"].map(Record::of));
    let out = trial.out();
    assert_eq!((out.len(), out[0].text(), out[2].text()), (3, "a", "b"), "in their order");
    let waited: f64 = out[1].text().parse().expect("milliseconds");
    assert!(waited >= 245.0, "{waited}");
}
