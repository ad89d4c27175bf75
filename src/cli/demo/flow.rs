//! How far each function has come with what there is for it to do.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    cli::{
        graph::{Function, Graph},
        traffic::Feed,
    },
    status::Counters,
    telemetry::{FunctionMetrics, Metrics},
};

/// The functions with their numbers, and how many records were written to the topics that are fed.
#[derive(Clone)]
pub(super) struct Flow {
    graph: Arc<Graph>,
    metrics: Arc<Metrics>,
    fed: Arc<BTreeMap<String, AtomicU64>>,
}

impl Flow {
    pub(super) fn new(graph: Graph, feeds: &[Feed], metrics: Arc<Metrics>) -> Self {
        let fed = feeds.iter().map(|feed| (feed.topic.clone(), AtomicU64::new(0))).collect();
        Flow { graph: Arc::new(graph), metrics, fed: Arc::new(fed) }
    }

    pub(super) fn functions(&self) -> &[Function] {
        &self.graph.functions
    }

    pub(super) fn numbers(&self, function: &Function) -> Arc<FunctionMetrics> {
        self.metrics.function(&function.name)
    }

    pub(super) fn counters(&self, function: &Function) -> Counters {
        self.numbers(function).counters()
    }

    /// Counts records that were written to a topic.
    pub(super) fn count_fed(&self, topic: &str, records: u64) {
        if let Some(fed) = self.fed.get(topic) {
            fed.fetch_add(records, Relaxed);
        }
    }

    pub(super) fn total_fed(&self) -> u64 {
        self.fed.values().map(|fed| fed.load(Relaxed)).sum()
    }

    /// Whether only one function writes to the topic, and nobody from outside.
    pub(super) fn is_written_by_one(&self, topic: &str) -> bool {
        let letters_too = self.graph.topic(topic).is_some_and(|topic| !topic.dead_letter_of.is_empty());
        let writers = self.functions().iter().filter(|function| function.writes.iter().any(|one| one == topic));
        !self.fed.contains_key(topic) && !letters_too && writers.count() == 1
    }

    /// Records that wait for a function, as far as that can be told without asking the broker.
    fn waiting_for(&self, function: &Function) -> u64 {
        let written: Option<u64> = function.reads.iter().map(|topic| self.written_to(topic)).sum();
        written.map_or(0, |written| written.saturating_sub(self.counters(function).records_in))
    }

    /// Records in a topic; not known where a function that writes it also writes others.
    fn written_to(&self, topic: &str) -> Option<u64> {
        let fed = self.fed.get(topic).map_or(0, |fed| fed.load(Relaxed));
        let writers = self.functions().iter().filter(|function| function.writes.iter().any(|one| one == topic));
        let mut written = fed;
        for writer in writers {
            if writer.writes.len() > 1 {
                return None;
            }
            written += self.counters(writer).records_out;
        }
        Some(written)
    }

    /// The largest number of records that wait for any function.
    pub(super) fn behind(&self) -> u64 {
        self.functions().iter().map(|function| self.waiting_for(function)).max().unwrap_or(0)
    }

    /// Whether, as far as can be told without asking the broker, everything was handled.
    pub(super) fn is_quiet(&self) -> bool {
        self.functions().iter().all(|function| {
            let counters = self.counters(function);
            self.waiting_for(function) == 0 && counters.records_in == settled(&counters)
        })
    }
}

/// Records that are done with.
pub(super) fn settled(counters: &Counters) -> u64 {
    counters.done + counters.filtered + counters.dead_lettered
}
