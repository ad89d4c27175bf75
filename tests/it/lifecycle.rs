//! Starting, stopping and starting again.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::thread;

use crate::support::busy::KEEPS_PARTITION;
use crate::support::record::texts;
use crate::support::{Record, Scene, Trial, busy, eventually};

const COPY: &str = "export default (record) => record;";

fn numbered(range: std::ops::Range<u32>, partitions: u32) -> impl Iterator<Item = Record> {
    range.map(move |n| Record::new(format!("k{n}"), n.to_string()).on((n % partitions) as i32))
}

#[test]
fn clean_restarts_under_load_lose_nothing_double_nothing_and_keep_the_order() {
    let Some(scene) = Scene::new("restarts") else { return };
    let (input, output) = (scene.topic("in", 3), scene.topic("out", 3));
    let keeps_partition = &busy(2, KEEPS_PARTITION);
    let function = scene.function("it").reads(&input).writes(&output).handler(keeps_partition);
    scene.write(&input, numbered(0..1500, 3));
    for restart in 1..=3 {
        let node = scene.start();
        let enough = restart * 300;
        node.eventually("some records are through", |_| {
            let ends: i64 = crate::support::reading::ends(&scene.brokers, &output).iter().sum();
            (ends >= enough).then_some(())
        });
        node.stop();
    }
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    let values = |topic: &str| -> Vec<_> {
        scene.read(topic).into_iter().map(|record| (record.partition, record.value)).collect()
    };
    assert_eq!(values(&output), values(&input));
}

#[test]
fn sigterm_finishes_what_is_in_flight_commits_and_ends_with_success() {
    let handler = "
        export default async (record) => {
          console.log('began');
          const until = Date.now() + 1500;
          while (Date.now() < until) await Promise.resolve();
          return record;
        };";
    let more = "[limits]\ncpu = \"10s\"";
    let Some(trial) = Trial::with("drain", 1, |draft| draft.with(more), handler) else { return };
    trial.scene.write(&trial.input, [Record::of("in flight")]);
    trial.node.eventually("the handler has begun", |node| (!node.logged("began").is_empty()).then_some(()));
    let Trial { scene, node, function, input, output } = trial;
    node.stop();
    assert_eq!(texts(&scene.read(&output)), ["in flight"]);
    assert_eq!(crate::support::reading::committed(&scene.brokers, &function.group, &input), [Some(1)]);
}

#[test]
fn a_second_signal_ends_the_node_at_once() {
    let handler = "export default () => { console.log('began'); return new Promise(() => {}); };";
    let more = "[limits]\nwall = \"50s\"";
    let Some(trial) = Trial::with("second-signal", 1, |draft| draft.with(more), handler) else { return };
    trial.scene.write(&trial.input, [Record::of("x")]);
    let mut node = trial.node;
    node.eventually("the handler has begun", |node| (!node.logged("began").is_empty()).then_some(()));
    let workers = node.workers();
    node.signal(libc::SIGTERM);
    node.eventually("it drains", |node| {
        let (status, body) = node.get("/health/ready")?;
        (status == 503 && body.contains("shutting down")).then_some(())
    });
    node.signal(libc::SIGTERM);
    let status = node.ends();
    assert_eq!((status.code(), status.signal()), (Some(143), None), "128 and the signal's number");
    eventually("its workers are gone", || {
        workers.iter().all(|pid| crate::support::process::arguments(*pid).is_empty()).then_some(())
    });
    let committed = crate::support::reading::committed(&trial.scene.brokers, &trial.function.group, &trial.input);
    assert!(matches!(committed[0], None | Some(0)), "the record in flight was not committed: {committed:?}");
}

#[test]
fn a_killed_node_loses_nothing() {
    let Some(scene) = Scene::new("killed") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).handler(&busy(5, "return record;"));
    scene.write(&input, numbered(0..600, 1));
    // The broker must not wait for the dead member longer than the test does.
    let soon = [("kafka.properties.session.timeout.ms", "6000")];
    let node = scene.start_with(&soon);
    scene.read_when(&output, 100);
    drop(node);
    let node = scene.start_with(&soon);
    node.runs(&function);
    scene.caught_up(&function);
    let out = scene.read(&output);
    let mut seen: Vec<u32> = texts(&out).iter().map(|text| text.parse().expect("a number")).collect();
    let first_run = (0..).zip(&seen).take_while(|(n, value)| n == *value).count();
    let second_run = &seen[first_run..];
    assert!(second_run.windows(2).all(|pair| pair[1] == pair[0] + 1), "each run is in order: {second_run:?}");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..600).collect::<Vec<_>>());
}

/// Forwards connections to the broker from a port of its own.
fn forward(listener: TcpListener, brokers: String) {
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(&brokers) else { continue };
            let (mut from, mut to) = (client.try_clone().expect("a clone"), server.try_clone().expect("a clone"));
            thread::spawn(move || io::copy(&mut from, &mut to));
            let (mut from, mut to) = (server, client);
            thread::spawn(move || io::copy(&mut from, &mut to));
        }
    });
}

#[test]
fn a_node_without_a_broker_lives_is_not_ready_and_connects_when_there_is_one() {
    let Some(scene) = Scene::new("no-broker") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    scene.write(&input, [Record::of("x")]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let node = scene.start_with(&[("kafka.brokers", &address.to_string())]);
    node.eventually("it says which broker it cannot reach", |node| {
        let (status, body) = node.get("/health/ready")?;
        (status == 503 && body.contains(&address.to_string())).then_some(())
    });
    assert_eq!(node.get("/health/live").expect("an answer").0, 200);
    let complaints = node.lines().iter().filter(|line| line["level"] == "ERROR" || line["level"] == "WARN").count();
    assert!((1..=5).contains(&complaints), "it says so once, then at growing intervals: {complaints} times");
    forward(TcpListener::bind(address).expect("the same port"), scene.brokers.clone());
    node.runs(&function);
    scene.caught_up(&function);
    node.eventually("it is ready", |node| node.is_ready().then_some(()));
    assert_eq!(texts(&scene.read(&output)), ["x"]);
}

#[test]
fn nodes_that_join_and_leave_share_the_partitions_and_lose_and_double_nothing() {
    let Some(scene) = Scene::new("cluster") else { return };
    let (input, output) = (scene.topic("in", 4), scene.topic("out", 4));
    let keeps_partition = &busy(2, KEEPS_PARTITION);
    let function = scene.function("it").reads(&input).writes(&output).handler(keeps_partition);
    let first = scene.start();
    first.runs(&function);
    scene.write(&input, numbered(0..2000, 4));
    scene.read_when(&output, 200);
    let second = scene.start_with(&[("node.id", &scene.name("second"))]);
    let owns = |node: &crate::support::Node, count: usize| {
        node.eventually(&format!("it owns {count} partitions"), |node| {
            let status = node.status(&function)?;
            (status["assignment"].as_array()?.len() == count).then_some(())
        });
    };
    owns(&second, 2);
    owns(&first, 2);
    first.stop();
    owns(&second, 4);
    scene.caught_up(&function);
    let values = |topic: &str| -> Vec<_> {
        scene.read(topic).into_iter().map(|record| (record.partition, record.value)).collect()
    };
    assert!(values(&output) == values(&input), "each record once, in the order of its partition");
    second.stop();
}

#[test]
fn a_record_that_waits_for_its_retry_holds_up_no_shutdown_and_runs_again_after_it() {
    let handler = "
        export default (record) => {
          console.log('ran');
          if (record.text() === 'later') throw new Error('not now');
          return record;
        };";
    let more = "[retry]\nmax-attempts = 9\nbackoff = { initial = \"1h\", max = \"1h\" }";
    let Some(trial) = Trial::with("waiting", 1, |draft| draft.with(more), handler) else { return };
    trial.scene.write(&trial.input, ["first", "later", "behind"].map(Record::of));
    trial.node.eventually("it waits", |node| {
        node.status(&trial.function).filter(|status| status["last_error"]["offset"] == 1)
    });
    let Trial { scene, node, function, input, output } = trial;
    let begun = std::time::Instant::now();
    node.stop();
    assert!(begun.elapsed().as_secs() < 20, "it did not wait for the deadline: {:?}", begun.elapsed());
    assert_eq!(crate::support::reading::committed(&scene.brokers, &function.group, &input), [Some(1)]);
    function.edit("export default (record) => record;");
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(texts(&scene.read(&output)), ["first", "later", "behind"]);
}
