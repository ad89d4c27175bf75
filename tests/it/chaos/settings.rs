//! What `make chaos` asks for.

use std::env;
use std::time::Duration;

use super::checker::{Guarantee, Order};

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub length: Duration,
    pub seed: u64,
    pub guarantee: Guarantee,
    pub order: Order,
}

fn variable(name: &str) -> Option<String> {
    env::var(format!("EDDYLINE_CHAOS_{name}")).ok().filter(|text| !text.is_empty())
}

impl Settings {
    /// Nothing where nobody asked: runs of minutes are no part of `make test`.
    pub fn asked() -> Option<Settings> {
        let minutes: f64 = variable("MINUTES")?.parse().expect("EDDYLINE_CHAOS_MINUTES is a number");
        let seed = variable("SEED").map(|text| text.parse().expect("EDDYLINE_CHAOS_SEED is a number"));
        Some(Settings {
            length: Duration::from_secs_f64(minutes * 60.0),
            seed: seed.unwrap_or_else(|| fastrand::u64(1..1_000_000)),
            guarantee: match variable("GUARANTEE").as_deref() {
                None | Some("at-least-once") => Guarantee::AtLeastOnce,
                Some("exactly-once") => Guarantee::ExactlyOnce,
                Some(other) => panic!("EDDYLINE_CHAOS_GUARANTEE is at-least-once or exactly-once, not {other}"),
            },
            order: match variable("ORDER").as_deref() {
                None | Some("partition") => Order::Partition,
                Some("key") => Order::Key,
                Some("none") => Order::None,
                Some(other) => panic!("EDDYLINE_CHAOS_ORDER is partition, key or none, not {other}"),
            },
        })
    }
}

/// How often nodes come and go in [`super::comings`].
pub fn comings() -> usize {
    variable("COMINGS").map_or(50, |text| text.parse().expect("EDDYLINE_CHAOS_COMINGS is a number"))
}
