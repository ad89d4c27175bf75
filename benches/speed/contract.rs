//! What every program under test is told, in its environment: floors, Eddyline's own start and peers in any language.

use std::env;

use serde::{Deserialize, Serialize};

/// What is done with each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// The record itself comes out.
    Passthrough,
    /// Parse, set `total` to `quantity * price`, write.
    Enrich,
    /// Parse; the record itself comes out if its `status` is `returned`, which it is for one in ten.
    Filter,
    /// Parse; three results, with `part` 0, 1 and 2.
    FanOut,
    /// The record itself comes out after an awaited timer of a millisecond.
    Timer,
}

impl Work {
    const ALL: [Work; 5] = [Work::Passthrough, Work::Enrich, Work::Filter, Work::FanOut, Work::Timer];

    pub fn name(self) -> &'static str {
        match self {
            Work::Passthrough => "passthrough",
            Work::Enrich => "enrich",
            Work::Filter => "filter",
            Work::FanOut => "fan-out",
            Work::Timer => "timer",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Contract {
    /// `host:port`.
    pub brokers: String,
    pub input: String,
    pub output: String,
    /// The consumer group, and for transactions the beginning of their ids.
    pub group: String,
    pub work: Work,
    /// Of the input and of the output.
    pub partitions: i32,
    /// How many threads, isolates or processes may run handlers at once.
    pub threads: i32,
    pub exactly_once: bool,
}

impl Contract {
    pub fn to_environment(&self) -> [(&'static str, String); 8] {
        [
            ("BENCH_BROKERS", self.brokers.clone()),
            ("BENCH_INPUT", self.input.clone()),
            ("BENCH_OUTPUT", self.output.clone()),
            ("BENCH_GROUP", self.group.clone()),
            ("BENCH_WORK", self.work.name().to_owned()),
            ("BENCH_PARTITIONS", self.partitions.to_string()),
            ("BENCH_THREADS", self.threads.to_string()),
            ("BENCH_EXACTLY_ONCE", self.exactly_once.to_string()),
        ]
    }

    pub fn from_environment() -> Contract {
        let text = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let number = |name: &str| text(name).parse().unwrap_or_else(|_| panic!("{name} is no number"));
        let work = text("BENCH_WORK");
        Contract {
            brokers: text("BENCH_BROKERS"),
            input: text("BENCH_INPUT"),
            output: text("BENCH_OUTPUT"),
            group: text("BENCH_GROUP"),
            work: Work::ALL.into_iter().find(|one| one.name() == work).expect("a known work"),
            partitions: number("BENCH_PARTITIONS"),
            threads: number("BENCH_THREADS"),
            exactly_once: text("BENCH_EXACTLY_ONCE") == "true",
        }
    }
}
