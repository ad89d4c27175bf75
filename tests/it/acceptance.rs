//! The main job at once: real data, written by Kafka's own client, through a pipeline whose node is restarted and whose
//! worker is killed meanwhile. Every record has its results or its dead letter, in order, and untouched bytes stay so.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;

use serde_json::Value;

use crate::partitioning::write_with_kafkas_own_producer;
use crate::support::broker::skip;
use crate::support::folder::repository;
use crate::support::reading::ends;
use crate::support::record::of_partition;
use crate::support::{Function, Record, Scene, process};

const PARTITIONS: i32 = 4;

/// `EDDYLINE_TEST_RECORDS` asks for more than CI has time for.
fn wanted() -> usize {
    env::var("EDDYLINE_TEST_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

/// Real earthquakes, over and over, with a key of their own each; some are cut short, as on a broken line.
fn lines(count: usize) -> String {
    let quakes = fs::read_to_string(repository().join("data/quakes.ndjson")).expect("the data");
    let mut text = String::new();
    for (n, quake) in quakes.lines().cycle().take(count).enumerate() {
        let cut = if n % 997 == 13 { &quake[..quake.len() / 2] } else { quake };
        text.push_str(&format!("quake-{n}\t{cut}\n"));
    }
    text
}

struct Pipeline {
    scene: Scene,
    raw: String,
    enriched: String,
    all: String,
    blasts: String,
    enrich: Function,
    route: Function,
}

impl Pipeline {
    fn new() -> Option<Pipeline> {
        let scene = Scene::new("acceptance")?;
        let [raw, enriched, all, blasts] =
            ["raw", "enriched", "all", "blasts"].map(|short| scene.topic(short, PARTITIONS));
        let enrich = scene.function("enrich").reads(&raw).writes(&enriched).handler(
            "interface Quake { properties: { mag: number | null; type: string }; [more: string]: unknown }
             export default function (record: Eddyline.Record) {
               const quake = record.json<Quake>()!;
               const magnitude = quake.properties.mag ?? 0;
               return { ...quake, energy: 10 ** (4.8 + 1.5 * magnitude), strong: magnitude >= 4.5 };
             }",
        );
        let route = scene.function("route").reads(&enriched).writes(&all).also(&blasts).handler(&format!(
            "export default function (record: Eddyline.Record, ctx: Eddyline.Context) {{
               const quake = record.json();
               if (quake.properties.type === 'earthquake') return record;
               ctx.emit(record, {{ topic: '{blasts}', headers: {{ kind: quake.properties.type }} }});
             }}"
        ));
        Some(Pipeline { scene, raw, enriched, all, blasts, enrich, route })
    }

    fn written(&self, topic: &str) -> usize {
        ends(&self.scene.brokers, topic).iter().sum::<i64>() as usize
    }

    /// Three clean restarts and one murder, each while records flow.
    fn run_with_interruptions(&self, records: usize) {
        let more = [("workers.count", "2")];
        for interruption in 1..=4 {
            let node = self.scene.start_with(&more);
            let enough = records * interruption / 6;
            node.eventually("records flow", |_| (self.written(&self.enriched) >= enough).then_some(()));
            if interruption == 2 {
                let victim = node.workers()[0];
                process::signal(victim, libc::SIGKILL);
                node.eventually("it is replaced", |node| {
                    let workers = node.workers();
                    (workers.len() == 2 && !workers.contains(&victim)).then_some(())
                });
            }
            if interruption < 4 {
                node.stop();
                continue;
            }
            self.scene.caught_up(&self.enrich);
            self.scene.caught_up(&self.route);
            node.stop();
        }
    }
}

fn keys_of(records: &[Record]) -> Vec<&str> {
    records.iter().map(Record::key_text).collect()
}

#[test]
fn two_hundred_thousand_records_of_real_data_survive_restarts_and_a_killed_worker() {
    let Some(pipeline) = Pipeline::new() else { return };
    let count = wanted();
    if !write_with_kafkas_own_producer(&pipeline.scene.brokers, &pipeline.raw, &lines(count)) {
        return skip("acceptance", "Kafka's own producer does not run here");
    }
    assert_eq!(pipeline.written(&pipeline.raw), count);
    pipeline.run_with_interruptions(count);

    let Pipeline { scene, raw, enriched, all, blasts, enrich, route } = &pipeline;
    let [raw, enriched, all, blasts] = [raw, enriched, all, blasts].map(|topic| scene.read(topic));
    let dead = scene.read(&enrich.dead_letter);
    assert_eq!(scene.read(&route.dead_letter), [], "nothing is wrong with what enrich has made");

    let undecodable: BTreeMap<&str, &Record> = dead.iter().map(|letter| (letter.key_text(), letter)).collect();
    assert_eq!(undecodable.len(), dead.len(), "each has one letter");
    for partition in 0..PARTITIONS {
        let (raw, enriched) = (of_partition(&raw, partition), of_partition(&enriched, partition));
        let (good, bad): (Vec<Record>, Vec<Record>) =
            raw.into_iter().partition(|record| serde_json::from_str::<Value>(record.text()).is_ok());
        assert!(keys_of(&enriched) == keys_of(&good), "partition {partition}: each record once, in order");
        for (record, result) in good.iter().zip(&enriched) {
            assert_enriched(record, result);
        }
        for record in &bad {
            let letter = undecodable.get(record.key_text()).expect("a letter");
            assert_eq!((letter.error_code(), &letter.value), ("E2003", &record.value));
        }
        assert_routed(&enriched, &of_partition(&all, partition), &of_partition(&blasts, partition));
    }
    assert_eq!(enriched.len() + dead.len(), count);
    assert!(count < 2000 || (!dead.is_empty() && !blasts.is_empty()), "every way was taken");
}

/// What enrich did not touch is as it was: key, headers, timestamp, and all that was in the value.
fn assert_enriched(record: &Record, result: &Record) {
    let (before, mut after) = (record.json(), result.json());
    let object = after.as_object_mut().expect("an object");
    let added: BTreeSet<&str> = ["energy", "strong"].into();
    assert!(added.iter().all(|key| object.remove(*key).is_some()));
    assert!(after == before, "{} has changed", record.key_text());
    assert_eq!((&record.headers, record.timestamp), (&result.headers, result.timestamp));
}

/// What route has passed on is the same bytes, in the same order, each in its topic.
fn assert_routed(enriched: &[Record], all: &[Record], blasts: &[Record]) {
    let is_quake = |record: &&Record| record.json()["properties"]["type"] == "earthquake";
    let (quakes, others): (Vec<&Record>, Vec<&Record>) = enriched.iter().partition(is_quake);
    assert!(all.iter().map(Record::bytes).eq(quakes.iter().map(|record| record.bytes())), "quakes are untouched");
    assert_eq!(keys_of(blasts), others.iter().map(|record| record.key_text()).collect::<Vec<_>>());
    for (blast, other) in blasts.iter().zip(others) {
        assert_eq!((&blast.value, blast.timestamp), (&other.value, other.timestamp));
        assert_eq!(blast.header_text("kind"), other.json()["properties"]["type"].as_str());
    }
}
