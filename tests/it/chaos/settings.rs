//! What `make chaos` asks for.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use super::checker::{Guarantee, Order};

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub length: Duration,
    pub seed: u64,
    pub guarantee: Guarantee,
    pub order: Order,
    /// The mean time from one fault to the next.
    pub every: Duration,
}

fn variable(name: &str) -> Option<String> {
    env::var(format!("EDDYLINE_CHAOS_{name}")).ok().filter(|text| !text.is_empty())
}

fn number(name: &str) -> Option<f64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("EDDYLINE_CHAOS_{name} is a number, not {text}")))
}

impl Settings {
    /// Nothing where nobody asked: runs of minutes are no part of `make test`.
    pub fn asked() -> Option<Settings> {
        let minutes = number("MINUTES")?;
        let every = number("EVERY").unwrap_or(2.0);
        let seed = variable("SEED").map(|text| text.parse().expect("EDDYLINE_CHAOS_SEED is a number"));
        Some(Settings {
            length: Duration::from_secs_f64(minutes * 60.0),
            every: Duration::from_secs_f64(every),
            seed: seed.unwrap_or_else(|| fastrand::u64(1..1_000_000)),
            guarantee: choice("GUARANTEE", &[Guarantee::AtLeastOnce, Guarantee::ExactlyOnce], Guarantee::name),
            order: choice("ORDER", &[Order::Partition, Order::Key, Order::None], Order::name),
        })
    }

    /// Tells this run from others.
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.guarantee.name(), self.order.name(), self.seed)
    }

    /// How to ask for it again.
    pub fn again(&self) -> String {
        let Settings { length, seed, guarantee, order, every } = self;
        let (minutes, every) = (length.as_secs_f64() / 60.0, every.as_secs_f64());
        let (guarantee, order) = (guarantee.name(), order.name());
        format!("make chaos MINUTES={minutes} SEED={seed} GUARANTEE={guarantee} ORDER={order} EVERY={every}")
    }
}

/// The first where nothing is said.
fn choice<T: Copy>(name: &str, all: &[T], name_of: impl Fn(T) -> &'static str) -> T {
    let Some(text) = variable(name) else { return all[0] };
    let names: Vec<&str> = all.iter().map(|one| name_of(*one)).collect();
    let place = names.iter().position(|one| *one == text);
    all[place.unwrap_or_else(|| panic!("EDDYLINE_CHAOS_{name} is one of {names:?}, not {text}"))]
}

/// How often nodes come and go in [`super::comings`].
pub fn comings() -> usize {
    number("COMINGS").map_or(50, |number| number as usize)
}

/// Where a summary of each run is added as a line of JSON.
pub fn json() -> Option<PathBuf> {
    variable("JSON").map(PathBuf::from)
}
