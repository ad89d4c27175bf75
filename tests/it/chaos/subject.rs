//! The functions that are put to the test, and what is read back of them.

use std::time::Duration;

use serde_json::Value;

use super::checker::{Guarantee, Order, Seen, Written, check};
use super::report::Outcome;
use crate::support::reading::read_even_aborted;
use crate::support::wait::{eventually, patience};
use crate::support::{Function, Record, Scene};

/// What both handlers do with a record, as its mood asks.
const MOODS: &str = r#"
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    async function run(record, ctx) {
      const began = Date.now();
      const { n, mood } = record.json();
      if (mood === "slow") await pause(60);
      if (mood === "flaky" && ctx.attempt === 1) throw new Error("not at the first time");
      if (mood === "bad") throw new Error("never");
      if (mood === "endless") for (;;);
      return { n, key: record.key, partition: record.partition, offset: record.offset, by: ctx.env.NODE, began, ran: Date.now() };
    }"#;

const BY_RECORD: &str = r#"
    export default async (record, ctx) => {
      if (record.json().mood === "unwanted") ctx.reject("not wanted");
      return await run(record, ctx);
    };"#;

/// Some verdicts are on one record, as those of the handler above; other records fail the whole batch.
const BY_BATCH: &str = r#"
    const put_off = new Set();
    function verdict(record) {
      const { n, mood } = record.json();
      const place = `${record.partition}/${record.offset}`;
      if (mood === "unwanted") record.reject("not wanted");
      else if (mood === "flaky" && n % 2 === 0 && !put_off.has(place)) record.retry({ delay: 30 });
      else return false;
      put_off.add(place);
      return true;
    }
    export default {
      async batch(records, ctx) {
        const results = [];
        for (const record of records) results.push(verdict(record) ? undefined : await run(record, ctx));
        return results;
      },
    };"#;

/// A function with topics of its own.
pub struct Subject {
    pub function: Function,
    short: &'static str,
    input: String,
    output: String,
    guarantee: Guarantee,
    order: Order,
}

fn delivery(guarantee: Guarantee, order: Order) -> String {
    // In a transaction, the records of a partition go one after the other.
    let side_by_side = order != Order::Partition && guarantee == Guarantee::AtLeastOnce;
    let (guarantee, order, concurrency) = (guarantee.name(), order.name(), if side_by_side { 8 } else { 1 });
    let delivery = format!("guarantee = \"{guarantee}\"\norder = \"{order}\"\nconcurrency = {concurrency}");
    let retry = "[retry]\nmax-attempts = 2\nbackoff = { initial = \"20ms\", max = \"100ms\" }";
    format!("[delivery]\n{delivery}\n{retry}")
}

impl Subject {
    /// Takes its records one by one.
    pub fn by_record(scene: &Scene, input: &str, guarantee: Guarantee, order: Order) -> Subject {
        Subject::new(scene, "by-record", input, guarantee, order, "", BY_RECORD)
    }

    /// Takes its records in batches.
    pub fn by_batch(scene: &Scene, input: &str, guarantee: Guarantee, order: Order) -> Subject {
        let more = "[batch]\nmax-records = 20\nmax-wait = \"50ms\"";
        Subject::new(scene, "by-batch", input, guarantee, order, more, BY_BATCH)
    }

    fn new(
        scene: &Scene,
        short: &'static str,
        input: &str,
        guarantee: Guarantee,
        order: Order,
        more: &str,
        handler: &str,
    ) -> Subject {
        let partitions = crate::support::reading::partitions(&scene.brokers, input).expect("the input");
        let output = scene.topic(&format!("{short}-out"), partitions);
        let sections = [&delivery(guarantee, order), more, "[secrets]\nNODE = { env = \"EDDYLINE__NODE__ID\" }"];
        let draft = scene.function(short).reads(input).writes(&output).with(&sections.join("\n"));
        let function = draft.handler(&format!("{MOODS}\n{handler}"));
        Subject { function, short, input: input.to_owned(), output, guarantee, order }
    }

    fn results(&self, scene: &Scene) -> Vec<Seen> {
        scene.read(&self.output).iter().map(|record| Ran::of(record).seen).collect()
    }

    /// All invocations that have come to a result, also those whose transaction was aborted.
    pub fn runs(&self, scene: &Scene) -> Vec<Ran> {
        read_even_aborted(&scene.brokers, &self.output).iter().map(Ran::of).collect()
    }

    /// Judges everything that Kafka holds. What is missing is waited for: the last transactions of nodes that were
    /// killed end only when their time is over, and until then nothing behind them is read.
    #[track_caller]
    pub fn judge(&self, scene: &Scene, count: u64) -> Outcome {
        let begun = std::time::Instant::now();
        loop {
            let source = scene.read(&self.input);
            let written: Vec<Written> = source.iter().map(written).collect();
            let results = self.results(scene);
            let dead: Vec<Seen> = scene.read(&self.function.dead_letter).iter().map(dead_letter).collect();
            let findings = check(self.guarantee, self.order, count, &written, &results, &dead);
            let waits = self.guarantee == Guarantee::ExactlyOnce && begun.elapsed() < patience();
            if findings.lost.is_empty() || !waits {
                let (records, results, dead_letters) = (written.len(), results.len(), dead.len());
                let undone = self.even_aborted(scene) - results - dead_letters;
                return Outcome { function: self.short.to_owned(), records, results, dead_letters, undone, findings };
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// How many results and dead letters there are with those of transactions that were aborted.
    fn even_aborted(&self, scene: &Scene) -> usize {
        let topics = [&self.output, &self.function.dead_letter].into_iter();
        topics.map(|topic| read_even_aborted(&scene.brokers, topic).len()).sum()
    }

    /// Waits until there are so many results.
    #[track_caller]
    pub fn has_results(&self, scene: &Scene, count: i64) {
        eventually(&format!("{} has {count} results", self.function.name), || {
            let ends = crate::support::reading::ends(&scene.brokers, &self.output);
            (ends.iter().sum::<i64>() >= count).then_some(())
        });
    }

    /// Offsets that are committed, and results and dead letters that there are.
    pub fn progress(&self, scene: &Scene) -> (i64, i64) {
        use crate::support::reading::{committed, ends};
        let positions = committed(&scene.brokers, &self.function.group, &self.input);
        let done = [&self.output, &self.function.dead_letter].map(|topic| ends(&scene.brokers, topic));
        (positions.into_iter().flatten().sum(), done.iter().flatten().sum())
    }
}

/// A result, with who made it and when.
#[derive(Debug, Clone)]
pub struct Ran {
    pub seen: Seen,
    pub by: String,
    /// When its handler began and returned, in milliseconds since 1970.
    pub began: i64,
    pub ran: i64,
}

fn text(bytes: Option<&Vec<u8>>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(-1)
}

fn written(record: &Record) -> Written {
    Written {
        n: record.json()["n"].as_u64().expect("a number"),
        key: text(record.key.as_ref()),
        partition: record.partition.expect("it was read"),
        offset: record.offset,
    }
}

impl Ran {
    /// Where the key that the handler saw is not the one of the result, the checker finds it.
    fn of(record: &Record) -> Ran {
        let value = record.json();
        let key = text(record.key.as_ref());
        let told = value["key"].as_str().map(str::to_owned);
        let of = Written {
            n: value["n"].as_u64().unwrap_or(u64::MAX),
            key: if told == key { key } else { Some(format!("{told:?} as {key:?}")) },
            partition: number(&value["partition"]) as i32,
            offset: number(&value["offset"]),
        };
        Ran {
            seen: Seen { of, partition: record.partition.expect("it was read"), offset: record.offset },
            by: value["by"].as_str().unwrap_or_default().to_owned(),
            began: number(&value["began"]),
            ran: number(&value["ran"]),
        }
    }
}

fn dead_letter(record: &Record) -> Seen {
    let header = |name: &str| record.header_text(name)?.parse::<i64>().ok();
    let of = Written {
        n: record.json()["n"].as_u64().unwrap_or(u64::MAX),
        key: text(record.key.as_ref()),
        partition: header("eddyline.error.partition").unwrap_or(-1) as i32,
        offset: header("eddyline.error.offset").unwrap_or(-1),
    };
    Seen { of, partition: record.partition.expect("it was read"), offset: record.offset }
}
