//! Records that failed for good: their bytes, and what is said about them.

use crate::support::record::{keys, of_partition, texts};
use crate::support::{Record, Scene, Trial};

const AT_ONCE: &str = "[retry]\nmax-attempts = 1";

#[test]
fn a_dead_letter_keeps_the_record_byte_for_byte_with_its_own_headers_first() {
    let handler = "
        function fail(): never {
          throw new TypeError('no good');
        }
        export default (record, ctx) => {
          fail();
        };";
    let Some(trial) = Trial::with("letter", 3, |draft| draft.with(AT_ONCE), handler) else { return };
    let before = jiff::Timestamp::now().as_millisecond();
    let record = Record::new([0xff, 0x00], [0x00, 0xfe, 0x0a])
        .on(2)
        .at(1_500_000_000_123)
        .header("twice", "1")
        .header([0xff], "a name that is no text")
        .null_header("null")
        .header("twice", [0xff]);
    trial.scene.write(&trial.input, [Record::of("offset 0").on(2)]);
    trial.feed([record.clone()]);
    let after = jiff::Timestamp::now().as_millisecond();
    let letter = trial.dead().pop().expect("two letters");
    assert_eq!((&letter.key, &letter.value), (&record.key, &record.value));
    let (own, ours) = letter.headers.split_at(record.headers.len());
    assert_eq!(own, record.headers);
    let names: Vec<&str> = ours.iter().map(|(name, _)| std::str::from_utf8(name).expect("text")).collect();
    let expected = [
        "function",
        "version",
        "code",
        "message",
        "stack",
        "attempts",
        "topic",
        "partition",
        "offset",
        "timestamp",
        "failed-at",
    ];
    assert_eq!(names, expected.map(|name| format!("eddyline.error.{name}")));

    let said = |name: &str| letter.header_text(&format!("eddyline.error.{name}")).expect("text");
    assert_eq!(said("function"), trial.function.name);
    assert_eq!(said("code"), "E2001");
    assert!(said("message").contains("no good"), "{}", said("message"));
    assert_eq!((said("attempts"), said("partition"), said("offset")), ("1", "2", "1"));
    assert_eq!(said("topic"), trial.input);
    assert_eq!(said("timestamp"), "2017-07-14T02:40:00.123Z");
    let version = trial.node.status(&trial.function).expect("a status")["version"].as_u64().expect("a number");
    assert_eq!(said("version"), version.to_string());
    let failed_at: jiff::Timestamp = said("failed-at").parse().expect("RFC 3339");
    assert!((before..=after).contains(&failed_at.as_millisecond()));
    assert!((before..=after).contains(&letter.timestamp.expect("a timestamp")), "Kafka's timestamp is now");
    // The user's own lines: `fail` throws on the third, the handler calls it on the sixth.
    assert!(said("stack").contains("index.ts:3:") && said("stack").contains("index.ts:6:"), "{}", said("stack"));
}

#[test]
fn a_letter_goes_to_the_topic_that_the_manifest_names() {
    let Some(scene) = Scene::new("named-letter") else { return };
    let (input, output, graveyard) = (scene.topic("in", 1), scene.topic("out", 1), scene.topic("graveyard", 1));
    let draft = scene.function("it").reads(&input).writes(&output).without_dead_letter_topic();
    let function = draft
        .with(&format!("{AT_ONCE}\n[dead-letter]\ntopic = {graveyard:?}"))
        .handler("export default () => { throw new Error('x'); };");
    scene.write(&input, [Record::new("k", "v"), Record::tombstone("t")]);
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    let letters = scene.read(&graveyard);
    assert_eq!(keys(&letters), ["k", "t"]);
    assert_eq!(letters[1].value, None, "a tombstone stays one");
}

#[test]
fn whatever_a_handler_throws_becomes_a_message() {
    let handler = r#"
        const thrown: { [name: string]: () => unknown } = {
          text: () => "just text",
          null: () => null,
          object: () => ({ code: 7 }),
          hostile: () => ({ get message() { throw new Error("gotcha"); }, toString() { throw 1; } }),
          long: () => new Error("x".repeat(100_000)),
          symbol: () => Symbol("s"),
        };
        export default (record) => { throw thrown[record.text()!](); };"#;
    let Some(trial) = Trial::with("thrown", 1, |draft| draft.with(AT_ONCE), handler) else { return };
    let kinds = ["text", "null", "object", "hostile", "long", "symbol"];
    trial.feed(kinds.map(|kind| Record::new(kind, kind)));
    let dead = trial.dead();
    assert_eq!(keys(&dead), kinds);
    assert!(dead.iter().all(|letter| letter.error_code() == "E2001"));
    let message = |at: usize| dead[at].header_text("eddyline.error.message").expect("a message");
    assert!(message(0).contains("just text"), "{}", message(0));
    assert!(message(4).len() < 10_000, "a long message is cut");
}

#[test]
fn without_dead_letters_only_that_partition_stops_and_goes_on_when_the_function_changes() {
    let handler = "
        export default (record, ctx) => {
          if (record.text() === 'bad') throw new Error('cannot do this one');
          ctx.emit(record, { partition: record.partition });
        };";
    let more = format!("{AT_ONCE}\n[dead-letter]\nenabled = false");
    let Some(trial) = Trial::with("disabled", 2, |draft| draft.with(&more), handler) else { return };
    let stops = ["1", "bad", "2", "3"].map(|text| Record::new(text, text).on(0));
    trial.scene.write(&trial.input, stops.into_iter().chain((4..24).map(|n| Record::of(n.to_string()).on(1))));
    let status = trial.node.enters(&trial.function, "stopped");
    let reason = status["state_reason"].as_str().expect("a reason");
    assert!(reason.contains("offset 1") && reason.contains("cannot do this one"), "{reason}");
    assert_eq!(trial.scene.read_when(&trial.output, 21).len(), 21, "one of its own partition, all of the other");
    trial.scene.write(&trial.input, [Record::of("24").on(1)]);
    trial.scene.read_when(&trial.output, 22);

    trial.function.edit("export default (record, ctx) => { ctx.emit(record, { partition: record.partition }); };");
    trial.node.enters(&trial.function, "running");
    trial.scene.caught_up(&trial.function);
    let out = trial.out();
    assert_eq!(texts(&of_partition(&out, 0)), ["1", "bad", "2", "3"]);
    assert_eq!(of_partition(&out, 1).len(), 21);
    assert_eq!(trial.dead(), []);
}

#[test]
fn without_dead_letters_a_restart_stops_at_the_same_record_again() {
    let handler = "
        export default (record) => {
          if (record.text() === 'bad') throw new Error('no');
          return record;
        };";
    let more = format!("{AT_ONCE}\n[dead-letter]\nenabled = false");
    let Some(trial) = Trial::with("stopped-restart", 1, |draft| draft.with(&more), handler) else { return };
    trial.scene.write(&trial.input, ["1", "bad", "2"].map(Record::of));
    trial.node.enters(&trial.function, "stopped");
    let Trial { scene, node, function, output, .. } = trial;
    node.stop();
    let node = scene.start();
    node.enters(&function, "stopped");
    assert_eq!(texts(&scene.read(&output)), ["1"]);
}

#[test]
fn a_letter_that_its_topic_refuses_stops_the_partition_and_is_written_once_the_function_has_changed() {
    let Some(scene) = Scene::new("refused-letter") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let small = scene.topic_with("small", 1, &[("max.message.bytes", "20000")]);
    let draft = scene.function("it").reads(&input).writes(&output).without_dead_letter_topic();
    let function = draft
        .with(&format!("{AT_ONCE}\n[dead-letter]\ntopic = {small:?}"))
        .handler("export default (record) => { if (record.key === 'bad') throw new Error('no'); return record.key; };");
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(100_000).collect();
    scene.write(&input, [Record::new("a", "x"), Record::new("bad", &noise), Record::new("b", "x")]);
    let node = scene.start();
    let reason = node.enters(&function, "stopped")["state_reason"].to_string();
    assert!(reason.contains("offset 1") && reason.contains(&small), "{reason}");
    scene.topics.configure(&small, "max.message.bytes", "1000000");
    function
        .edit("export default (record) => { if (record.key === 'bad') throw new Error('never'); return record.key; };");
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["a", "b"]);
    let letters = scene.read(&small);
    assert_eq!(keys(&letters), ["bad"]);
    assert_eq!(letters[0].value.as_deref(), Some(&noise[..]));
}
