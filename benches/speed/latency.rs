//! How long a record takes from one producer to one consumer, through a system or straight, at a steady pace.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use crate::broker::client;
use crate::orders;
use crate::process::Programs;
use crate::run::Task;
use crate::systems::{Start, last_words};

/// How long records flow before they are looked at.
const WARMING: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(15);
/// Different ones, made beforehand: the sender shares its cores with what is measured.
const ORDERS: u64 = 10_000;
/// Records go out in small lots, as from many senders together.
const TICK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latency {
    pub load: &'static str,
    pub system: &'static str,
    pub round: usize,
    /// Of what the system works off where all records are there already.
    pub share: f64,
    pub records_per_second: f64,
    pub through: Percentiles,
    /// The same pace from the same producer straight to the same consumer.
    pub straight: Percentiles,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Percentiles {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
}

/// First straight, then through the system; at a share of its speed.
pub fn measure(task: &Task<'_>, speed: f64, share: f64) -> Result<Latency> {
    let rate = speed * share;
    let mut contract = task.contract();
    contract.input = format!("latency-in-{}", contract.group);
    contract.output = format!("latency-out-{}", contract.group);
    contract.group = format!("latency-{}", contract.group);
    let (input, output) = (contract.input.clone(), contract.output.clone());
    task.broker.create(&[input.clone(), output.clone()], contract.partitions)?;
    let straight = Flow::new(task, &output, &output, rate)?.run()?;
    // A topic of its own again: what went straight is not to be seen.
    task.broker.delete(std::slice::from_ref(&output))?;
    let output = format!("{output}-2");
    contract.output.clone_from(&output);
    task.broker.create(std::slice::from_ref(&output), contract.partitions)?;
    task.places.clear()?;
    let (places, system, load) = (task.places, task.system, task.load);
    let inputs = std::slice::from_ref(&input);
    let mut programs = Programs::start(Start { places, system, load, contract: &contract, inputs }.commands()?)?;
    let through = Flow::new(task, &input, &output, rate)?.run().with_context(|| last_words(&places.scratch));
    programs.stop(PATIENCE);
    task.broker.delete(&[input, output])?;
    let through = through?;
    Ok(Latency { load: load.name, system, round: task.round, share, records_per_second: rate, through, straight })
}

struct Flow {
    producer: ThreadedProducer<DefaultProducerContext>,
    consumer: BaseConsumer,
    topic: String,
    /// Orders from behind their number on.
    orders: Vec<String>,
    rate: f64,
    begun: Instant,
    /// When each record was due, in microseconds since `begun`.
    due: Vec<AtomicU64>,
    /// Whether a result has come, so that the system is known to run.
    flowing: AtomicBool,
    /// How many records were sent, once no more are.
    total: AtomicU64,
}

impl Flow {
    fn new(task: &Task<'_>, input: &str, output: &str, rate: f64) -> Result<Flow> {
        let address = &task.broker.address;
        let producer = client(address).set("linger.ms", "0").set("compression.type", "lz4").create()?;
        let consumer: BaseConsumer =
            client(address).set("group.id", "harness").set("enable.auto.commit", "false").create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..task.load.partitions {
            list.add_partition_offset(output, partition, Offset::Beginning)?;
        }
        consumer.assign(&list)?;
        // As many as can be sent before and while it is measured, at most.
        let most = (rate * (WARMING + MEASURED).as_secs_f64()) as usize + 10 * PATIENCE.as_secs() as usize + 1000;
        Ok(Flow {
            producer,
            consumer,
            topic: input.to_owned(),
            orders: (0..ORDERS).map(|id| behind_number(id, task.load.bytes)).collect(),
            rate,
            begun: Instant::now(),
            due: (0..most).map(|_| AtomicU64::new(0)).collect(),
            flowing: AtomicBool::new(false),
            total: AtomicU64::new(u64::MAX),
        })
    }

    fn run(self) -> Result<Percentiles> {
        thread::scope(|scope| {
            let receiving = scope.spawn(|| self.receive());
            let sent = self.send();
            // Also after a failure, so that the other thread ends.
            self.total.store(*sent.as_ref().unwrap_or(&0), Ordering::Release);
            let received = receiving.join().expect("receiving does not panic");
            sent.and(received)
        })
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }

    fn send(&self) -> Result<u64> {
        let mut id = 0;
        // A few at first, until one has come through.
        while !self.flowing.load(Ordering::Acquire) {
            ensure!(self.begun.elapsed() < PATIENCE, "nothing came through within {PATIENCE:?}");
            self.send_one(id, self.now())?;
            id += 1;
            thread::sleep(Duration::from_millis(100));
        }
        let (start, first) = (Instant::now(), id);
        let offset = self.now();
        while start.elapsed() < WARMING + MEASURED {
            let until = first + (start.elapsed().as_secs_f64() * self.rate) as u64;
            while id < until {
                // Not when it is sent: a producer that is kept from its core would hide what waits for it.
                self.send_one(id, offset + ((id - first) as f64 / self.rate * 1e6) as u64)?;
                id += 1;
            }
            thread::sleep(TICK);
        }
        self.producer.flush(PATIENCE)?;
        Ok(id)
    }

    fn send_one(&self, id: u64, due: u64) -> Result<()> {
        let mut key = String::new();
        orders::key(id, &mut key);
        let value = format!("{{\"id\":{id}{}", self.orders[(id % ORDERS) as usize]);
        self.due[id as usize].store(due, Ordering::Release);
        let sent = self.producer.send(BaseRecord::to(&self.topic).key(&key).payload(&value));
        sent.map_err(|(error, _)| error.into())
    }

    /// Until all have come, or none comes any more.
    fn receive(&self) -> Result<Percentiles> {
        let (mut last, mut seen, mut latencies) = (Instant::now(), 0, Vec::new());
        let mut from = None;
        while seen < self.total.load(Ordering::Acquire) {
            let total = self.total.load(Ordering::Acquire);
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(record) => {
                    let record = record?;
                    let now = self.now();
                    let id = orders::number(std::str::from_utf8(record.payload().unwrap_or_default())?, "id");
                    let due = self.due.get(id as usize).map_or(now, |due| due.load(Ordering::Acquire));
                    seen += 1;
                    last = Instant::now();
                    self.flowing.store(true, Ordering::Release);
                    let from = *from.get_or_insert_with(|| now + WARMING.as_micros() as u64);
                    if due > from {
                        latencies.push(now.saturating_sub(due));
                    }
                }
                None if total != u64::MAX && last.elapsed() > WARMING => break,
                None => {}
            }
        }
        let total = self.total.load(Ordering::Acquire);
        ensure!(seen >= total, "{} of {total} records did not come through", total - seen);
        ensure!(!latencies.is_empty(), "no record came through while it was measured");
        latencies.sort_unstable();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
        Ok(Percentiles { p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999) })
    }
}

fn behind_number(id: u64, bytes: usize) -> String {
    let mut order = String::new();
    orders::order(id, bytes, &mut order);
    order.split_once(',').map(|(_, rest)| format!(",{rest}")).unwrap_or_default()
}
