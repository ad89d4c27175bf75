//! Finding dead letters, looking at them, and putting them aside.

use serde_json::json;

use crate::support::letters::letter;
use crate::support::record::texts;
use crate::support::{Record, Scene, Trial, eventually};

const MARKS: &str = "_eddyline.dead-letters";

const PICKY: &str = "
    export default (record, ctx) => {
      if (record.text() === 'bad') throw new TypeError('cannot\\u001b[2J do\\nthis one');
      if (record.text() === 'unwanted') ctx.reject('not wanted here');
      return record;
    };";

#[test]
fn letters_are_found_by_function_code_and_time() {
    let Some(trial) = Trial::with(
        "found",
        1,
        |draft| draft.with("[retry]\nmax-attempts = 2\nbackoff = { initial = \"1ms\", max = \"1ms\" }"),
        PICKY,
    ) else {
        return;
    };
    let (scene, name) = (&trial.scene, trial.function.name.as_str());
    trial.feed(["a", "bad", "unwanted", "b"].map(Record::of));
    let all = scene.listed(&[name]);
    let codes: Vec<&str> = all.iter().map(|letter| letter["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E2001", "E2002"]);
    let bad = &all[0];
    assert_eq!(bad["letter"], json!({ "topic": trial.function.dead_letter, "partition": 0, "offset": 0 }));
    assert_eq!((&bad["function"], &bad["state"], &bad["attempts"]), (&name.into(), &"open".into(), &2.into()));
    assert_eq!((&bad["record"]["topic"], &bad["record"]["offset"]), (&trial.input.as_str().into(), &1.into()));
    assert!(bad["message"].as_str().unwrap().contains("do\nthis one"), "{bad}");
    assert!(bad["stack"].as_str().unwrap().contains("index.ts:3"), "{bad}");

    let count = |more: &[&str]| scene.listed(&[&[name], more].concat()).len();
    assert_eq!((count(&["--code", "e2002"]), count(&["--code", "E2001", "--code", "E2002"])), (1, 2));
    assert_eq!((count(&["--since", "1h"]), count(&["--until", "1h"])), (2, 0));
    let times: Vec<&str> = all.iter().map(|letter| letter["failed_at"].as_str().unwrap()).collect();
    assert_eq!(count(&["--until", times[0]]), 0, "before it failed");
    assert!(count(&["--since", times[0]]) == 2 && count(&["--since", times[1]]) >= 1);
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    assert_eq!((count(&["--since", &later]), count(&["--limit", "1"])), (0, 1));
    assert!(scene.listed(&[]).iter().all(|letter| letter["function"] == name), "all functions of the folder");

    let table = scene.dead_letters(&["list", name, "--limit", "1"]);
    table.worked();
    assert!(table.err.contains("the newest 1 of 2 dead letters"), "{}", table.err);
    assert!(table.out.contains("E2002") && !table.out.contains("E2001"), "{}", table.out);
    let table = scene.dead_letters(&["list", name]);
    assert!(table.out.contains("attempts") && table.out.contains("E2001"), "{}", table.out);
    assert!(!table.out.contains('\u{1b}'), "no letter gives orders to a terminal: {}", table.out);
}

#[test]
fn mistakes_in_what_is_meant_are_named() {
    let Some(scene) = Scene::new("meant") else { return };
    for (arguments, code, part) in [
        (&["show"][..], 2, "name a function"),
        (&["replay"], 2, "name a function"),
        (&["discard", "--yes"], 2, "name a function"),
        (&["list", "--code", "2001"], 2, "E2001"),
        (&["list", "--since", "yesterday"], 2, "2026-01-31"),
        (&["show", "a/b"], 2, "TOPIC/PARTITION/OFFSET"),
        (&["replay", "f", "t/0/1"], 2, "not both"),
        (&["list", "nobody"], 1, "\"nobody.dead-letter\""),
        (&["show", "no-such-topic/0/1"], 1, "\"no-such-topic\""),
    ] {
        let said = scene.dead_letters(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(part), "{arguments:?}: {}", said.err);
    }
    let topic = scene.topic("letters", 2);
    scene.write(&topic, [letter("f", Record::of("x").on(1), "E2001")]);
    let there = format!("{topic}/1/0");
    let [before, beyond] = [format!("{topic}/0/0"), format!("{topic}/1/1")];
    assert_eq!(scene.dead_letters(&["show", &there]).worked().err, "");
    for absent in [&before, &beyond] {
        let said = scene.dead_letters(&["show", &there, absent]);
        assert!(said.code == 1 && said.err.contains(absent), "{}", said.err);
    }
}

#[test]
fn a_letter_is_shown_with_its_error_and_its_record() {
    let Some(scene) = Scene::new("shown-letter") else { return };
    let topic = scene.topic("letters", 1);
    let letters = [
        Record::new([0xff, 0], [0xfe, 0, b'x']).header("own", "1").header([0xff], [0xee]).null_header("null"),
        Record::new("a\u{1b}[31mb", r#"{"id":1,"deep":{"er":true}}"#),
        Record::tombstone("gone"),
    ];
    scene.write(&topic, letters.map(|record| letter("f", record, "E2001")));
    let place = |offset: u32| format!("{topic}/0/{offset}");
    let shown = scene.dead_letters(&["show", &place(0), &place(1), &place(2)]);
    let text = &shown.worked().out;
    for part in [
        &place(0),
        "f, version 1",
        "E2001  Error: no good",
        "at index.ts:1:2",
        "attempt 3",
        "orders/4/17, 2017-07-14T02:40:00.123Z",
        "0xff00",
        "\"own\": \"1\"",
        "0xff: 0xee",
        "\"null\": null",
        "fe 00 78",
        "a\\u{1b}[31mb",
        "\"deep\": {",
        "a tombstone",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("eddyline.error") && !text.contains('\u{1b}'), "{text}");

    let lines = scene.dead_letters(&["show", &place(0), "--output", "json"]).lines();
    let record = &lines[0]["record"];
    assert_eq!((&record["topic"], &record["offset"]), (&"orders".into(), &17.into()));
    assert_eq!(record["timestamp"], 1_500_000_000_123_i64);
    assert_eq!((&record["key"], &record["value"]), (&json!({ "base64": "/wA=" }), &json!({ "base64": "/gB4" })));
    assert_eq!(record["headers"], json!([["own", "1"], [{ "base64": "/w==" }, { "base64": "7g==" }], ["null", null]]));
}

#[test]
fn discarded_letters_stay_where_they_are_and_are_listed_no_more() {
    let Some(scene) = Scene::new("discarded") else { return };
    let topic = scene.topic("letters", 1);
    scene.write(&topic, ["a", "b", "c"].map(|text| letter("f", Record::of(text), "E2001")));
    let open = || scene.listed(&["--topic", &topic]).len();
    let first = format!("{topic}/0/0");
    assert!(scene.dead_letters(&["discard", &first]).worked().out.contains("1 discarded"));
    assert_eq!(open(), 2);

    let unanswered = scene.dead_letters(&["discard", "--topic", &topic]);
    assert!(unanswered.code == 2 && unanswered.err.contains("--yes"), "{}", unanswered.err);
    assert_eq!(open(), 2, "nobody said yes");
    scene.dead_letters(&["discard", "--topic", &topic, "--yes"]).worked();
    assert_eq!(open(), 0);
    let all = scene.listed(&["--topic", &topic, "--all"]);
    assert!(all.len() == 3 && all.iter().all(|letter| letter["state"] == "discarded"), "{all:?}");
    assert_eq!(texts(&scene.read(&topic)), ["a", "b", "c"]);
    let again = scene.dead_letters(&["discard", &first]);
    assert!(again.code == 1 && again.err.contains("was discarded at"), "{}", again.err);
    assert_eq!(scene.topics.config(MARKS, "cleanup.policy").as_deref(), Some("compact"));
}

#[test]
fn a_mark_holds_for_its_letter_alone_and_goes_when_the_letter_is_gone() {
    let Some(scene) = Scene::new("marks") else { return };
    let topic = scene.topic("letters", 1);
    let write = |count: usize| scene.write(&topic, (0..count).map(|_| letter("f", Record::of("x"), "E2001")));
    let open = || scene.listed(&["--topic", &topic]).len();
    write(2);
    scene.dead_letters(&["discard", "--topic", &topic, "--yes"]).worked();
    scene.topics.delete(&topic);
    scene.topics.create(&topic, 1, &[]);
    write(3);
    assert_eq!(open(), 3, "other letters at the same places");

    scene.dead_letters(&["discard", &format!("{topic}/0/1"), &format!("{topic}/0/0"), "--yes"]).worked();
    scene.topics.delete_records(&topic, 0, 1);
    eventually("the first is gone", || (scene.read(&topic).len() == 2).then_some(()));
    scene.dead_letters(&["discard", &format!("{topic}/0/2")]).worked();
    let mut marks = std::collections::BTreeMap::new();
    for mark in scene.read(MARKS) {
        let key = mark.key_text().to_owned();
        marks.insert(key, mark.value);
    }
    let mark = |offset: u32| marks[&format!("f/{topic}/0/{offset}")].is_some();
    assert_eq!([mark(0), mark(1), mark(2)], [false, true, true]);
}
