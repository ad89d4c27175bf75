//! Partitions move from node to node: what is in flight, what comes too late, and when nothing has to move.

use std::sync::{Arc, Condvar, Mutex};

use crate::support::process::signal;
use crate::support::reading::committed;
use crate::support::record::{of_partition, texts};
use crate::support::server::{Server, reply};
use crate::support::{Function, Node, Record, Scene, eventually};

/// Waits a little for each record, and writes it to the partition that it came from.
const SLOW: &str = "
    export default async (record, ctx) => {
      await new Promise((done) => setTimeout(done, 3));
      ctx.emit(record, { partition: record.partition });
    };";

fn numbered(count: u32, partitions: i32) -> impl Iterator<Item = Record> {
    (0..count).map(move |n| Record::new(format!("k{}", n % 7), n.to_string()).on(n as i32 % partitions))
}

/// Waits until the node owns so many partitions of the function.
#[track_caller]
fn owns(node: &Node, function: &Function, count: usize) {
    node.eventually(&format!("it owns {count} partitions"), |node| {
        let status = node.status(function)?;
        (status["assignment"].as_array()?.len() == count).then_some(())
    });
}

/// How often partitions have come to the node or gone.
fn moves(node: &Node) -> usize {
    node.logged("partitions assigned").len() + node.logged("partitions given up").len()
}

/// A server that answers nobody until it is told to.
fn gate() -> (Server, impl Fn()) {
    let state = Arc::new((Mutex::new(false), Condvar::new()));
    let waits = Arc::clone(&state);
    let server = Server::start(move |_, stream| {
        let (open, opened) = &*waits;
        let guard = opened.wait_while(open.lock().expect("no panic"), |open| !*open).expect("no panic");
        drop(guard);
        reply(stream, 200, &[], b"go on")
    });
    let open = move || {
        *state.0.lock().expect("no panic") = true;
        state.1.notify_all();
    };
    (server, open)
}

#[test]
fn what_is_in_flight_for_too_long_is_dropped_and_its_late_result_is_nobodys() {
    let Some(scene) = Scene::new("late") else { return };
    let (input, output) = (scene.topic("in", 2), scene.topic("out", 2));
    let (server, open) = gate();
    let more = format!(
        "[secrets]\nWHO = {{ env = \"WHO\" }}\n[limits]\nwall = \"1m\"\n[permissions]\nprivate-net = [{:?}]",
        server.at()
    );
    let handler = "
        export default async (record, ctx) => {
          if (ctx.env.WHO === 'first' && record.text() === 'x') await fetch('http://GATE/');
          ctx.emit(`${record.text()} by ${ctx.env.WHO}`, { partition: record.partition });
        };"
    .replace("GATE", &server.at());
    let function = scene.function("it").reads(&input).writes(&output).with(&more).handler(&handler);
    let start = |who: &str| {
        let id = scene.name(who);
        Node::start_in(&scene.folder(), &scene.settings(&[("node.id", &id)]), &[("WHO", who)])
    };
    let first = start("first");
    owns(&first, &function, 2);
    scene.write(&input, (0..2).map(|partition| Record::of("x").on(partition)));
    eventually("both are in flight", || (server.seen().len() == 2).then_some(()));
    let second = start("second");
    // The first node waits for what is in flight as long as it may, and no longer.
    owns(&second, &function, 1);
    let taken = scene.read_when(&output, 1);
    assert_eq!(texts(&taken), ["x by second"]);
    open();
    scene.caught_up(&function);
    scene.write(&input, (0..2).map(|partition| Record::of("y").on(partition)));
    scene.caught_up(&function);
    let moved = taken[0].partition.expect("a partition");
    let out = scene.read(&output);
    assert_eq!(texts(&of_partition(&out, moved)), ["x by second", "y by second"]);
    assert_eq!(texts(&of_partition(&out, 1 - moved)), ["x by first", "y by first"]);
    assert_eq!(committed(&scene.brokers, &function.group, &input), [Some(2), Some(2)]);
}

#[test]
fn by_key_partitions_that_move_lose_nothing_double_nothing_and_keep_the_order_of_each_key() {
    let Some(scene) = Scene::new("moving-keys") else { return };
    let (input, output) = (scene.topic("in", 4), scene.topic("out", 4));
    let more = "[delivery]\norder = \"key\"\nconcurrency = 4";
    let function = scene.function("it").reads(&input).writes(&output).with(more).handler(SLOW);
    let first = scene.start();
    first.runs(&function);
    scene.write(&input, numbered(4000, 4));
    scene.read_when(&output, 200);
    let second = scene.start_with(&[("node.id", &scene.name("second"))]);
    owns(&second, &function, 2);
    owns(&first, &function, 2);
    first.stop();
    owns(&second, &function, 4);
    scene.caught_up(&function);
    let by_key = |topic: &str| {
        let mut records: Vec<_> =
            scene.read(topic).into_iter().map(|record| (record.partition, record.key, record.value)).collect();
        // Stable, so that the order of each key stays.
        records.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        records
    };
    assert!(by_key(&output) == by_key(&input), "each record once, in the order of its key");
}

#[test]
fn nothing_is_committed_for_partitions_that_are_no_longer_ours() {
    let Some(scene) = Scene::new("zombie") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).handler(SLOW);
    let soon = ("kafka.properties.session.timeout.ms", "6000");
    let first = scene.start_with(&[soon]);
    scene.write(&input, numbered(3000, 1));
    scene.read_when(&output, 100);
    signal(first.pid(), libc::SIGSTOP);
    let second = scene.start_with(&[soon, ("node.id", &scene.name("second"))]);
    scene.caught_up(&function);
    second.runs(&function);
    // What comes next is committed by its owner alone, and never taken back.
    signal(first.pid(), libc::SIGCONT);
    let mut least = 3000;
    first.eventually("it knows that it was away", |node| {
        let stands = committed(&scene.brokers, &function.group, &input)[0].expect("an offset");
        assert!(stands >= least, "the group went back from {least} to {stands}");
        least = stands;
        scene.write(&input, [Record::of("later").on(0)]);
        let lost = node.logged("partitions given up");
        lost.iter().any(|line| line["lost"] == true).then_some(())
    });
    scene.caught_up(&function);
    assert!(committed(&scene.brokers, &function.group, &input)[0] >= Some(least));
    // What it had in flight when it was stopped may be there twice, and nothing else.
    let out = scene.read(&output);
    let mut numbers: Vec<u32> = out.iter().filter_map(|record| record.text().parse().ok()).collect();
    let results = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..3000).collect::<Vec<_>>());
    assert!(results < 6000, "{results}");
}

#[test]
fn a_static_member_that_restarts_gets_its_partitions_back_and_no_other_node_notices() {
    let Some(scene) = Scene::new("static") else { return };
    let (input, output) = (scene.topic("in", 4), scene.topic("out", 4));
    let function = scene.function("it").reads(&input).writes(&output).handler(SLOW);
    let start = |name: &str| {
        let id = scene.name(name);
        scene.start_with(&[("node.id", &id), ("kafka.properties.group.instance.id", &id)])
    };
    let (first, second) = (start("first"), start("second"));
    owns(&first, &function, 2);
    owns(&second, &function, 2);
    scene.write(&input, numbered(400, 4));
    scene.caught_up(&function);
    let before = (assignment(&first, &function), moves(&second));
    first.stop();
    scene.write(&input, numbered(400, 4));
    let first = start("first");
    owns(&first, &function, 2);
    scene.caught_up(&function);
    assert_eq!((assignment(&first, &function), moves(&second)), before);
    assert_eq!(scene.read(&output).len(), 800);
}

/// The partitions that the node owns.
fn assignment(node: &Node, function: &Function) -> Vec<u64> {
    let status = node.status(function).expect("a status");
    let all = status["assignment"].as_array().expect("an assignment").iter();
    all.map(|one| one["partition"].as_u64().expect("a number")).collect()
}

#[test]
fn a_handler_that_runs_longer_than_max_poll_interval_stays_in_the_group() {
    let Some(scene) = Scene::new("long") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let handler = "
        export default async (record) => {
          const until = performance.now() + 9000;
          while (performance.now() < until) await new Promise((done) => setTimeout(done, until - performance.now()));
          return record;
        };";
    let more = "[limits]\nwall = \"30s\"";
    let function = scene.function("it").reads(&input).writes(&output).with(more).handler(handler);
    let six = "6000";
    let node = scene
        .start_with(&[("kafka.properties.session.timeout.ms", six), ("kafka.properties.max.poll.interval.ms", six)]);
    node.runs(&function);
    let before = moves(&node);
    scene.write(&input, [Record::of("x")]);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["x"]);
    assert_eq!(moves(&node), before, "it was never without its partition");
}
