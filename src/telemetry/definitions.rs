//! Every metric by name: what it means, and where its number is read.
//!
//! Names are `eddyline_<area>_<what>_<unit>`; counters get `_total` behind it when they are written.

use super::{
    histogram::Histogram,
    instruments::{Counter, Gauge},
    metrics::{FunctionMetrics, NodeMetrics},
};

pub(super) struct Definition<T: 'static> {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) read: Read<T>,
}

/// Where the numbers of a metric are read, which also says of what type it is.
pub(super) enum Read<T: 'static> {
    Counter(fn(&T) -> &Counter),
    /// Kept in nanoseconds, shown in seconds.
    Nanoseconds(fn(&T) -> &Counter),
    Gauge(fn(&T) -> &Gauge),
    Histogram(fn(&T) -> &Histogram),
    /// A counter for each outcome that a failed record can have.
    Failures,
    /// A gauge for each source topic.
    Lag,
    /// A counter for each outcome that a fetch can have.
    Fetches,
    /// A gauge for each kind of worker group.
    Groups,
}

use Read::{Failures, Fetches, Groups, Lag, Nanoseconds};

pub(super) const FUNCTION: &[Definition<FunctionMetrics>] = &[
    Definition {
        name: "eddyline_function_in_records",
        help: "Records taken from the function's source topics",
        read: Read::Counter(|function| &function.records_in),
    },
    Definition {
        name: "eddyline_function_out_records",
        help: "Results that Kafka has acknowledged, dead letters not counted",
        read: Read::Counter(|function| &function.records_out),
    },
    Definition {
        name: "eddyline_function_done_records",
        help: "Records whose handler gave at least one result, all of them acknowledged",
        read: Read::Counter(|function| &function.records_done),
    },
    Definition {
        name: "eddyline_function_filtered_records",
        help: "Records that matched no filter, or whose handler returned nothing",
        read: Read::Counter(|function| &function.records_filtered),
    },
    Definition {
        name: "eddyline_function_filter_undecodable_records",
        help: "Those of the filtered records that a filter had to look into and that are no JSON",
        read: Read::Counter(|function| &function.filter_undecodable),
    },
    Definition {
        name: "eddyline_function_failed_records",
        help: "Records that failed for good, by outcome",
        read: Failures,
    },
    Definition {
        name: "eddyline_function_retried_records",
        help: "Runs of records that had failed before",
        read: Read::Counter(|function| &function.records_retried),
    },
    Definition {
        name: "eddyline_function_dead_lettered_records",
        help: "Failed records whose dead letter Kafka has acknowledged",
        read: Read::Counter(|function| &function.records_dead_lettered),
    },
    Definition {
        name: "eddyline_function_in_flight_records",
        help: "Records taken from Kafka and not yet settled",
        read: Read::Gauge(|function| &function.in_flight),
    },
    Definition {
        name: "eddyline_function_lag_records",
        help: "Records in the assigned partitions of a source topic behind the committed offset",
        read: Lag,
    },
    Definition {
        name: "eddyline_function_out_of_range_offsets",
        help: "Positions that the broker no longer had, so that reading resumed at the earliest record",
        read: Read::Counter(|function| &function.offsets_out_of_range),
    },
    Definition {
        name: "eddyline_function_queue_seconds",
        help: "From taking a record from Kafka until the isolate enters it for the first time",
        read: Read::Histogram(|function| &function.queue),
    },
    Definition {
        name: "eddyline_function_invocation_seconds",
        help: "Wall time of one call of the handler",
        read: Read::Histogram(|function| &function.invocation),
    },
    Definition {
        name: "eddyline_function_settle_seconds",
        help: "From taking a record from Kafka until its results or its dead letter are acknowledged",
        read: Read::Histogram(|function| &function.settle),
    },
    Definition {
        name: "eddyline_function_commit_seconds",
        help: "Time that a commit of offsets, or of a transaction, took",
        read: Read::Histogram(|function| &function.commit),
    },
    Definition {
        name: "eddyline_function_committed_transactions",
        help: "Transactions that were committed; only with exactly-once",
        read: Read::Counter(|function| &function.transactions_committed),
    },
    Definition {
        name: "eddyline_function_aborted_transactions",
        help: "Transactions that were given up, so that their records ran again; only with exactly-once",
        read: Read::Counter(|function| &function.transactions_aborted),
    },
    Definition {
        name: "eddyline_function_cold_start_seconds",
        help: "From asking for an isolate until it can take records",
        read: Read::Histogram(|function| &function.cold_start),
    },
    Definition {
        name: "eddyline_function_cpu_seconds",
        help: "CPU time of the function's isolates",
        read: Nanoseconds(|function| &function.cpu_nanos),
    },
    Definition {
        name: "eddyline_function_active_isolates",
        help: "Isolates that hold a version of the function",
        read: Read::Gauge(|function| &function.isolates),
    },
    Definition {
        name: "eddyline_function_heap_bytes",
        help: "JavaScript heap of the function's isolates",
        read: Read::Gauge(|function| &function.heap_bytes),
    },
    Definition {
        name: "eddyline_function_external_bytes",
        help: "Memory outside of the heap held by the function's isolates: buffers, WebAssembly",
        read: Read::Gauge(|function| &function.external_bytes),
    },
    Definition {
        name: "eddyline_function_dropped_log_lines",
        help: "Lines of the handler's console that were dropped because there were too many",
        read: Read::Counter(|function| &function.log_lines_dropped),
    },
    Definition {
        name: "eddyline_function_crashed_processes",
        help: "Worker processes that the function's code has brought down",
        read: Read::Counter(|function| &function.crashed_workers),
    },
    Definition {
        name: "eddyline_function_quarantined",
        help: "1 while the function has a worker of its own because it kept bringing workers down, or was too often beside one that did",
        read: Read::Gauge(|function| &function.quarantined),
    },
    Definition {
        name: "eddyline_function_paused",
        help: "1 while the function is paused, by itself or by hand",
        read: Read::Gauge(|function| &function.paused),
    },
    Definition {
        name: "eddyline_function_idle",
        help: "1 while the function is idle: it has read all that its sources hold, and holds nothing until more comes",
        read: Read::Gauge(|function| &function.idle),
    },
    Definition {
        name: "eddyline_fetch_requests",
        help: "Fetches of the function's handler that have ended, by what became of them",
        read: Fetches,
    },
    Definition {
        name: "eddyline_fetch_request_seconds",
        help: "From the call of a fetch until the last byte of its response, or until it failed",
        read: Read::Histogram(|function| &function.fetches.took),
    },
];

pub(super) const NODE: &[Definition<NodeMetrics>] = &[
    Definition {
        name: "eddyline_node_running_functions",
        help: "Functions that this node runs",
        read: Read::Gauge(|node| &node.functions),
    },
    Definition {
        name: "eddyline_worker_alive_processes",
        help: "Worker processes that answer, by what they are for",
        read: Groups,
    },
    Definition {
        name: "eddyline_worker_restarted_processes",
        help: "Worker processes that died and were replaced",
        read: Read::Counter(|node| &node.worker_restarts),
    },
];

impl<T> Read<T> {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Read::Counter(_) | Nanoseconds(_) | Failures | Fetches => "counter",
            Read::Gauge(_) | Lag | Groups => "gauge",
            Read::Histogram(_) => "histogram",
        }
    }

    /// The labels beside `function`.
    pub(super) fn labels(&self) -> &'static [&'static str] {
        match self {
            Failures | Fetches => &["outcome"],
            Lag => &["topic"],
            Groups => &["group"],
            _ => &[],
        }
    }
}
