//! Workers that die of what they run: who is blamed, and that nobody else notices.

use crate::support::harm::{ROOM, handler};
use crate::support::record::texts;
use crate::support::{Function, Node, Record, Scene, Trial, busy, process};

/// Says which attempt a record is on, and brings its worker down for a record `crash`.
const TELLS: &str = "
    export default (record, ctx) => {
      if (record.text() === 'crash') crash();
      return `${record.text()} on ${ctx.attempt}`;
    };";

/// Says when it has begun, and is busy for as many milliseconds as the record says.
const BUSY: &str = "
    export default (record, ctx) => {
      console.log('began');
      const until = Date.now() + Number(record.text());
      while (Date.now() < until);
      return `attempt ${ctx.attempt}`;
    };";

fn of(node: &Node, function: &Function, name: &str) -> f64 {
    node.metric(name, &[("function", &function.name)]).unwrap_or_else(|| panic!("no metric {name}"))
}

fn crashes(node: &Node, function: &Function) -> f64 {
    of(node, function, "eddyline_function_crashed_processes_total")
}

#[track_caller]
fn assert_crashed_twice(dead: &[Record]) {
    assert_eq!(texts(dead), ["crash"]);
    assert_eq!(dead[0].error_code(), "E2104");
    assert_eq!(dead[0].header_text("eddyline.error.attempts"), Some("2"));
    let message = dead[0].header_text("eddyline.error.message").unwrap();
    assert!(message.contains("SIGTRAP"), "{message}");
}

#[test]
fn a_record_that_brings_its_worker_down_is_found_and_the_others_lose_nothing() {
    let Some(trial) = Trial::with("crash", 1, |draft| draft.with(ROOM), &handler(TELLS)) else { return };
    trial.feed(["a", "crash", "b", "c"].map(Record::of));
    assert_eq!(texts(&trial.out()), ["a on 1", "b on 1", "c on 1"]);
    assert_crashed_twice(&trial.dead());
    assert_eq!(crashes(&trial.node, &trial.function), 2.0);
}

#[test]
fn of_two_that_were_running_each_runs_alone_and_the_right_one_is_blamed() {
    let Some(scene) = Scene::new("suspects") else { return };
    let (crashing, busy, output) = (scene.topic("crashing", 1), scene.topic("busy", 1), scene.topic("out", 1));
    let offender = scene.function("offender").reads(&crashing).with(ROOM).handler(&handler(TELLS));
    let innocent = scene.function("innocent").reads(&busy).writes(&output).with(ROOM).handler(BUSY);
    let node = scene.start();
    node.runs(&offender);
    node.runs(&innocent);
    // Busy for longer than a crash takes, and no longer: what is cut short takes its time once more.
    scene.write(&busy, [Record::of("5000")]);
    node.eventually("the innocent one runs", |node| (!node.logged("began").is_empty()).then_some(()));
    scene.write(&crashing, [Record::of("crash")]);
    scene.caught_up(&offender);
    scene.caught_up(&innocent);
    assert_eq!(texts(&scene.read(&output)), ["attempt 1"]);
    assert_eq!(scene.read(&innocent.dead_letter), []);
    assert_crashed_twice(&scene.read(&offender.dead_letter));
    assert!(node.logged("began").len() >= 2, "it ran while the worker died, and again");
    assert_eq!((crashes(&node, &offender), crashes(&node, &innocent)), (2.0, 0.0));
    assert_eq!(of(&node, &innocent, "eddyline_function_retried_records_total"), 0.0);
    let suspects = node.lines().into_iter().filter(|line| line["blame"] == "suspect").count();
    assert_eq!(suspects, 2, "each of the two was suspect once");
}

#[test]
fn the_records_of_neighbours_run_again_in_order_without_an_attempt() {
    let Some(scene) = Scene::new("neighbours-of-a-crash") else { return };
    let (crashing, input, output) = (scene.topic("crashing", 1), scene.topic("in", 2), scene.topic("out", 2));
    let offender = scene.function("offender").reads(&crashing).with(ROOM).handler(&handler(TELLS));
    let slow = &busy(5, "ctx.emit(`${record.text()} on ${ctx.attempt}`, { partition: record.partition });");
    let neighbour = scene.function("neighbour").reads(&input).writes(&output).handler(slow);
    let node = scene.start();
    node.runs(&offender);
    node.runs(&neighbour);
    scene.write(&input, (0..600).map(|n| Record::of(n.to_string()).on(n % 2)));
    scene.read_when(&output, 20);
    scene.write(&crashing, [Record::of("crash")]);
    scene.caught_up(&offender);
    scene.caught_up(&neighbour);
    for partition in 0..2 {
        let all = scene.read(&output);
        let seen: Vec<&str> = all.iter().filter(|one| one.partition == Some(partition)).map(Record::text).collect();
        let expected: Vec<String> = (0..600).filter(|n| n % 2 == partition).map(|n| format!("{n} on 1")).collect();
        assert_eq!(seen, expected);
    }
    assert_eq!(scene.read(&neighbour.dead_letter), []);
    assert_eq!(crashes(&node, &neighbour), 0.0);
    assert_crashed_twice(&scene.read(&offender.dead_letter));
}

#[test]
fn among_promises_that_wait_side_by_side_the_right_one_is_blamed() {
    let code = handler(
        "
        export default async (record, ctx) => {
          await new Promise((done) => setTimeout(done, 20));
          if (record.text() === 'crash') crash();
          return `${record.text()} on ${ctx.attempt}`;
        };",
    );
    let Some(trial) = Trial::with("waiting-crash", 4, |draft| draft.with(ROOM), &code) else { return };
    let fine = (0..80).map(|n| Record::of(n.to_string()).on(n % 4));
    trial.feed(fine.chain([Record::of("crash").on(2)]).chain((80..120).map(|n| Record::of(n.to_string()).on(n % 4))));
    let out = trial.out();
    let mut values: Vec<&str> = out.iter().map(Record::text).collect();
    values.sort_unstable();
    let mut expected: Vec<String> = (0..120).map(|n| format!("{n} on 1")).collect();
    expected.sort_unstable();
    assert_eq!(values, expected);
    assert_crashed_twice(&trial.dead());
}

#[test]
fn in_a_batch_the_record_is_found_by_halving_which_is_one_offence() {
    let code = handler(
        "
        export default {
          batch(records, ctx) {
            if (records.some((record) => record.text() === 'crash')) crash();
            return records.map((record) => `${record.text()} on ${ctx.attempt}`);
          },
        };",
    );
    let more = format!("[batch]\nmax-records = 8\nmax-wait = \"1s\"\n{ROOM}");
    let Some(trial) = Trial::with("batch-crash", 1, |draft| draft.with(&more), &code) else { return };
    trial.feed(["a", "b", "c", "crash", "d", "e", "f", "g"].map(Record::of));
    assert_eq!(texts(&trial.out()), ["a", "b", "c", "d", "e", "f", "g"].map(|name| format!("{name} on 1")));
    assert_crashed_twice(&trial.dead());
    assert_eq!(crashes(&trial.node, &trial.function), 3.0, "the whole batch, and the record alone, twice");
}

#[test]
fn nobody_is_blamed_for_what_an_operator_kills() {
    let more = "[limits]\ncpu = \"20s\"\nwall = \"20s\"\n[retry]\nmax-attempts = 1";
    let Some(trial) = Trial::with("operator", 1, |draft| draft.with(more), BUSY) else { return };
    trial.scene.write(&trial.input, [Record::of("1000")]);
    for kills in 1..=3 {
        trial.kill_worker_when_begun(kills);
    }
    trial.scene.caught_up(&trial.function);
    assert_eq!(texts(&trial.out()), ["attempt 1"]);
    assert_eq!(crashes(&trial.node, &trial.function), 0.0);
    assert_eq!(trial.node.status(&trial.function).unwrap()["state"], "running");
}

#[test]
fn a_record_is_not_given_up_for_a_crash_before_it_has_brought_down_a_worker_alone() {
    let more = "[limits]\ncpu = \"20s\"\nwall = \"20s\"\n[retry]\nmax-attempts = 1";
    let Some(trial) = Trial::with("framed", 1, |draft| draft.with(more), BUSY) else { return };
    trial.scene.write(&trial.input, [Record::of("2000")]);
    trial.node.eventually("the handler has begun", |node| (!node.logged("began").is_empty()).then_some(()));
    // All that is known says that the record did this; and it did not.
    process::signal(trial.node.workers()[0], libc::SIGABRT);
    trial.scene.caught_up(&trial.function);
    assert_eq!(texts(&trial.out()), ["attempt 1"]);
    assert_eq!(trial.dead(), []);
    assert_eq!(crashes(&trial.node, &trial.function), 1.0);
}
