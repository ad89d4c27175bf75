//! Worker processes that die or stand still.

use crate::support::record::{keys, texts};
use crate::support::{Record, Scene, Trial, busy, process};

fn numbered(count: u32) -> impl Iterator<Item = Record> {
    (0..count).map(|n| Record::new("k", n.to_string()))
}

#[test]
fn a_worker_that_is_killed_under_load_is_replaced_and_nothing_is_lost() {
    let Some(trial) = Trial::new("killed-worker", 1, &busy(5, "return record;")) else { return };
    trial.scene.write(&trial.input, numbered(600));
    for round in 1..=2 {
        trial.scene.read_when(&trial.output, round * 150);
        let victim = trial.node.eventually("a worker lives", |node| node.workers().first().copied());
        process::signal(victim, libc::SIGKILL);
        trial.node.eventually("it is replaced", |node| node.workers().iter().any(|pid| *pid != victim).then_some(()));
    }
    trial.scene.caught_up(&trial.function);
    let expected: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    assert_eq!(texts(&trial.out()), expected, "in order, none lost; the host had taken nothing twice");
    assert_eq!(trial.dead(), [], "a record is not to blame for a worker that somebody killed");
    assert_eq!(trial.node.metric("eddyline_worker_restarted_processes_total", &[]), Some(2.0));
}

#[test]
fn the_log_names_the_function_and_the_record_that_a_dead_worker_was_running() {
    let handler = "export default () => { console.log('began'); return new Promise(() => {}); };";
    let more = "[limits]\nwall = \"50s\"";
    let Some(trial) = Trial::with("named", 2, |draft| draft.with(more), handler) else { return };
    trial.scene.write(&trial.input, ["a", "b", "c"].map(|text| Record::of(text).on(1)));
    trial.node.eventually("the handler has begun", |node| (!node.logged("began").is_empty()).then_some(()));
    let victim = trial.node.workers()[0];
    process::signal(victim, libc::SIGKILL);
    let line = trial.node.eventually("the log tells of the death", |node| {
        node.lines().into_iter().find(|line| line["record"].is_string() && line["pid"] == victim)
    });
    let record = line["record"].as_str().expect("text");
    assert!(record.contains(&trial.input) && record.contains("offset 0"), "{line}");
    assert!(line.to_string().contains(&trial.function.name), "{line}");
    assert!(line.to_string().contains("SIGKILL"), "{line}");
}

#[test]
fn being_killed_from_outside_does_not_count_as_an_attempt() {
    let handler = "
        export default async (record, ctx) => {
          console.log('began');
          if (record.text() === 'long') {
            const until = Date.now() + 1500;
            while (Date.now() < until) await Promise.resolve();
          }
          return `attempt ${ctx.attempt}`;
        };";
    let more = "[limits]\ncpu = \"20s\"\nwall = \"20s\"\n[retry]\nmax-attempts = 2";
    let Some(trial) = Trial::with("no-attempt", 1, |draft| draft.with(more), handler) else { return };
    trial.scene.write(&trial.input, [Record::of("long")]);
    for kills in 1..=3 {
        trial.kill_worker_when_begun(kills);
    }
    trial.scene.caught_up(&trial.function);
    assert_eq!(texts(&trial.out()), ["attempt 1"]);
}

#[test]
fn a_handler_in_an_endless_loop_is_ended_and_its_neighbours_go_on() {
    let handler = "
        export default (record) => {
          while (record.key === 'endless') {}
          return record;
        };";
    let more = "[limits]\ncpu = \"200ms\"\nwall = \"1s\"\n[retry]\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let Some(trial) = Trial::with("endless", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["a", "endless", "b"].map(|text| Record::new(text, text)));
    assert_eq!(keys(&trial.out()), ["a", "b"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["endless"]);
    assert!(["E2101", "E2102"].contains(&dead[0].error_code()), "{}", dead[0].error_code());
    assert_eq!(dead[0].header_text("eddyline.error.attempts"), Some("2"));
}

#[test]
fn a_worker_that_stands_still_is_noticed_and_its_records_are_done_by_another() {
    let handler = "
        export default async (record) => {
          if (record.text() === '60') {
            console.log('began');
            await new Promise((done) => setTimeout(done, 1500));
          }
          return record;
        };";
    let more = "[limits]\nwall = \"3s\"";
    let Some(trial) = Trial::with("stopped-worker", 1, |draft| draft.with(more), handler) else { return };
    trial.scene.write(&trial.input, numbered(100));
    trial.node.eventually("the handler has begun", |node| (!node.logged("began").is_empty()).then_some(()));
    let victim = trial.node.workers()[0];
    process::signal(victim, libc::SIGSTOP);
    trial.node.eventually("it is replaced", |node| node.workers().iter().any(|pid| *pid != victim).then_some(()));
    trial.scene.caught_up(&trial.function);
    let expected: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let (out, dead) = (trial.out(), trial.dead());
    let mut values: Vec<String> = out.iter().chain(&dead).map(|record| record.text().to_owned()).collect();
    values.sort_by_key(|text| text.parse::<u32>().expect("a number"));
    values.dedup();
    assert_eq!(values, expected);
    assert!(dead.len() <= 1, "at most the record that was running is to blame");
}

#[test]
fn an_endless_loop_of_one_function_holds_up_no_other_in_the_same_worker() {
    let Some(scene) = Scene::new("neighbours") else { return };
    let (loops, input, output) = (scene.topic("loops", 1), scene.topic("in", 1), scene.topic("out", 1));
    let more = "[limits]\ncpu = \"1m\"\nwall = \"1m\"";
    let looping = scene
        .function("loops")
        .reads(&loops)
        .with(more)
        .handler("export default () => { console.log('began'); while (true) {} };");
    let copying = scene.function("copies").reads(&input).writes(&output).handler("export default (record) => record;");
    let node = scene.start();
    node.runs(&copying);
    node.runs(&looping);
    scene.write(&loops, [Record::of("x")]);
    node.eventually("the loop has begun", |node| (!node.logged("began").is_empty()).then_some(()));
    scene.write(&input, numbered(500));
    scene.caught_up(&copying);
    assert_eq!(scene.read(&output).len(), 500);
    let in_flight = node.metric("eddyline_function_in_flight_records", &[("function", &looping.name)]);
    assert_eq!(in_flight, Some(1.0), "it loops still");
}
