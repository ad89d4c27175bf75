//! Large backlogs and strange values: memory stays bounded, and nothing crashes.

use crate::support::record::{keys, texts};
use crate::support::{Record, Scene, Trial, process};

const COPY: &str = "export default (record) => record;";
const MIB: usize = 1 << 20;

fn noise(length: usize) -> Vec<u8> {
    std::iter::repeat_with(|| fastrand::u8(..)).take(length).collect()
}

/// By how much a node's memory grows while a function works on the first `done` of many times 16 MiB that do not compress,
/// in so many partitions. It manages five records a second of each.
fn growth(scene: &Scene, settings: &[(&str, &str)], partitions: usize, times: usize, done: f64) -> Grown {
    let handler = "
        export default async (record) => {
          const until = Date.now() + 200;
          while (Date.now() < until) await Promise.resolve();
        };";
    let (input, idle_input) = (scene.topic("in", partitions as i32), scene.topic("idle-in", 1));
    let limits = "[limits]\ncpu = \"5s\"";
    let idle = scene.function("idle").reads(&idle_input).with(limits).handler(handler);
    let node = scene.start_with(settings);
    node.runs(&idle);
    scene.write(&idle_input, [Record::of("x")]);
    scene.caught_up(&idle);
    let peak = || process::memory(node.pid(), "VmHWM").expect("a live node");
    let before = peak();

    let noise = noise(MIB);
    for _ in 0..times {
        let part = |n: usize| &noise[(n * 7919) % (MIB - (64 << 10))..][..64 << 10];
        scene.write(&input, (0..256).map(|n| Record::of(part(n)).on((n % partitions) as i32)));
    }
    let slow = scene.function("slow").reads(&input).with(limits).handler(handler);
    node.runs(&slow);
    node.eventually("some records are through", |node| {
        let through = node.metric("eddyline_function_filtered_records_total", &[("function", &slow.name)])?;
        (through >= done).then_some(())
    });
    let in_flight = node.metric("eddyline_function_in_flight_records", &[("function", &slow.name)]);
    Grown { bytes: peak().saturating_sub(before) as usize, in_flight }
}

struct Grown {
    bytes: usize,
    in_flight: Option<f64>,
}

#[test]
fn memory_does_not_grow_with_the_backlog_of_a_slow_function() {
    let Some(scene) = Scene::new("backlog") else { return };
    // 400 MiB, of which the function manages one or two in this test's time.
    let Grown { bytes, in_flight } = growth(&scene, &[], 4, 25, 20.0);
    assert!(bytes < 200 * MIB, "a backlog of 400 MiB made the node grow by {} MiB", bytes / MIB);
    assert!(in_flight.is_some_and(|count| count <= 4.0 * 1000.0), "{in_flight:?}");
}

#[test]
fn what_the_records_of_many_partitions_take_is_bounded_for_all_of_them_together() {
    let Some(scene) = Scene::new("budget") else { return };
    // 256 MiB, 4 MiB for each partition: what each of them alone might hold.
    let Grown { bytes, .. } = growth(&scene, &[("source.memory", "32MiB")], 64, 16, 50.0);
    assert!(bytes < 128 * MIB, "a budget of 32 MiB let the node grow by {} MiB", bytes / MIB);
}

#[test]
fn a_record_of_20_mb_passes() {
    let Some(scene) = Scene::new("huge") else { return };
    let large = [("max.message.bytes", "30000000")];
    let (input, output) = (scene.topic_with("in", 1, &large), scene.topic_with("out", 1, &large));
    let more = "[limits]\nheap = \"256MiB\"\nexternal = \"256MiB\"\noutput = \"64MiB\"\ncpu = \"10s\"\nwall = \"30s\"";
    let function = scene.function("it").reads(&input).writes(&output).with(more).handler(
        "export default (record, ctx) => {
           if (record.key === 'parsed') return { length: record.json().text.length };
           if (record.key === 'copied') { ctx.emit(record.bytes()); return; }
           return record;
         };",
    );
    let value = noise(20_000_000);
    let json = format!("{{\"text\":{:?}}}", "x".repeat(20_000_000));
    let records = [
        Record::new("small", "before"),
        Record::new("unchanged", &value),
        Record::new("copied", &value),
        Record::new("parsed", &json),
        Record::new("small", "behind"),
    ];
    for record in records {
        scene.write(&input, [record]);
    }
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    let out = scene.read(&output);
    assert_eq!(keys(&out), ["small", "unchanged", "copied", "parsed", "small"]);
    assert!(out[1].value.as_deref() == Some(&value[..]), "20 MB come through unchanged");
    assert!(out[2].value.as_deref() == Some(&value[..]), "and as bytes that the handler emits");
    assert_eq!(out[3].text(), r#"{"length":20000000}"#);
    assert_eq!(scene.read(&function.dead_letter), []);
}

#[test]
fn values_that_a_default_function_cannot_hold_are_dead_letters_and_do_not_stop_the_rest() {
    let handler = "
        export default (record) => {
          if (record.key === 'grow') {
            const hoard: unknown[] = [];
            while (true) hoard.push(new Array(10_000).fill(hoard.length));
          }
          if (record.key === 'recurse') {
            const recurse = (depth: number): number => recurse(depth + 1) + 1;
            return recurse(0);
          }
          return record.key === 'deep' ? typeof record.json() : record;
        };";
    let more = "[limits]\ncpu = \"10s\"\nwall = \"30s\"\n[retry]\nmax-attempts = 1";
    let Some(trial) = Trial::with("hostile", 1, |draft| draft.with(more), handler) else { return };
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    trial.feed([
        Record::new("a", "first"),
        Record::new("deep", &deep),
        Record::new("b", "second"),
        Record::new("grow", "x"),
        Record::new("recurse", "x"),
        Record::new("c", "third"),
        Record::new("", ""),
        Record::default(),
        Record::new("d", "last"),
    ]);
    let out = trial.out();
    let passed: Vec<Option<&[u8]>> = out.iter().map(|record| record.key.as_deref()).collect();
    let dead = trial.dead();
    let died = keys(&dead);
    let wanted: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];
    assert!(wanted.iter().all(|key| passed.contains(&Some(*key))), "{passed:?}");
    assert!(passed.contains(&Some(b"")) && passed.contains(&None), "{passed:?}");
    // Whether a parser copes with 200,000 levels is its own matter; that nothing else suffers is ours.
    assert!(died.contains(&"deep") != passed.contains(&Some(b"deep")), "deep ended in exactly one place");
    assert!(died.contains(&"grow") && died.contains(&"recurse"), "{died:?}");
    let grow = dead.iter().find(|letter| letter.key_text() == "grow").expect("its letter");
    assert!(["E2103", "E2104"].contains(&grow.error_code()), "{}", grow.error_code());
}

#[test]
fn what_an_invocation_logs_or_leaves_open_beyond_its_limits_makes_a_dead_letter_at_once() {
    let handler = "
        export default (record) => {
          if (record.key === 'log') for (;;) console.log('x'.repeat(100));
          if (record.key === 'timers') for (;;) setTimeout(() => {}, 1e6);
          return record;
        };";
    let more = "[limits]\ncpu = \"10s\"\nlog = \"4KiB\"\ntimers = 10";
    let Some(trial) = Trial::with("pending", 1, |draft| draft.with(more), handler) else { return };
    trial.feed([
        Record::new("a", "first"),
        Record::new("log", "x"),
        Record::new("timers", "x"),
        Record::new("b", "last"),
    ]);
    assert_eq!(keys(&trial.out()), ["a", "b"]);
    let dead = trial.dead();
    assert_eq!(keys(&dead), ["log", "timers"]);
    assert_eq!((dead[0].error_code(), dead[1].error_code()), ("E2106", "E2105"));
    for letter in &dead {
        assert_eq!(letter.header_text("eddyline.error.attempts"), Some("1"));
    }
}

#[test]
fn a_result_that_is_too_large_for_its_topic_is_a_dead_letter_and_its_neighbours_are_written() {
    let Some(scene) = Scene::new("too-large") else { return };
    let input = scene.topic_with("in", 1, &[("max.message.bytes", "2000000")]);
    let output = scene.topic_with("out", 1, &[("max.message.bytes", "100000")]);
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    let value = noise(200_000);
    let mut records: Vec<Record> = (0..20).map(|n| Record::new(format!("small-{n}"), "x")).collect();
    records.insert(10, Record::new("large", &value));
    scene.write(&input, records);
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    assert_eq!(scene.read(&output).len(), 20);
    let dead = scene.read(&function.dead_letter);
    assert_eq!(keys(&dead), ["large"]);
    assert_eq!(dead[0].error_code(), "E2202");
    assert_eq!(dead[0].value.as_deref(), Some(&value[..]));
    let message = dead[0].header_text("eddyline.error.message").expect("a message");
    assert!(message.contains("100000") && message.contains(&output), "{message}");
}

#[test]
fn a_limit_that_was_lowered_later_costs_no_neighbour_its_place() {
    let Some(scene) = Scene::new("lowered") else { return };
    let input = scene.topic("in", 1);
    let output = scene.topic("out", 1);
    let function = scene.function("it").reads(&input).writes(&output).handler(COPY);
    scene.write(&input, [Record::new("learn", "the limit")]);
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    scene.topics.configure(&output, "max.message.bytes", "50000");
    let mut records: Vec<Record> = (0..40).map(|n| Record::new(format!("small-{n}"), noise(2_000))).collect();
    records.insert(20, Record::new("large", noise(200_000)));
    scene.write(&input, records);
    scene.caught_up(&function);
    let out = scene.read(&output);
    let mut expected: Vec<String> = (0..40).map(|n| format!("small-{n}")).collect();
    expected.insert(0, "learn".to_owned());
    let mut written = keys(&out);
    written.sort_unstable();
    expected.sort_unstable();
    assert_eq!(written, expected);
    let dead = scene.read(&function.dead_letter);
    assert_eq!(keys(&dead), ["large"]);
    assert_eq!(dead[0].error_code(), "E2202");
    let message = dead[0].header_text("eddyline.error.message").expect("a message");
    assert!(message.contains("50000"), "it names the limit of today: {message}");
}

#[test]
fn what_a_topic_does_not_take_for_its_key_or_time_costs_no_neighbour_its_place() {
    let Some(scene) = Scene::new("not-taken") else { return };
    let input = scene.topic("in", 1);
    let output = scene.topic_with("out", 1, &[("cleanup.policy", "compact"), ("min.compaction.lag.ms", "86400000")]);
    let handler = "
        export default (record, ctx) => {
          if (record.text() === 'ahead') ctx.emit('x', { timestamp: Date.now() + 1e9 });
          else return record;
        };";
    let function = scene.function("it").reads(&input).writes(&output).handler(handler);
    let special = |n: u32| match n {
        700 => Record::of("without a key"),
        1400 => Record::new("k", "ahead"),
        n => Record::new("k", n.to_string()),
    };
    scene.write(&input, (0..2000).map(special));
    let node = scene.start();
    node.runs(&function);
    scene.caught_up(&function);
    let expected: Vec<String> = (0..2000).filter(|n| ![700, 1400].contains(n)).map(|n| n.to_string()).collect();
    assert_eq!(texts(&scene.read(&output)), expected);
    let dead = scene.read(&function.dead_letter);
    assert_eq!(texts(&dead), ["without a key", "ahead"]);
    for (letter, reason) in dead.iter().zip(["compacted", "message.timestamp.after.max.ms"]) {
        assert_eq!(letter.error_code(), "E2001");
        let message = letter.header_text("eddyline.error.message").expect("a message");
        assert!(message.contains(reason) && message.contains(&output), "{message}");
    }
}
