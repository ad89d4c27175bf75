//! What order by key gains for handlers that wait, and costs for those that do not; printed and not judged, but that
//! many keys at once are faster than one after the other. Run with `--nocapture`.

use crate::support::{Record, Scene};

const KEYS: u32 = 10_000;

const WAITS: &str = "
    export default async () => {
      await new Promise((done) => setTimeout(done, 1));
      return Date.now();
    };";
const COMPUTES: &str = "export default () => Date.now();";

/// Records that the handler ends in a second.
fn rate(scene: &Scene, name: &str, order: &str, concurrency: u32, handler: &str, records: u32) -> f64 {
    let (input, output) = (scene.topic(&format!("{name}-in"), 1), scene.topic(&format!("{name}-out"), 1));
    let more = format!("[delivery]\norder = {order:?}\nconcurrency = {concurrency}");
    let function = scene.function(name).reads(&input).writes(&output).with(&more).handler(handler);
    scene.write(&input, (0..records).map(|n| Record::new(format!("key {}", n % KEYS), n.to_string())));
    let node = scene.start();
    scene.caught_up(&function);
    node.stop();
    function.remove();
    let ends: Vec<i64> = scene.read(&output).iter().map(|record| record.text().parse().expect("a time")).collect();
    assert_eq!(ends.len(), records as usize);
    let (first, last) = (ends.iter().min().expect("records"), ends.iter().max().expect("records"));
    f64::from(records) * 1000.0 / (last - first).max(1) as f64
}

#[test]
fn what_order_by_key_gains_is_printed() {
    let Some(scene) = Scene::new("gain") else { return };
    let [one, many] = [("partition", 1), ("key", 16)].map(|(order, concurrency)| {
        let rate = rate(&scene, &format!("by-{order}"), order, concurrency, WAITS, KEYS);
        println!("a timer of 1 ms, order by {order}, {concurrency:2} at once: {rate:8.0} records/s");
        rate
    });
    println!("{:.1} times as many", many / one);
    assert!(many > one, "{many} against {one} records in a second");
}

#[test]
fn what_order_by_key_costs_is_printed() {
    let Some(scene) = Scene::new("cost") else { return };
    for round in 1..=3 {
        let [one, keyed] = ["partition", "key"].map(|order| {
            let rate = rate(&scene, &format!("by-{order}-{round}"), order, 1, COMPUTES, 10 * KEYS);
            println!("no wait, order by {order}: {rate:8.0} records/s");
            rate
        });
        println!("keys cost {:.0} ns for each record", 1e9 / keyed - 1e9 / one);
    }
}
