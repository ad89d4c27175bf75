//! What many functions cost that have nothing to do: time to start, memory, threads, and CPU time of the node and of its
//! broker while nothing happens. It judges nothing but that all of them are there:
//! `EDDYLINE_KAFKA_JAVA="-Xmx1g" scripts/kafka run -- cargo test --test it -- --ignored --nocapture sleep_cost`.
//! `EDDYLINE_TEST_FUNCTIONS` is their number, 100 unless it says otherwise.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::own_broker::OwnBroker;
use crate::support::process::{cpu, memory};
use crate::support::{Record, Scene, reading};

/// For so long nothing happens.
const QUIET: Duration = Duration::from_secs(20);
const WAKES: usize = 5;

#[test]
#[ignore = "prints figures, and takes minutes with thousands of functions"]
fn many_functions_with_nothing_to_do() {
    let count: usize = std::env::var("EDDYLINE_TEST_FUNCTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let Some(broker) = OwnBroker::start(&[]) else { return };
    // As brokers have it unless they are told otherwise.
    broker.reconfigure("group.initial.rebalance.delay.ms=3000\n");
    let scene = Scene::at("sleep-cost", &broker.address);
    let output = scene.topic("out", 1);
    let names: Vec<String> = (0..count).map(|n| scene.name(&format!("f{n:05}"))).collect();
    for some in names.chunks(200) {
        scene.topics.create_unseen(some);
    }
    for (n, name) in names.iter().enumerate() {
        let folder = scene.functions().join(name);
        fs::create_dir(&folder).unwrap();
        let manifest = format!(
            "[source]\ntopics = [{name:?}]\nstart = \"latest\"\n[sink]\ntopic = {output:?}\n\
             [dead-letter]\nenabled = false\n"
        );
        fs::write(folder.join("function.toml"), manifest).unwrap();
        let code =
            format!("const number: number = {n};\nexport default (record) => `${{record.text()}} ${{number}}`;\n");
        fs::write(folder.join("index.ts"), code).unwrap();
    }

    let settings = [("functions.sleep-after", "10s")];
    let first = Instant::now();
    let node = scene.start_with(&settings);
    let idle = || node.api("/node").and_then(|report| report["functions"]["idle"].as_u64()).unwrap_or(0) as usize;
    while idle() < count {
        assert!(first.elapsed() < Duration::from_secs(600), "{} of {count}", idle());
        std::thread::sleep(Duration::from_millis(100));
    }
    eprintln!("{count} functions: new ones idle after {:.1} s", first.elapsed().as_secs_f64());
    node.stop();

    let begun = Instant::now();
    let node = scene.start_with(&settings);
    let idle = || node.api("/node").and_then(|report| report["functions"]["idle"].as_u64()).unwrap_or(0) as usize;
    while idle() < count {
        assert!(begun.elapsed() < Duration::from_secs(600), "{} of {count}", idle());
        std::thread::sleep(Duration::from_millis(100));
    }
    let start = begun.elapsed();
    let megabytes = |pid| memory(pid, "VmRSS").unwrap_or(0) / 1_000_000;
    let threads = || fs::read_dir(format!("/proc/{}/task", node.pid())).unwrap().count();
    eprintln!(
        "{count} functions: after another start idle after {:.1} s, {} MB, {} threads",
        start.as_secs_f64(),
        megabytes(node.pid()),
        threads()
    );

    let tried_out = || {
        let functions = node.api("/functions").unwrap_or_default();
        functions["functions"]
            .as_array()
            .or(functions.as_array())
            .is_some_and(|all| all.iter().all(|one| !one["handler"].is_null()))
    };
    while !tried_out() {
        assert!(begun.elapsed() < Duration::from_secs(1200), "not all are tried out");
        std::thread::sleep(Duration::from_millis(500));
    }
    eprintln!("all of them tried out after {:.1} s, {} MB", begun.elapsed().as_secs_f64(), megabytes(node.pid()));

    let pids = [node.pid(), broker.pid().unwrap()];
    let before = pids.map(cpu);
    std::thread::sleep(QUIET);
    let [own, brokers] = [0, 1].map(|which| (cpu(pids[which]) - before[which]).as_secs_f64() / QUIET.as_secs_f64());
    eprintln!(
        "nothing happens: node {:.1} % of a core, broker {:.1} %; node {} MB, {} threads",
        own * 100.0,
        brokers * 100.0,
        megabytes(node.pid()),
        threads()
    );

    for (n, name) in names.iter().enumerate().step_by(count.div_ceil(WAKES)) {
        let before = reading::ends(&broker.address, &output)[0];
        let written = Instant::now();
        scene.write(name, [Record::of("x")]);
        while reading::ends(&broker.address, &output)[0] == before {
            assert!(written.elapsed() < Duration::from_secs(60), "function {n} does not wake");
        }
        eprintln!("function {n}: from a record to its result {:.0} ms", written.elapsed().as_secs_f64() * 1000.0);
    }
}
