//! `eddyline backfill`: a function runs over a stretch of its topics, beside the consumer that goes on.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::reading::{committed, ends};
use crate::support::record::texts;
use crate::support::transactions::Transactions;
use crate::support::{Record, Scene, Trial, eventually, process};

const COPY: &str = "export default (record) => record;";

fn backfill(scene: &Scene, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
    command.args(["backfill", "--output", "json"]).args(arguments).current_dir(scene.folder());
    command.env("EDDYLINE__KAFKA__BROKERS", &scene.brokers).env("EDDYLINE__WORKERS__COUNT", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

fn sorted(scene: &Scene, topic: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = scene.read(topic).iter().map(|record| record.text().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_stretch_of_time_goes_to_another_sink_and_the_function_itself_does_not_notice() {
    let Some(trial) = Trial::new("backfill", 2, COPY) else { return };
    let Trial { function, scene, node, .. } = &trial;
    let again = scene.topic("again", 2);
    // 2026-01-31T00:00:00Z, a record each minute, to both partitions in turn.
    let minute = |n: i64| 1_769_817_600_000 + n * 60_000;
    let record = |n: i64| Record::of(n.to_string()).on((n % 2) as i32).at(minute(n));
    trial.feed((0..40).map(record));
    let before = committed(&scene.brokers, &function.group, &trial.input);
    let stretch = ["--from", "2026-01-31T00:10:00Z", "--to", "2026-01-31T00:25:00Z", "--sink", &again];
    let output = backfill(scene, &[&[function.name.as_str()][..], &stretch].concat()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let report = report(&output);
    assert_eq!((&report["complete"], &report["in"], &report["done"]), (&true.into(), &15.into(), &15.into()));
    assert_eq!((&report["left"], &report["dead_lettered"]), (&0.into(), &0.into()));
    assert_eq!(sorted(scene, &again), (10..25).collect::<Vec<u32>>());
    assert_eq!(committed(&scene.brokers, &function.group, &trial.input), before);
    let job = format!("{}.backfill", function.group);
    assert_eq!(committed(&scene.brokers, &job, &trial.input), [Some(13), Some(12)]);

    trial.feed([record(40)]);
    assert_eq!(sorted(scene, &trial.output), (0..41).collect::<Vec<u32>>());
    assert_eq!(node.status(function).unwrap()["state"], "running");
    let none = backfill(scene, &[&function.name, "--resume"]).output().unwrap();
    assert!(
        none.status.code() == Some(1) && said(&none).contains("no backfill that was interrupted"),
        "{}",
        said(&none)
    );
}

#[test]
fn a_job_that_is_interrupted_goes_on_where_it_was_and_ends_where_it_was_to() {
    let Some(scene) = Scene::new("backfill-resume") else { return };
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    let record = |n: u32| Record::of(n.to_string()).on((n % 2) as i32);
    scene.write(&input, (0..300).map(record));
    let mut job = backfill(&scene, &[&function.name, "--from", "earliest", "--rate", "60"]).spawn().unwrap();
    scene.read_when(&output, 60);
    process::signal(job.id(), libc::SIGINT);
    eventually("the job ends", || job.try_wait().unwrap());
    let interrupted = job.wait_with_output().unwrap();
    assert_eq!(interrupted.status.code(), Some(1), "{}", said(&interrupted));
    let first = report(&interrupted);
    assert!(first["complete"] == false && first["left"].as_u64().unwrap() > 0, "{first}");
    assert!(said(&interrupted).contains("--resume"), "{}", said(&interrupted));

    // What comes later is not part of the job.
    scene.write(&input, (300..310).map(record));
    let refused = backfill(&scene, &[&function.name, "--from", "earliest"]).output().unwrap();
    let hint = said(&refused);
    assert!(refused.status.code() == Some(1) && hint.contains("--resume") && hint.contains("--restart"), "{hint}");
    let resumed = backfill(&scene, &[&function.name, "--resume"]).output().unwrap();
    assert!(resumed.status.success(), "{}", said(&resumed));
    let second = report(&resumed);
    assert_eq!(second["in"], first["left"], "nothing runs twice after an end in order");
    assert_eq!(sorted(&scene, &output), (0..300).collect::<Vec<u32>>());
}

#[test]
fn records_that_fail_become_dead_letters_and_show_in_the_exit_code() {
    let Some(scene) = Scene::new("backfill-fails") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let code = "export default (record, ctx) => { if (record.text() === 'bad') ctx.reject('bad'); return record; };";
    let function = scene.function("it").reads(&input).source("skip-older-than = \"1h\"").writes(&output).handler(code);
    let long_ago = 1_769_817_600_000;
    scene.write(&input, ["a", "bad", "b"].map(|text| Record::of(text).at(long_ago)));
    let done = backfill(&scene, &[&function.name, "--from", "0", "--to", "3", "--job", "second"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let report = report(&done);
    assert_eq!((&report["complete"], &report["dead_lettered"]), (&true.into(), &1.into()));
    assert_eq!(texts(&scene.read(&output)), ["a", "b"], "what is old is wanted");
    assert_eq!(texts(&scene.read(&function.dead_letter)), ["bad"]);
    assert_eq!(committed(&scene.brokers, &format!("{}.backfill.second", function.group), &input), [Some(3)]);

    for (arguments, code) in [
        (&["--to", "latest"][..], 2),
        (&["--from", "yesterday"], 2),
        (&["--from", "1h", "--to", "2h"], 2),
        (&["--from", "3", "--to", "2026-01-01"], 2),
        (&["--from", "earliest", "--rate", "0"], 2),
        (&["--from", "earliest", "--job", "No"], 2),
        (&["--from", "earliest", "--sink", "nowhere"], 1),
    ] {
        let output = backfill(&scene, &[&[function.name.as_str()], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn a_job_reads_nothing_that_it_or_its_function_writes() {
    let Some(scene) = Scene::new("backfill-own") else { return };
    let (input, output, again) = (scene.topic("in", 1), scene.topic("out", 1), scene.topic("again", 1));
    let pattern = format!("pattern = '^{}.*'", scene.name(""));
    let function = scene.function("it").source(&pattern).writes(&output).handler(COPY);
    scene.write(&input, (0..5).map(|n| Record::of(n.to_string())));
    scene.write(&output, [Record::of("99")]);
    let job = |more: &[&str]| {
        backfill(&scene, &[&[function.name.as_str(), "--from", "earliest"], more].concat()).output().unwrap()
    };
    let refused = job(&["--sink", &again]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("reads"), "{}", said(&refused));
    let refused = job(&["--sink", "_eddyline.functions"]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("internal"), "{}", said(&refused));

    let elsewhere = format!("x{}", scene.name("elsewhere"));
    scene.topics.create(&elsewhere, 1, &[]);
    let output = job(&["--sink", &elsewhere]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(sorted(&scene, &elsewhere), [0, 1, 2, 3, 4]);

    let by_path = backfill(&scene, &[&format!("./{}/", function.name), "--from", "earliest"]).output().unwrap();
    assert!(by_path.status.code() == Some(2) && said(&by_path).contains("no name of a function"), "{}", said(&by_path));
}

#[test]
fn a_job_whose_modules_cannot_be_loaded_ends_with_their_error_and_goes_on_when_they_are_mended() {
    let Some(scene) = Scene::new("backfill-load") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    // Trying it out allows more timers than this function may have where it runs.
    let code = format!("for (let n = 0; n < 2; n += 1) setTimeout(() => {{}}, 1);\n{COPY}");
    let draft = scene.function("it").reads(&input).writes(&output).with("[limits]\ntimers = 1");
    let function = draft.handler(&code);
    scene.write(&input, (0..3).map(|n| Record::of(n.to_string())));
    let stuck = backfill(&scene, &[&function.name, "--from", "earliest"]).output().unwrap();
    let (first, words) = (report(&stuck), said(&stuck));
    assert_eq!(stuck.status.code(), Some(1), "{words}");
    assert!(
        words.contains("cannot go on: E1204") && words.contains("index.ts:1") && words.contains("--resume"),
        "{words}"
    );
    assert_eq!((&first["complete"], &first["left"], &first["done"]), (&false.into(), &3.into(), &0.into()));
    assert_eq!(committed(&scene.brokers, &format!("{}.backfill", function.group), &input), [Some(0)]);
    assert_eq!((scene.read(&output), scene.read(&function.dead_letter)), (vec![], vec![]));

    function.edit(COPY);
    let resumed = backfill(&scene, &[&function.name, "--resume"]).output().unwrap();
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert_eq!(sorted(&scene, &output), [0, 1, 2]);
}

#[test]
fn a_pattern_matches_the_letters_of_no_function_neither_in_a_job_nor_while_it_runs() {
    let Some(scene) = Scene::new("backfill-letters") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let pattern = format!("pattern = '^{}.*'", scene.name(""));
    let function = scene.function("it").source(&pattern).writes(&output).handler(COPY);
    let named = scene.topic("named-letters", 1);
    let nothing = "export default () => {};";
    let draft = scene.function("named").reads(&input).without_dead_letter_topic();
    draft.with(&format!("[dead-letter]\ntopic = {named:?}")).handler(nothing);
    let whole = scene.function("whole").reads(&input).handler(nothing);
    let broken = scene.function("broken").reads(&input).handler("export default (record) => {");
    let unreadable = scene.function("unreadable").reads(&input).handler(nothing);
    unreadable.edit_manifest("[source");
    scene.write(&input, (0..5).map(|n| Record::of(n.to_string())));
    for letters in [&named, &whole.dead_letter, &broken.dead_letter, &unreadable.dead_letter] {
        scene.write(letters, [Record::of("99")]);
    }
    let job = backfill(&scene, &[&function.name, "--from", "earliest"]).output().unwrap();
    assert!(job.status.success(), "{}", said(&job));
    assert_eq!(sorted(&scene, &output), [0, 1, 2, 3, 4]);

    let node = scene.start();
    assert_eq!(node.runs(&function)["topics"], serde_json::json!([input]));
}

#[test]
fn a_job_that_is_exactly_once_doubles_and_loses_nothing_when_it_is_killed_and_goes_on() {
    let Some(scene) = Scene::new("backfill-exactly") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let code = "
        export default (record, ctx) => {
          if (Number(record.text()) % 10 === 3) ctx.reject('a three');
          return record;
        };";
    let exactly = "[delivery]\nguarantee = \"exactly-once\"";
    let function = scene.function("it").reads(&input).writes(&output).with(exactly).handler(code);
    // What ends a transaction takes an offset without a record, also the last one of the stretch.
    let mut upstream = Transactions::new(&scene.brokers, &scene.name("upstream"));
    for first in (0..400).step_by(100) {
        upstream.write(&input, (first..first + 100).map(|n| Record::of(n.to_string())), true);
    }
    upstream.write(&input, [Record::of("1000")], false);
    let job = |more: &[&str]| {
        let mut command = backfill(&scene, &[&[function.name.as_str()], more].concat());
        command.env("EDDYLINE__KAFKA__PROPERTIES__SESSION__TIMEOUT__MS", "6000");
        command
    };
    let mut killed = job(&["--from", "earliest", "--rate", "100"]).spawn().unwrap();
    eventually("it has got on", || (scene.read(&output).len() >= 50).then_some(()));
    process::signal(killed.id(), libc::SIGKILL);
    killed.wait().unwrap();
    assert!(scene.read(&output).len() < 360, "it was not at its end");

    let resumed = job(&["--resume"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(1), "{}", said(&resumed));
    let report = report(&resumed);
    assert!(report["complete"] == true && report["left"] == 0 && report["dead_lettered"] != 0, "{report}");
    let read = |topic: &str, count: usize| {
        eventually("nothing of the killed one is in the way", || {
            Some(scene.read(topic)).filter(|all| all.len() >= count)
        })
    };
    let (threes, others): (Vec<u32>, Vec<u32>) = (0..400).partition(|n| n % 10 == 3);
    let text = |numbers: &[u32]| numbers.iter().map(u32::to_string).collect::<Vec<String>>();
    assert_eq!(texts(&read(&output, others.len())), text(&others));
    assert_eq!(texts(&read(&function.dead_letter, threes.len())), text(&threes));
    let end = ends(&scene.brokers, &input)[0];
    assert!(end > 401, "markers have offsets: {end}");
    assert_eq!(committed(&scene.brokers, &format!("{}.backfill", function.group), &input), [Some(end)]);
}
