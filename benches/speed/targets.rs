//! What we want to reach, as ratios to others or to ourselves.

use crate::loads::{BENTO, COPY, EDDYLINE, JAVA, PLATFORMATIC, V8};

pub struct Target {
    pub load: &'static str,
    /// A load, and a system that ran it.
    pub against: (&'static str, &'static str),
    pub wanted: &'static str,
}

pub const TARGETS: &[Target] = &[
    Target { load: "enrich-1k-one", against: ("enrich-1k-one", V8), wanted: "0.90, better 1.0" },
    Target { load: "enrich-1k", against: ("enrich-1k", V8), wanted: "0.90, better 1.0" },
    Target { load: "passthrough-1k", against: ("passthrough-1k", COPY), wanted: "0.80" },
    Target { load: "enrich-1k", against: ("enrich-1k", JAVA), wanted: "1.0 in both" },
    Target { load: "enrich-1k-one", against: ("enrich-1k-one", PLATFORMATIC), wanted: "1.8 in CPU, 2.3 in records/s" },
    Target { load: "enrich-1k", against: ("enrich-1k", BENTO), wanted: "4 in CPU, 3 in records/s" },
    Target { load: "exactly-once-1k", against: ("enrich-1k", EDDYLINE), wanted: "0.90" },
    Target { load: "exactly-once-1k", against: ("exactly-once-1k", JAVA), wanted: "1.1" },
    Target { load: "partitions-64", against: ("partitions-1", EDDYLINE), wanted: "0.90" },
    Target { load: "functions-100", against: ("partitions-1", EDDYLINE), wanted: "0.90" },
];
