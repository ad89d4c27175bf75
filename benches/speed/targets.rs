//! What we want to reach, as ratios to others or to ourselves.

use crate::loads::{BENTO, COPY, EDDYLINE, JAVA, PLATFORMATIC, V8};

pub struct Target {
    pub load: &'static str,
    /// A load, and a system that ran it.
    pub against: (&'static str, &'static str),
    pub cpu: f64,
    pub rate: f64,
}

pub const TARGETS: &[Target] = &[
    both("enrich-1k-one", ("enrich-1k-one", V8), 0.90),
    both("enrich-1k", ("enrich-1k", V8), 0.90),
    both("passthrough-1k", ("passthrough-1k", COPY), 0.80),
    both("enrich-1k-one", ("enrich-1k-one", JAVA), 1.0),
    both("enrich-1k", ("enrich-1k", JAVA), 1.0),
    Target { load: "enrich-1k-one", against: ("enrich-1k-one", PLATFORMATIC), cpu: 1.8, rate: 2.3 },
    Target { load: "enrich-1k", against: ("enrich-1k", PLATFORMATIC), cpu: 1.8, rate: 2.3 },
    Target { load: "enrich-1k", against: ("enrich-1k", BENTO), cpu: 4.0, rate: 3.0 },
    both("exactly-once-1k", ("enrich-1k", EDDYLINE), 0.90),
    both("exactly-once-1k", ("exactly-once-1k", JAVA), 1.1),
    both("partitions-64", ("partitions-1", EDDYLINE), 0.90),
    both("functions-100", ("partitions-1", EDDYLINE), 0.90),
];

/// Of p99 latency, to the way from producer to consumer without us.
pub const ADDED_MS: f64 = 3.0;

const fn both(load: &'static str, against: (&'static str, &'static str), wanted: f64) -> Target {
    Target { load, against, cpu: wanted, rate: wanted }
}
