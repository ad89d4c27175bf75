//! The loads, and who runs them.

use serde::{Deserialize, Serialize};

use crate::contract::Work;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    Partition,
    Key,
    None,
}

#[derive(Clone, Debug, Serialize)]
pub struct Load {
    pub name: &'static str,
    pub title: &'static str,
    pub work: Work,
    pub bytes: usize,
    /// Of the records asked for it has one in so many, for what it writes has to find room.
    pub one_in: u64,
    pub partitions: i32,
    /// Topics that are read, each by a function of its own; they share the records among them.
    pub functions: usize,
    pub threads: i32,
    /// On which all of these run.
    pub cores: usize,
    pub exactly_once: bool,
    pub order: Order,
    pub systems: &'static [&'static str],
}

impl Load {
    pub fn records(&self, asked: u64) -> u64 {
        asked / self.one_in
    }
}

pub const EDDYLINE: &str = "eddyline";
pub const COPY: &str = "floor-copy";
pub const V8: &str = "floor-v8";
pub const PLATFORMATIC: &str = "node-platformatic";
pub const KAFKAJS: &str = "node-kafkajs";
pub const JAVA: &str = "streams-java";
pub const GRAAL: &str = "streams-graaljs";
pub const BENTO: &str = "bento-javascript";
pub const BLOBLANG: &str = "bento-bloblang";

const OURS: &[&str] = &[EDDYLINE];
const FLOORS: &[&str] = &[COPY, V8, EDDYLINE];
const ENGINE: &[&str] = &[V8, EDDYLINE];
const PEERS: &[&str] = &[V8, EDDYLINE, JAVA, PLATFORMATIC];
pub const ALL: &[&str] = &[V8, EDDYLINE, JAVA, GRAAL, PLATFORMATIC, KAFKAJS, BENTO, BLOBLANG];

/// What most loads are; the others say in what they differ.
const USUAL: Load = Load {
    name: "enrich-1k",
    title: "JSON enrich, 1 KB, two threads",
    work: Work::Enrich,
    bytes: 929,
    one_in: 1,
    partitions: 4,
    functions: 1,
    threads: 2,
    cores: 2,
    exactly_once: false,
    order: Order::Partition,
    systems: ALL,
};

/// In the order in which each round runs them.
pub const LOADS: &[Load] = &[
    USUAL,
    Load { name: "enrich-1k-one", title: "JSON enrich, 1 KB, one thread", threads: 1, systems: PEERS, ..USUAL },
    Load {
        name: "enrich-1k-core",
        title: "JSON enrich, 1 KB, one thread on one core",
        threads: 1,
        cores: 1,
        systems: PEERS,
        ..USUAL
    },
    Load {
        name: "passthrough-1k",
        title: "passthrough, 1 KB, one thread",
        work: Work::Passthrough,
        threads: 1,
        systems: FLOORS,
        ..USUAL
    },
    Load {
        name: "passthrough-100",
        title: "passthrough, 100 B, one thread",
        work: Work::Passthrough,
        bytes: 100,
        threads: 1,
        systems: FLOORS,
        ..USUAL
    },
    Load {
        name: "passthrough-10k",
        title: "passthrough, 10 KB, one thread",
        work: Work::Passthrough,
        bytes: 10_000,
        one_in: 4,
        threads: 1,
        systems: FLOORS,
        ..USUAL
    },
    Load { name: "filter-1k", title: "filter, 1 KB, 90 % dropped", work: Work::Filter, systems: PEERS, ..USUAL },
    Load { name: "fan-out-1k", title: "fan-out ×3, 1 KB", work: Work::FanOut, systems: PEERS, ..USUAL },
    Load {
        name: "timer-1k",
        title: "awaited timer of 1 ms, 1 KB, 100 at once for each partition (Node: 1,000)",
        work: Work::Timer,
        order: Order::None,
        systems: &[EDDYLINE, PLATFORMATIC],
        ..USUAL
    },
    Load {
        name: "keys-1k",
        title: "JSON enrich, 1 KB, order by 10,000 keys",
        order: Order::Key,
        systems: OURS,
        ..USUAL
    },
    Load {
        name: "exactly-once-1k",
        title: "JSON enrich, 1 KB, exactly once, 100 ms",
        exactly_once: true,
        systems: &[EDDYLINE, JAVA],
        ..USUAL
    },
    Load {
        name: "partitions-1",
        title: "JSON enrich, 1 KB, 1 partition",
        partitions: 1,
        threads: 1,
        systems: ENGINE,
        ..USUAL
    },
    Load {
        name: "partitions-16",
        title: "JSON enrich, 1 KB, 16 partitions",
        partitions: 16,
        threads: 1,
        systems: ENGINE,
        ..USUAL
    },
    Load {
        name: "partitions-64",
        title: "JSON enrich, 1 KB, 64 partitions",
        partitions: 64,
        threads: 1,
        systems: ENGINE,
        ..USUAL
    },
    Load {
        name: "functions-100",
        title: "JSON enrich, 1 KB, 100 functions",
        partitions: 1,
        functions: 100,
        threads: 1,
        systems: OURS,
        ..USUAL
    },
    Load {
        name: "functions-1000",
        title: "JSON enrich, 1 KB, 1,000 functions",
        partitions: 1,
        functions: 1000,
        threads: 1,
        systems: OURS,
        ..USUAL
    },
];
