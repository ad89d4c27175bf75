//! Whether what was measured fits what is stored: each case's time, divided by that of a plain reference in the same run.

use std::collections::{BTreeMap, BTreeSet};

/// More than this share away from what is stored is said.
pub const TOLERANCE: f64 = 0.10;

pub type Ratios = BTreeMap<String, f64>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// So much that what is stored would no longer find it if half of it got lost again.
    Faster,
    Slower,
    /// Measured, and nothing is stored of it.
    New,
    /// Stored, and no longer measured.
    Missing,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub name: String,
    pub stored: Option<f64>,
    pub measured: Option<f64>,
    pub verdict: Verdict,
}

/// All cases that either knows, by name.
pub fn compare(stored: &Ratios, measured: &Ratios) -> Vec<Line> {
    let names: BTreeSet<&String> = stored.keys().chain(measured.keys()).collect();
    let line = |name: &String| {
        let (stored, measured) = (stored.get(name).copied(), measured.get(name).copied());
        let verdict = match (stored, measured) {
            (Some(stored), Some(measured)) => judge(stored, measured),
            (None, _) => Verdict::New,
            (_, None) => Verdict::Missing,
        };
        Line { name: name.clone(), stored, measured, verdict }
    };
    names.into_iter().map(line).collect()
}

fn judge(stored: f64, measured: f64) -> Verdict {
    let change = measured / stored;
    // What is no number is no proof that it is fast enough.
    if change.is_nan() || change > 1.0 + TOLERANCE {
        Verdict::Slower
    } else if change < 1.0 - TOLERANCE {
        Verdict::Faster
    } else {
        Verdict::Same
    }
}

impl Verdict {
    /// Whether somebody has to do something about it.
    pub fn is_complaint(self) -> bool {
        matches!(self, Verdict::Slower | Verdict::New | Verdict::Missing)
    }

    pub fn said(self) -> &'static str {
        match self {
            Verdict::Same => "",
            Verdict::Faster => "faster: store it with ARGS=--write",
            Verdict::Slower => "SLOWER",
            Verdict::New => "NEW: store it with ARGS=--write",
            Verdict::Missing => "MISSING: no longer measured; drop it with ARGS=--write",
        }
    }
}

/// What was measured again replaces what was measured before where it is less: noise only ever adds.
pub fn better(measured: &mut Ratios, again: &Ratios) {
    for (name, ratio) in again {
        let best = measured.entry(name.clone()).or_insert(*ratio);
        *best = best.min(*ratio);
    }
}

/// The one in the middle; NaN of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
