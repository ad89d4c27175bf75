//! Changes in the functions' folder take effect while everything runs.

use std::env;
use std::time::{Duration, Instant};

use crate::support::record::{of_partition, texts};
use crate::support::{Function, Node, Record, Scene, Trial, eventually};

const COPY: &str = "export default (record) => record;";

/// Waits until the function runs a later version than that.
#[track_caller]
fn newer(node: &Node, function: &Function, than: u64) -> u64 {
    node.eventually("a newer version runs", |node| {
        let version = node.status(function)?["version"].as_u64()?;
        (version > than).then_some(version)
    })
}

fn version(node: &Node, function: &Function) -> u64 {
    node.status(function).expect("a status")["version"].as_u64().expect("a number")
}

#[test]
fn an_edit_takes_effect_within_seconds_without_a_restart() {
    let Some(trial) = Trial::new("edit", 1, "export default () => 'old';") else { return };
    trial.feed([Record::of("x")]);
    let (before, pid) = (version(&trial.node, &trial.function), trial.node.pid());
    let begun = Instant::now();
    trial.function.edit("export default () => 'new';");
    newer(&trial.node, &trial.function, before);
    // One second on a quiet machine; the tests share theirs with each other.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    trial.feed([Record::of("y")]);
    assert_eq!(texts(&trial.out()), ["old", "new"]);
    assert_eq!(trial.node.pid(), pid);
}

#[test]
fn an_imported_file_and_the_manifest_are_parts_of_the_function() {
    let handler = "
        import { greeting } from './greeting.ts';
        export default (record, ctx) => `${greeting} ${ctx.env.WHOM}`;";
    let Some(scene) = Scene::new("parts") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let whom = |name: &str| format!("[env]\nWHOM = {name:?}");
    let draft = || scene.function("it").reads(&input).writes(&output);
    let function = draft().with(&whom("you")).handler(handler);
    function.write("greeting.ts", "export const greeting: string = 'hello';");
    let node = scene.start();
    node.runs(&function);
    scene.write(&input, [Record::of("x")]);
    scene.caught_up(&function);
    let first = version(&node, &function);
    function.write("greeting.ts", "export const greeting: string = 'goodbye';");
    let second = newer(&node, &function, first);
    scene.write(&input, [Record::of("x")]);
    scene.caught_up(&function);
    draft().with(&whom("all")).handler(handler);
    newer(&node, &function, second);
    scene.write(&input, [Record::of("x")]);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["hello you", "goodbye you", "goodbye all"]);
}

#[test]
fn a_broken_new_version_is_reported_and_the_old_one_goes_on() {
    let Some(trial) = Trial::new("broken", 1, "export default () => 'old';") else { return };
    let before = version(&trial.node, &trial.function);
    let broken = [
        ("export default (record) => {\n  return record.;\n};", "\"line\":2"),
        ("export default (record) => record;\nthrow new Error('at load');", "at load"),
        ("export const handler = (record) => record;", "default"),
        ("export default 42;", "default"),
        ("import './missing.ts';\nexport default (record) => record;", "missing.ts"),
        ("import '../../escape.ts';\nexport default (record) => record;", "escape.ts"),
    ];
    for (code, complaint) in broken {
        trial.function.edit(code);
        let update = trial.node.eventually(&format!("{complaint} is reported"), |node| {
            let update = node.status(&trial.function)?["broken_update"].clone();
            update.to_string().contains(complaint).then_some(update)
        });
        assert!(!update.is_null());
        let status = trial.node.status(&trial.function).expect("a status");
        assert_eq!((&status["state"], status["version"].as_u64()), (&"running".into(), Some(before)), "{code}");
    }
    trial.function.write("function.toml", "[source]\ntopics = [\"x\"]\nstrat = \"latest\"\n");
    trial.node.eventually("the manifest's mistake is reported", |node| {
        let update = node.status(&trial.function)?["broken_update"].to_string();
        (update.contains("did you mean") && update.contains("start")).then_some(())
    });
    trial.feed([Record::of("x")]);
    assert_eq!(texts(&trial.out()), ["old"]);
}

#[test]
fn functions_come_and_go_while_others_run() {
    let Some(scene) = Scene::new("come-and-go") else { return };
    let (input, stays, comes) = (scene.topic("in", 1), scene.topic("stays", 1), scene.topic("comes", 1));
    let staying = scene.function("stays").reads(&input).writes(&stays).handler(COPY);
    let node = scene.start();
    node.runs(&staying);
    scene.write(&input, [Record::of("1")]);
    let coming = scene.function("comes").reads(&input).writes(&comes).handler(COPY);
    node.runs(&coming);
    scene.caught_up(&coming);
    coming.remove();
    node.eventually("it is gone", |node| {
        let (status, _) = node.get(&format!("/api/v1/functions/{}", coming.name))?;
        (status == 404).then_some(())
    });
    scene.write(&input, [Record::of("2")]);
    scene.caught_up(&staying);
    assert_eq!(texts(&scene.read(&stays)), ["1", "2"]);
    assert_eq!(texts(&scene.read(&comes)), ["1"]);

    let again = scene.function("comes").reads(&input).writes(&comes).handler(COPY);
    node.runs(&again);
    scene.caught_up(&again);
    assert_eq!(texts(&scene.read(&comes)), ["1", "2"], "it goes on where it was");
}

#[test]
fn edits_under_load_lose_nothing_and_versions_never_go_back_within_a_partition() {
    let (edits, seconds) = match env::var("EDDYLINE_TEST_EDITS").ok().and_then(|text| text.parse().ok()) {
        Some(edits) => (edits, 60.0),
        None => (10, 10.0),
    };
    let handler = |edit: u32| format!("export default (record, ctx) => `{edit} ${{ctx.function.version}}`;");
    let Some(trial) = Trial::new("edits", 3, &handler(0)) else { return };
    let pause = Duration::from_secs_f64(seconds / f64::from(edits));
    let (mut written, mut last) = (0, version(&trial.node, &trial.function));
    for edit in 1..=edits {
        trial.function.edit(&handler(edit));
        let next = Instant::now() + pause;
        // Traffic until the time of the next edit, and until this one is in.
        eventually("an edit is in", || {
            trial.scene.write(&trial.input, (0..30).map(|n| Record::new(format!("{}", written + n), "x").on(n % 3)));
            written += 30;
            let now = version(&trial.node, &trial.function);
            let is_done = now > last && Instant::now() > next;
            is_done.then(|| last = now)
        });
    }
    trial.scene.caught_up(&trial.function);
    let out = trial.out();
    let mut keys: Vec<u32> = out.iter().map(|record| record.key_text().parse().expect("a number")).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..written as u32).collect::<Vec<_>>(), "each record has exactly one result");
    // Results are where their keys belong, so the order is that of the source's partitions, by their keys.
    for source in 0..3 {
        let mut mine: Vec<(u32, u32, u64)> = out
            .iter()
            .filter_map(|record| {
                let key: u32 = record.key_text().parse().expect("a number");
                let (edit, version) = record.text().split_once(' ').expect("two numbers");
                (key % 3 == source).then(|| (key, edit.parse().expect("a number"), version.parse().expect("a number")))
            })
            .collect();
        mine.sort_unstable();
        for pair in mine.windows(2) {
            let ((_, edit, version), (key, next_edit, next_version)) = (pair[0], pair[1]);
            assert!(next_version >= version && next_edit >= edit, "record {key} of partition {source} went back");
            assert_eq!(next_edit == edit, next_version == version, "a version is what made the record {key}");
        }
    }
    assert!(out.iter().any(|record| record.text().starts_with(&format!("{edits} "))), "the last edit made records");
    assert_eq!(of_partition(&trial.dead(), 0), []);
}

#[test]
fn a_function_whose_source_changes_begins_there_and_leaves_nothing_of_the_old_one_behind() {
    let Some(scene) = Scene::new("new-source") else { return };
    let (old, new, output) = (scene.topic("old", 1), scene.topic("new", 1), scene.topic("out", 1));
    let reads_old = scene.function("it").reads(&old).writes(&output).handler(COPY);
    scene.write(&old, (0..50).map(|n| Record::of(format!("old {n}"))));
    scene.write(&new, (0..50).map(|n| Record::of(format!("new {n}"))));
    let node = scene.start();
    node.runs(&reads_old);
    scene.caught_up(&reads_old);
    let reads_new = scene.function("it").reads(&new).writes(&output).handler(COPY);
    scene.caught_up(&reads_new);
    scene.write(&old, [Record::of("nobody reads this")]);
    scene.write(&new, [Record::of("the last one")]);
    scene.caught_up(&reads_new);
    let records = scene.read(&output);
    let mut expected: Vec<String> = (0..50).map(|n| format!("old {n}")).collect();
    expected.extend((0..50).map(|n| format!("new {n}")).chain(["the last one".to_owned()]));
    assert_eq!(texts(&records), expected);
}
