//! Replaying dead letters: what comes of them, what is left, and through which version.

use std::fs;

use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::letters::letter;
use crate::support::reading;
use crate::support::record::texts;
use crate::support::{Function, Record, Scene, Trial};

const AT_ONCE: &str = "[retry]\nmax-attempts = 1";

/// Says all that a handler can see of a record.
const TELLS: &str = "
    export default (record, ctx) => ({
      topic: record.topic, partition: record.partition, offset: record.offset, key: record.key,
      time: record.timestamp?.getTime(), headers: record.headers.entries().map(([name]) => name),
      text: record.text(), attempt: ctx.attempt, function: ctx.function.name,
    });";

fn states(scene: &Scene, which: &[&str]) -> Vec<String> {
    let all = scene.listed(&[which, &["--all"]].concat());
    all.iter().map(|letter| letter["state"].as_str().expect("a state").to_owned()).collect()
}

/// A function between two topics, and letters of it; no node runs.
fn written(test: &str, more: &str, handler: &str, texts: &[&str]) -> Option<(Scene, Function, String)> {
    let scene = Scene::new(test)?;
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).with(more).handler(handler);
    let letters = texts.iter().map(|text| letter(&function.name, Record::new(text, text), "E2001"));
    scene.write(&function.dead_letter, letters);
    Some((scene, function, output))
}

#[test]
fn what_is_replayed_comes_out_as_if_it_had_not_failed() {
    let handler = "export default () => { throw new Error('not yet'); };";
    let Some(trial) = Trial::with("replayed", 3, |draft| draft.with(AT_ONCE), handler) else { return };
    let (scene, name) = (&trial.scene, trial.function.name.as_str());
    let record = |text: &str| Record::new("key", text).on(2).at(1_500_000_000_123).header("own", "1");
    trial.feed([record("first"), record("second")]);
    assert_eq!(scene.listed(&[name]).len(), 2);
    trial.function.edit(TELLS);

    let dry = scene.dead_letters(&["replay", name, "--dry-run"]);
    assert!(dry.worked().out.contains("first") && dry.err.contains("nothing was written"), "{}{}", dry.out, dry.err);
    assert_eq!((trial.out(), scene.listed(&[name]).len()), (vec![], 2));

    let place = format!("{}/0/0", trial.function.dead_letter);
    let said = scene.dead_letters(&["replay", &place, "--output", "json"]).lines();
    assert_eq!(
        (&said[0]["state"], &said[0]["outcome"], &said[0]["results"]),
        (&"replayed".into(), &"done".into(), &1.into())
    );
    let out = trial.out();
    assert_eq!(
        out[0].json(),
        json!({
            "topic": trial.input, "partition": 2, "offset": 0, "key": "key", "time": 1_500_000_000_123_i64,
            "headers": ["own"], "text": "first", "attempt": 1, "function": name,
        })
    );
    assert_eq!((out[0].key_text(), out[0].timestamp), ("key", Some(1_500_000_000_123)));
    assert_eq!(out[0].headers, record("").headers, "nothing is left of the letter's own headers");
    assert_eq!(states(scene, &[name]), ["replayed", "open"]);

    let text = scene.dead_letters(&["replay", name]);
    assert!(text.worked().out.contains("replayed: done, 1 result"), "{}", text.out);
    assert_eq!((trial.out().len(), scene.listed(&[name]).len()), (2, 0));
    assert!(scene.dead_letters(&["replay", name]).worked().err.contains("0 replayed"));
    let again = scene.dead_letters(&["replay", &place]);
    assert!(again.code == 1 && again.err.contains("was replayed at") && again.err.contains("--again"), "{}", again.err);
    scene.dead_letters(&["replay", &place, "--again"]).worked();
    assert_eq!(trial.out().len(), 3);
    assert_eq!(trial.dead().len(), 2, "the letters themselves stay");
}

#[test]
fn what_fails_again_stays_listed_or_becomes_a_new_letter() {
    let handler = "
        export default (record, ctx) => {
          if (record.text() === 'loops') for (;;);
          if (record.text() === 'bad') ctx.reject('still not');
          return record;
        };";
    let limits = "[limits]\ncpu = \"100ms\"";
    let Some((scene, function, output)) = written("fails-again", limits, handler, &["bad", "loops", "good"]) else {
        return;
    };
    let name = function.name.as_str();
    let unanswered = scene.dead_letters(&["replay", name]);
    assert!(unanswered.code == 2 && unanswered.err.contains("--yes"), "{}", unanswered.err);
    let said = scene.dead_letters(&["replay", name, "--yes"]);
    assert_eq!(said.code, 1, "{}", said.err);
    for part in ["failed again: E2002 still not", "failed again: E2101", "replayed: done"] {
        assert!(said.out.contains(part), "no {part} in {}", said.out);
    }
    assert!(said.err.contains("2 failed again and stay listed"), "{}", said.err);
    assert_eq!(texts(&scene.read(&output)), ["good"]);
    assert_eq!(states(&scene, &[name]), ["open", "open", "replayed"]);
    assert_eq!(scene.read(&function.dead_letter).len(), 3, "no second letter");

    let bad = format!("{}/0/0", function.dead_letter);
    let renewed = scene.dead_letters(&["replay", &bad, "--dead-letter-again", "--output", "json"]);
    assert_eq!(renewed.code, 1);
    assert_eq!(serde_json::from_str::<Value>(&renewed.out).expect("JSON")["state"], "renewed");
    assert_eq!(states(&scene, &[name]), ["renewed", "open", "replayed", "open"]);
    let letters = scene.read(&function.dead_letter);
    let newest = &letters[3];
    assert_eq!((newest.text(), newest.error_code()), ("bad", "E2002"));
    let said = |name: &str| newest.header_text(&format!("eddyline.error.{name}")).expect("text");
    assert_eq!((said("attempts"), said("topic"), said("partition"), said("offset")), ("4", "orders", "4", "17"));
    assert_eq!((said("timestamp"), said("message")), ("2017-07-14T02:40:00.123Z", "still not"));
    let names: Vec<&[u8]> = newest.headers.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names.iter().filter(|name| **name == b"eddyline.error.function").count(), 1);
}

#[test]
fn a_version_is_named_by_its_folder_or_its_digest() {
    let handler = "export default () => 'current';";
    let Some((scene, function, output)) = written("versions", "", handler, &["a", "b", "c"]) else { return };
    let name = function.name.as_str();
    let place = |offset: u32| format!("{}/0/{offset}", function.dead_letter);
    let old = scene.folder().join("checkout");
    fs::create_dir_all(&old).expect("a folder");
    fs::copy(function.path.join("function.toml"), old.join("function.toml")).expect("a manifest");
    fs::write(old.join("index.ts"), "export default (record, ctx) => `old ${ctx.function.name}`;").expect("a handler");
    scene.dead_letters(&["replay", &place(0), "--version", old.to_str().unwrap()]).worked();
    assert_eq!(texts(&scene.read(&output)), [format!("old {name}")]);

    let refused = scene.dead_letters(&["replay", &place(1), "--version", "0123456789abcdef"]);
    assert!(refused.code == 1 && refused.err.contains("not 0123456789abcdef"), "{}", refused.err);
    let digest = refused.err.split("holds version ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    scene.dead_letters(&["replay", &place(1), "--version", &digest]).worked();
    assert_eq!(texts(&scene.read(&output))[1], "current");
    let refused = scene.dead_letters(&["replay", &place(2), "--version", "nowhere"]);
    assert!(refused.code == 2 && refused.err.contains("neither a folder"), "{}", refused.err);
    function.edit("export default (record => {");
    let refused = scene.dead_letters(&["replay", &place(2)]);
    assert!(refused.code == 65 && refused.err.contains("index.ts:1:"), "{}", refused.err);
    let all = scene.listed(&[name, "--all"]);
    assert_eq!(states(&scene, &[name]), ["replayed", "replayed", "open"]);
    assert!(digest.starts_with(all[1]["mark"]["digest"].as_str().unwrap()), "{all:?}");
}

#[test]
fn a_filter_and_a_batch_handler_see_what_is_replayed() {
    let handler = "export default { batch(records) { return records.map((record) => `${record.text()} of ${records.length}`); } };";
    let filter = "[[filter]]\npattern = '{ \"key\": [{ \"anything-but\": \"b\" }] }'";
    let Some((scene, function, output)) = written("replayed-batch", filter, handler, &["a", "b", "c"]) else { return };
    let said = scene.dead_letters(&["replay", &function.name, "--yes", "--output", "json"]).lines();
    let outcomes: Vec<&Value> = said.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["done", "filtered", "done"]);
    assert_eq!(texts(&scene.read(&output)), ["a of 1", "c of 1"]);
    assert_eq!(scene.listed(&[&function.name]).len(), 0);
}

#[test]
fn with_exactly_once_results_and_marks_are_one_transaction() {
    let Some(scene) = Scene::new("replayed-once") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic_with("out", 1, &[("max.message.bytes", "20000")]));
    let handler = "
        export default (record, ctx) => {
          ctx.emit(`first of ${record.text()}`);
          if (record.text() !== 'large') return `second of ${record.text()}`;
          return crypto.getRandomValues(new Uint8Array(50_000));
        };";
    let draft = scene.function("it").reads(&input).writes(&output).with("[delivery]\nguarantee = \"exactly-once\"");
    let function = draft.handler(handler);
    let letters = ["a", "large", "b"].map(|text| letter(&function.name, Record::of(text), "E2001"));
    scene.write(&function.dead_letter, letters);
    let said = scene.dead_letters(&["replay", &function.name, "--yes"]);
    assert!(said.code == 1 && said.out.contains("a result cannot be written"), "{}{}", said.out, said.err);
    // A transaction is committed a moment before its readers see it.
    eventually("the marks show", || {
        (states(&scene, &[&function.name]) == ["replayed", "open", "replayed"]).then_some(())
    });
    let shown = |count| eventually("the results show", || Some(scene.read(&output)).filter(|all| all.len() >= count));
    let out = shown(4);
    assert_eq!(texts(&out), ["first of a", "second of a", "first of b", "second of b"]);
    let end = reading::ends(&scene.brokers, &output)[0];
    assert!(end > out.len() as i64 + 1, "the log holds what was aborted, and marks of transactions: {end}");

    function.edit("export default (record, ctx) => ctx.reject('no');");
    assert_eq!(scene.dead_letters(&["replay", &function.name, "--dead-letter-again"]).code, 1);
    let renewed = eventually("the new letter shows", || {
        Some(scene.listed(&[&function.name])).filter(|all| all.len() == 1 && all[0]["code"] == "E2002")
    });
    let failed_at: jiff::Timestamp = renewed[0]["failed_at"].as_str().unwrap().parse().expect("a time");
    let behind = (failed_at + jiff::SignedDuration::from_millis(1)).to_string();
    assert_eq!(scene.listed(&[&function.name, "--since", &behind]).len(), 0, "nothing but the mark of a transaction");

    function.edit("export default (record) => record;");
    scene.dead_letters(&["replay", &function.name]).worked();
    assert_eq!(texts(&shown(5))[4..], ["large"]);
    eventually("no letter is open", || scene.listed(&[&function.name]).is_empty().then_some(()));
}
