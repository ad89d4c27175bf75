//! `[limits]`: how much one invocation may use. A node has the same keys twice: what a function gets that says nothing,
//! and what no function may exceed.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use serde::Deserialize;

use crate::{
    diagnostic::{Related, codes},
    document::TableReader,
    quantity::{self, GIB, KIB, MIB},
};

/// A function's limits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// CPU time that an invocation uses, or that others use for it.
    #[serde(deserialize_with = "quantity::duration")]
    pub cpu: Duration,
    /// For each attempt, without queue and backoff.
    #[serde(deserialize_with = "quantity::duration")]
    pub wall: Duration,
    #[serde(deserialize_with = "quantity::size")]
    pub heap: u64,
    /// `ArrayBuffer`s and WebAssembly memory.
    #[serde(deserialize_with = "quantity::size")]
    pub external: u64,
    /// Bytes of all results of one record.
    #[serde(deserialize_with = "quantity::size")]
    pub output: u64,
    /// Number of results of one record.
    pub results: u32,
    /// Bytes that one invocation logs.
    #[serde(deserialize_with = "quantity::size")]
    pub log: u64,
    /// Timers of one invocation that are open at once.
    pub timers: u32,
    /// Fetches of one invocation that are open at once.
    pub fetches: u32,
    /// Evaluating the modules.
    #[serde(deserialize_with = "quantity::duration")]
    pub load: Duration,
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// What values each key takes, wherever it stands.
pub const TIMES: [(&str, RangeInclusive<Duration>); 3] = [
    ("cpu", MILLISECOND..=Duration::from_secs(600)),
    ("wall", MILLISECOND..=Duration::from_secs(3600)),
    ("load", MILLISECOND..=Duration::from_secs(60)),
];
/// Below the least heap an isolate does not even start.
pub const SIZES: [(&str, RangeInclusive<u64>); 4] =
    [("heap", 16 * MIB..=4 * GIB), ("external", 64 * KIB..=4 * GIB), ("output", 1..=256 * MIB), ("log", 1..=256 * MIB)];
pub const COUNTS: [(&str, RangeInclusive<u32>); 3] =
    [("results", 1..=1_000_000), ("timers", 1..=1_000_000), ("fetches", 1..=10_000)];

/// One limit, to be compared and shown.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Amount {
    Time(Duration),
    Size(u64),
    Count(u32),
}

impl std::fmt::Display for Amount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Amount::Time(time) => formatter.write_str(&quantity::format_duration(time)),
            Amount::Size(size) => formatter.write_str(&quantity::format_size(size)),
            Amount::Count(count) => count.fmt(formatter),
        }
    }
}

/// What a node lets functions use.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Allowance {
    /// For keys that a manifest leaves out.
    pub default: Limits,
    /// A manifest that asks for more is refused.
    pub max: Limits,
    /// Where a ceiling was set that is not the built-in one, by key.
    #[serde(skip)]
    pub origins: BTreeMap<String, String>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            cpu: Duration::from_millis(50),
            wall: Duration::from_secs(5),
            heap: 64 * MIB,
            external: 64 * MIB,
            output: MIB,
            results: 1000,
            log: 256 * KIB,
            timers: 1000,
            fetches: 32,
            load: Duration::from_secs(5),
        }
    }
}

impl Default for Allowance {
    fn default() -> Self {
        let max = Limits {
            cpu: Duration::from_secs(60),
            wall: Duration::from_secs(600),
            heap: GIB,
            external: GIB,
            output: 64 * MIB,
            results: 100_000,
            log: 16 * MIB,
            timers: 100_000,
            fetches: 1000,
            load: Duration::from_secs(60),
        };
        Allowance { default: Limits::default(), max, origins: BTreeMap::new() }
    }
}

impl Limits {
    fn time(&mut self, key: &str) -> &mut Duration {
        match key {
            "cpu" => &mut self.cpu,
            "wall" => &mut self.wall,
            _ => &mut self.load,
        }
    }

    fn size(&mut self, key: &str) -> &mut u64 {
        match key {
            "heap" => &mut self.heap,
            "external" => &mut self.external,
            "output" => &mut self.output,
            _ => &mut self.log,
        }
    }

    fn count(&mut self, key: &str) -> &mut u32 {
        match key {
            "results" => &mut self.results,
            "timers" => &mut self.timers,
            _ => &mut self.fetches,
        }
    }

    fn amounts(&self) -> [(&'static str, Amount); 10] {
        [
            ("cpu", Amount::Time(self.cpu)),
            ("wall", Amount::Time(self.wall)),
            ("heap", Amount::Size(self.heap)),
            ("external", Amount::Size(self.external)),
            ("output", Amount::Size(self.output)),
            ("results", Amount::Count(self.results)),
            ("log", Amount::Size(self.log)),
            ("timers", Amount::Count(self.timers)),
            ("fetches", Amount::Count(self.fetches)),
            ("load", Amount::Time(self.load)),
        ]
    }
}

impl Allowance {
    /// Lowers the defaults that nobody chose to the ceilings; returns the first chosen one that is above its ceiling,
    /// with both values.
    pub fn settle(&mut self, is_chosen: impl Fn(&str) -> bool) -> Option<(&'static str, String, String)> {
        let above: Vec<_> = self.default.amounts().into_iter().zip(self.max.amounts()).collect();
        for ((key, default), (_, max)) in above.into_iter().filter(|((_, default), (_, max))| default > max) {
            if is_chosen(key) {
                return Some((key, default.to_string(), max.to_string()));
            }
            match max {
                Amount::Time(max) => *self.default.time(key) = max,
                Amount::Size(max) => *self.default.size(key) = max,
                Amount::Count(max) => *self.default.count(key) = max,
            }
        }
        None
    }
}

/// Reads `[limits]`; what it leaves out is the node's default.
pub(super) fn read(root: &mut TableReader<'_>, allowance: &Allowance) -> Limits {
    let mut limits = allowance.default.clone();
    let Some(mut table) = root.table("limits") else {
        return limits;
    };
    for (key, range) in TIMES {
        table.duration(key, range, limits.time(key));
    }
    for (key, range) in SIZES {
        table.size(key, range, limits.size(key));
    }
    for (key, range) in COUNTS {
        table.count(key, range, limits.count(key));
    }
    for ((key, asked), (_, max)) in limits.amounts().into_iter().zip(allowance.max.amounts()) {
        if asked > max
            && let Some(value) = table.value(key)
        {
            let message = format!("`limits.{key}` is {asked}, but this node allows at most {max}");
            let origin = allowance.origins.get(key).map_or("the default configuration", String::as_str);
            let ceiling = Related::file(origin, format!("the ceiling is `limits.max.{key}` of the node"));
            let hint =
                format!("ask for at most {max}, or raise `{key}` under [limits.max] in the node's configuration");
            value.note(value.error(codes::ABOVE_CEILING, message).with_hint(hint).with_related(ceiling));
        }
    }
    table.refuse_unknown();
    limits
}
