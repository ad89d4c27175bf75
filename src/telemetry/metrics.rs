//! The numbers of a node and of its functions, and their text for Prometheus.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use super::{
    definitions::{Definition, FUNCTION, NODE, Read},
    fetches::{FetchOutcome, Fetches},
    histogram::Histogram,
    instruments::{Counter, Gauge},
};
use crate::{outcome::Outcome, pool::GroupKind, status::Counters};

/// All metrics of a node.
pub struct Metrics {
    registry: Registry,
    numbers: Arc<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    node: NodeMetrics,
    functions: RwLock<BTreeMap<String, Arc<FunctionMetrics>>>,
}

#[derive(Debug, Default)]
pub struct NodeMetrics {
    pub functions: Gauge,
    workers_alive: [Gauge; GroupKind::ALL.len()],
    pub worker_restarts: Counter,
}

/// The numbers of one function; whoever holds it updates them without looking anything up.
#[derive(Debug, Default)]
pub struct FunctionMetrics {
    pub records_in: Counter,
    /// Acknowledged results; a record may have none or many.
    pub records_out: Counter,
    pub records_done: Counter,
    pub records_filtered: Counter,
    pub filter_undecodable: Counter,
    pub records_retried: Counter,
    pub records_dead_lettered: Counter,
    pub in_flight: Gauge,
    pub offsets_out_of_range: Counter,
    pub queue: Histogram,
    pub invocation: Histogram,
    pub settle: Histogram,
    pub commit: Histogram,
    pub transactions_committed: Counter,
    pub transactions_aborted: Counter,
    pub cold_start: Histogram,
    pub cpu_nanos: Counter,
    pub isolates: Gauge,
    pub heap_bytes: Gauge,
    pub external_bytes: Gauge,
    pub log_lines_dropped: Counter,
    pub(super) fetches: Fetches,
    /// Workers that its code has brought down.
    pub crashed_workers: Counter,
    /// 1 while it is.
    pub quarantined: Gauge,
    /// 1 while it is.
    pub paused: Gauge,
    /// 1 while it is.
    pub idle: Gauge,
    failed: [Counter; Outcome::ALL.len()],
    lag: Mutex<BTreeMap<String, Arc<Gauge>>>,
}

impl Metrics {
    pub fn new() -> Arc<Metrics> {
        let numbers = Arc::<Numbers>::default();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(&numbers)));
        Arc::new(Metrics { registry, numbers })
    }

    pub fn node(&self) -> &NodeMetrics {
        &self.numbers.node
    }

    /// The numbers of a function, made at the first call. A function that comes back gets those it left behind,
    /// unless it was removed in between.
    pub fn function(&self, name: &str) -> Arc<FunctionMetrics> {
        let mut functions = self.numbers.functions.write().unwrap_or_else(PoisonError::into_inner);
        match functions.get(name) {
            Some(function) => Arc::clone(function),
            None => Arc::clone(functions.entry(name.to_owned()).or_default()),
        }
    }

    /// The numbers of a function, if it has any.
    pub fn get(&self, name: &str) -> Option<Arc<FunctionMetrics>> {
        self.numbers.functions.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub fn remove_function(&self, name: &str) {
        self.numbers.functions.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// All metrics in the text format of OpenMetrics.
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }
}

impl NodeMetrics {
    /// Live workers of a kind of group.
    pub fn workers_alive(&self, kind: GroupKind) -> &Gauge {
        &self.workers_alive[kind as usize]
    }
}

impl FunctionMetrics {
    /// Counts a record that ended in `outcome`: done, filtered, or failed for good.
    pub fn settled(&self, outcome: Outcome, count: u64) {
        match outcome {
            Outcome::Done => self.records_done.add(count),
            Outcome::Filtered => self.records_filtered.add(count),
            failure => self.failed(failure).add(count),
        }
    }

    /// Records that failed for good with this outcome.
    pub fn failed(&self, outcome: Outcome) -> &Counter {
        &self.failed[outcome as usize]
    }

    /// Counts CPU time that the function's isolates spent.
    pub fn spent_cpu(&self, time: Duration) {
        self.cpu_nanos.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a fetch that has ended.
    pub fn fetched(&self, outcome: FetchOutcome, took: Duration) {
        self.fetches.count(outcome, took);
    }

    /// The lag of one source topic; keep the handle, looking it up takes a lock.
    pub fn lag(&self, topic: &str) -> Arc<Gauge> {
        let mut lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lag.entry(topic.to_owned()).or_default())
    }

    /// Forgets a topic that is no longer assigned here, so that no stale lag is shown.
    pub fn remove_lag(&self, topic: &str) {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner).remove(topic);
    }

    pub fn counters(&self) -> Counters {
        Counters {
            records_in: self.records_in.get(),
            records_out: self.records_out.get(),
            done: self.records_done.get(),
            filtered: self.records_filtered.get(),
            failed: self.failed.iter().map(Counter::get).sum(),
            retried: self.records_retried.get(),
            dead_lettered: self.records_dead_lettered.get(),
        }
    }

    fn failures(&self) -> impl Iterator<Item = (Outcome, u64)> {
        let counted = Outcome::ALL.into_iter().map(|outcome| (outcome, self.failed(outcome).get()));
        // What never happened is left out: a node may hold thousands of functions.
        counted.filter(|(_, count)| *count > 0)
    }

    fn lags(&self) -> Vec<(String, i64)> {
        let lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        lag.iter().map(|(topic, gauge)| (topic.clone(), gauge.get())).collect()
    }
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for definition in NODE {
            encode_node(describe(&mut encoder, definition)?, &definition.read, &self.node)?;
        }
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner).clone();
        for definition in FUNCTION {
            let mut metric = describe(&mut encoder, definition)?;
            for (name, function) in &functions {
                encode_function(&mut metric, name, &definition.read, function)?;
            }
        }
        Ok(())
    }
}

fn describe<'a, T>(
    encoder: &'a mut DescriptorEncoder<'_>,
    definition: &'a Definition<T>,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    let kind = match definition.read.kind() {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        _ => MetricType::Histogram,
    };
    encoder.encode_descriptor(definition.name, definition.help, None, kind)
}

fn encode_node(mut metric: MetricEncoder<'_>, read: &Read<NodeMetrics>, node: &NodeMetrics) -> fmt::Result {
    let Read::Groups = read else { return encode_numbers(metric, read, node) };
    for kind in GroupKind::ALL {
        let alive = ConstGauge::new(node.workers_alive(kind).get());
        alive.encode(metric.encode_family(&[("group", kind.label())])?)?;
    }
    Ok(())
}

fn encode_function(
    metric: &mut MetricEncoder<'_>,
    name: &str,
    read: &Read<FunctionMetrics>,
    function: &FunctionMetrics,
) -> fmt::Result {
    match read {
        Read::Failures => {
            for (outcome, count) in function.failures() {
                let labels = [("function", name), ("outcome", outcome.label())];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
            Ok(())
        }
        Read::Fetches => {
            for (outcome, count) in function.fetches.ended() {
                let labels = [("function", name), ("outcome", outcome.label())];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
            Ok(())
        }
        Read::Lag => {
            for (topic, lag) in function.lags() {
                let labels = [("function", name), ("topic", topic.as_str())];
                ConstGauge::new(lag).encode(metric.encode_family(&labels)?)?;
            }
            Ok(())
        }
        read => encode_numbers(metric.encode_family(&[("function", name)])?, read, function),
    }
}

fn encode_numbers<T>(mut metric: MetricEncoder<'_>, read: &Read<T>, numbers: &T) -> fmt::Result {
    match read {
        Read::Counter(get) => ConstCounter::new(get(numbers).get()).encode(metric),
        Read::Nanoseconds(get) => ConstCounter::new(get(numbers).get() as f64 / 1e9).encode(metric),
        Read::Gauge(get) => ConstGauge::new(get(numbers).get()).encode(metric),
        Read::Histogram(get) => {
            let shown = get(numbers).shown();
            if shown.count == 0 {
                return Ok(());
            }
            metric.encode_histogram::<NoLabelSet>(shown.seconds, shown.count, &shown.buckets, None)
        }
        Read::Failures | Read::Lag | Read::Fetches | Read::Groups => Ok(()),
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_prefix_area_and_a_known_unit_and_are_described() {
        const AREAS: [&str; 4] = ["node", "worker", "function", "fetch"];
        const UNITS: [&str; 10] = [
            "records",
            "seconds",
            "bytes",
            "isolates",
            "processes",
            "offsets",
            "functions",
            "lines",
            "requests",
            "transactions",
        ];
        let node = NODE.iter().map(|one| (one.name, one.help));
        let mut names = std::collections::BTreeSet::new();
        for (name, help) in node.chain(FUNCTION.iter().map(|one| (one.name, one.help))) {
            let parts: Vec<&str> = name.split('_').collect();
            assert!(parts.len() >= 3 && parts[0] == "eddyline", "{name}");
            assert!(AREAS.contains(&parts[1]), "{name}: area");
            let is_flag = help.starts_with("1 while ");
            assert!(is_flag || UNITS.contains(&parts[parts.len() - 1]), "{name}: unit");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(help.len() > 15 && !help.starts_with(char::is_lowercase) && !help.ends_with('.'), "{name}: {help}");
            assert!(names.insert(name), "{name} twice");
        }
    }

    #[test]
    fn every_number_of_a_function_shows_up_under_its_name() {
        let metrics = Metrics::new();
        let function = metrics.function("enrich");
        function.records_in.add(7);
        function.settled(Outcome::Done, 4);
        function.settled(Outcome::Filtered, 2);
        function.settled(Outcome::Rejected, 1);
        function.lag("orders").set(12);
        function.spent_cpu(Duration::from_millis(1500));
        function.fetched(FetchOutcome::Refused, Duration::from_millis(1));
        function.invocation.observe_many(Duration::from_micros(100), 3);
        function.paused.set(1);
        metrics.node().workers_alive(GroupKind::Shared).set(2);

        let text = metrics.render();
        for line in [
            "# TYPE eddyline_function_in_records counter",
            "eddyline_function_in_records_total{function=\"enrich\"} 7",
            "eddyline_function_done_records_total{function=\"enrich\"} 4",
            "eddyline_function_filtered_records_total{function=\"enrich\"} 2",
            "eddyline_function_failed_records_total{function=\"enrich\",outcome=\"rejected\"} 1",
            "eddyline_function_lag_records{function=\"enrich\",topic=\"orders\"} 12",
            "eddyline_function_cpu_seconds_total{function=\"enrich\"} 1.5",
            "eddyline_fetch_requests_total{function=\"enrich\",outcome=\"refused\"} 1",
            "eddyline_fetch_request_seconds_count{function=\"enrich\"} 1",
            "eddyline_function_invocation_seconds_count{function=\"enrich\"} 3",
            "eddyline_function_invocation_seconds_bucket{le=\"+Inf\",function=\"enrich\"} 3",
            "eddyline_function_paused{function=\"enrich\"} 1",
            "eddyline_worker_alive_processes{group=\"shared\"} 2",
            "eddyline_worker_alive_processes{group=\"quarantine\"} 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        let counters = function.counters();
        assert_eq!((counters.records_in, counters.done, counters.filtered, counters.failed), (7, 4, 2, 1));
    }

    #[test]
    fn a_removed_function_leaves_nothing_behind() {
        let metrics = Metrics::new();
        metrics.function("gone").records_in.add(1);
        metrics.remove_function("gone");
        assert!(!metrics.render().contains("gone"));
        assert_eq!(metrics.function("gone").records_in.get(), 0);
    }

    #[test]
    fn a_label_cannot_break_out_of_its_quotes() {
        let metrics = Metrics::new();
        metrics.function("f").lag("a\"} 1\nevil{x=\"").set(1);
        assert!(!metrics.render().lines().any(|line| line.starts_with("evil")));
    }
}
