//! What has come out: how many so far, and, once all are there, whether it is what had to come out.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::broker::client;
use crate::loads::{Load, Order};
use crate::orders;

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Reading {
    consumer: BaseConsumer,
    topic: String,
    partitions: i32,
}

/// What was read, from the first record to the last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Verdict {
    pub read: u64,
    pub missing: u64,
    pub doubled: u64,
    /// Not what this load makes of its record, or with another key.
    pub wrong: u64,
    /// Behind a later record of its customer.
    pub disordered: u64,
}

impl Verdict {
    /// At least once, records may come twice, which is counted.
    pub fn is_right(&self, exactly_once: bool, keeps_order: bool) -> bool {
        self.missing == 0
            && self.wrong == 0
            && (self.doubled == 0 || !exactly_once)
            && (self.disordered == 0 || !keeps_order)
    }
}

impl Reading {
    pub fn new(address: &str, topic: &str, partitions: i32) -> Result<Reading> {
        let consumer = client(address)
            .set("group.id", "harness")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()?;
        Ok(Reading { consumer, topic: topic.to_owned(), partitions })
    }

    /// How many records have been appended, those of open transactions and ends of transactions included.
    pub fn appended(&self) -> Result<u64> {
        let mut sum = 0;
        for partition in 0..self.partitions {
            sum += self.high(partition)?;
        }
        Ok(sum)
    }

    /// A new topic is not known at once to all of the broker.
    fn high(&self, partition: i32) -> Result<u64> {
        let begun = Instant::now();
        loop {
            match self.consumer.fetch_watermarks(&self.topic, partition, PATIENCE) {
                Ok((_, high)) => return Ok(high as u64),
                Err(error) if begun.elapsed() > PATIENCE => bail!("{}/{partition}: {error}", self.topic),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Reads all of it.
    pub fn judge(&self, load: &Load, records: u64) -> Result<Verdict> {
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions {
            list.add_partition_offset(&self.topic, partition, Offset::Beginning)?;
        }
        self.consumer.assign(&list)?;
        let mut judge = Judge::new(load, records);
        let mut open = self.partitions;
        while open > 0 {
            match self.consumer.poll(PATIENCE) {
                Some(Ok(record)) => {
                    judge.take(
                        record.partition(),
                        record.key().unwrap_or_default(),
                        record.payload().unwrap_or_default(),
                    );
                }
                Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
                Some(Err(error)) => bail!("reading {} back: {error}", self.topic),
                None => bail!("reading {} back came to a halt", self.topic),
            }
        }
        Ok(judge.verdict())
    }
}

struct Judge<'a> {
    load: &'a Load,
    /// A bit for each part of each record.
    seen: Vec<u8>,
    /// The last order of each customer, and the partition that it was in.
    last: Vec<Option<(i32, u64)>>,
    verdict: Verdict,
    key: String,
    order: String,
    expected: String,
}

impl<'a> Judge<'a> {
    fn new(load: &'a Load, records: u64) -> Judge<'a> {
        Judge {
            load,
            seen: vec![0; records as usize],
            last: vec![None; orders::KEYS as usize],
            verdict: Verdict::default(),
            key: String::new(),
            order: String::new(),
            expected: String::new(),
        }
    }

    fn take(&mut self, partition: i32, key: &[u8], value: &[u8]) {
        self.verdict.read += 1;
        let text = std::str::from_utf8(value).unwrap_or_default();
        let (id, part) = (orders::number(text, "id"), orders::number(text, "part"));
        if id >= self.seen.len() as u64
            || part >= orders::results(self.load.work, id)
            || !self.is_right(id, part, key, text)
        {
            self.verdict.wrong += 1;
            return;
        }
        let (seen, bit) = (&mut self.seen[id as usize], 1 << part);
        if *seen & bit != 0 {
            self.verdict.doubled += 1;
            // It runs again from an earlier record, so what follows may be earlier too.
            self.last.fill(None);
        }
        *seen |= bit;
        let last = &mut self.last[orders::customer(id) as usize];
        if self.load.order != Order::None && last.is_some_and(|(there, last)| there != partition || last > id) {
            self.verdict.disordered += 1;
        }
        *last = Some((partition, id));
    }

    fn is_right(&mut self, id: u64, part: u64, key: &[u8], text: &str) -> bool {
        orders::key(id, &mut self.key);
        orders::order(id, self.load.bytes, &mut self.order);
        orders::result(self.load.work, &self.order, part, &mut self.expected);
        let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
        // Some write the fields in another order.
        self.key.as_bytes() == key && (self.expected == text || parsed(&self.expected) == parsed(text))
    }

    fn verdict(mut self) -> Verdict {
        for (id, seen) in self.seen.iter().enumerate() {
            let wanted = orders::results(self.load.work, id as u64);
            self.verdict.missing += wanted - u64::from(seen.count_ones());
        }
        self.verdict
    }
}
