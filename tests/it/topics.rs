//! Topics that are missing, and topics that are made.

use crate::support::reading::partitions;
use crate::support::record::texts;
use crate::support::{Record, Scene};

const COPY: &str = "export default (record) => record;";

#[test]
fn a_function_waits_for_a_missing_topic_names_it_and_goes_on_when_it_appears() {
    let Some(scene) = Scene::new("missing") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let absent = ["no-source", "no-sink", "no-also"].map(|short| scene.name(short));
    let no_source = scene.function("no-source").reads(&absent[0]).writes(&output).handler(COPY);
    let no_sink = scene.function("no-sink").reads(&input).writes(&absent[1]).handler(COPY);
    let no_also = scene.function("no-also").reads(&input).writes(&output).also(&absent[2]).handler(COPY);
    let draft = scene.function("no-letter").reads(&input).writes(&output).without_dead_letter_topic();
    let no_letter = draft.handler(COPY);
    let fine = scene.function("fine").reads(&input).writes(&output).handler(COPY);
    scene.write(&input, [Record::of("x")]);

    let node = scene.start();
    node.runs(&fine);
    let waiting = [(&no_source, &absent[0]), (&no_sink, &absent[1]), (&no_also, &absent[2])];
    for (function, topic) in waiting.into_iter().chain([(&no_letter, &no_letter.dead_letter)]) {
        let status = node.enters(function, "waiting");
        let reason = status["state_reason"].as_str().expect("a reason");
        assert!(reason.contains(topic.as_str()), "{reason}");
    }
    assert!(node.is_ready(), "functions that wait do not make the node unready");
    assert_eq!(partitions(&scene.brokers, &absent[1]), None, "nothing is made by looking");

    scene.topics.create(&no_letter.dead_letter, 1, &[]);
    for (function, topic) in waiting {
        scene.topics.create(topic, 1, &[]);
        node.runs(function);
    }
    node.runs(&no_letter);
    scene.write(&absent[0], [Record::of("from the new source")]);
    for function in [&no_source, &no_sink, &no_also, &no_letter] {
        scene.caught_up(function);
    }
    assert_eq!(texts(&scene.read(&absent[1])), ["x"]);
    assert!(texts(&scene.read(&output)).contains(&"from the new source"));
}

#[test]
fn topics_create_makes_source_sink_and_dead_letter_before_the_first_record() {
    let Some(scene) = Scene::new("create") else { return };
    let (input, output, also) = (scene.name("in"), scene.name("out"), scene.name("also"));
    let draft = scene.function("it").reads(&input).writes(&output).also(&also).without_dead_letter_topic();
    let function = draft
        .with("[retry]\nmax-attempts = 1")
        .handler("export default (record) => { if (record.text() === 'bad') throw new Error('x'); return record; };");
    let node = scene.start_with(&[("topics.create", "true"), ("topics.partitions", "3")]);
    node.runs(&function);
    for topic in [&input, &output, &also] {
        assert_eq!(partitions(&scene.brokers, topic), Some(3), "{topic}");
    }
    assert!(partitions(&scene.brokers, &function.dead_letter).is_some());
    scene.write(&input, ["good", "bad"].map(|text| Record::new("k", text)));
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["good"]);
    assert_eq!(texts(&scene.read(&function.dead_letter)), ["bad"]);
}

#[test]
fn a_created_dead_letter_topic_takes_the_largest_record_of_its_source_with_room_for_the_headers() {
    let Some(scene) = Scene::new("create-large") else { return };
    let input = scene.topic_with("in", 2, &[("max.message.bytes", "3000000")]);
    let output = scene.name("out");
    let draft = scene.function("it").reads(&input).writes(&output).without_dead_letter_topic();
    let function = draft.with("[retry]\nmax-attempts = 1").handler("export default () => { throw new Error('x'); };");
    let node = scene.start_with(&[("topics.create", "true")]);
    node.runs(&function);
    let limit: u64 =
        scene.topics.config(&function.dead_letter, "max.message.bytes").unwrap().parse().expect("a number");
    assert!(limit >= 3_000_000 + 65_536, "{limit}");
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(2_990_000).collect();
    scene.write(&input, [Record::new("large", &noise)]);
    scene.caught_up(&function);
    let letters = scene.read(&function.dead_letter);
    assert_eq!(letters[0].value.as_deref(), Some(&noise[..]));
}

#[test]
fn a_topic_that_a_pattern_does_not_match_yet_makes_its_function_wait_not_fail() {
    let Some(scene) = Scene::new("no-match") else { return };
    let output = scene.topic("out", 1);
    let pattern = format!("pattern = '^{}$'", scene.name("later\\..*"));
    let mut function = scene.function("it").source(&pattern).writes(&output).handler(COPY);
    let node = scene.start();
    node.enters(&function, "waiting");
    let topic = scene.topic("later.one", 1);
    scene.write(&topic, [Record::of("x")]);
    node.runs(&function);
    function.sources = vec![topic];
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["x"]);
}

#[test]
fn results_wait_for_a_sink_that_was_deleted_and_are_written_when_it_is_back() {
    let Some(scene) = Scene::new("deleted-sink") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    scene.write(&input, [Record::of("before")]);
    let soon = [("kafka.properties.topic.metadata.refresh.interval.ms", "1000")];
    let node = scene.start_with(&soon);
    node.runs(&function);
    scene.caught_up(&function);
    scene.topics.delete(&output);
    scene.write(&input, (0..20).map(|n| Record::of(n.to_string())));
    node.eventually("it says that results wait, and for which topic", |node| {
        let error = node.status(&function)?["last_error"]["message"].as_str()?.to_owned();
        error.contains(&output).then_some(())
    });
    scene.topics.create(&output, 1, &[]);
    scene.caught_up(&function);
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(texts(&scene.read(&output)), expected);
}
