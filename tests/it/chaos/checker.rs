//! Whether a guarantee was kept, told from nothing but what Kafka holds: what was written, the results, the dead
//! letters. It is pure logic and knows nothing of how the program works.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    AtLeastOnce,
    ExactlyOnce,
}

impl Guarantee {
    pub fn name(self) -> &'static str {
        match self {
            Guarantee::AtLeastOnce => "at-least-once",
            Guarantee::ExactlyOnce => "exactly-once",
        }
    }
}

/// What keeps its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Partition,
    Key,
    None,
}

impl Order {
    pub fn name(self) -> &'static str {
        match self {
            Order::Partition => "partition",
            Order::Key => "key",
            Order::None => "none",
        }
    }
}

/// A record of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub n: u64,
    pub key: Option<String>,
    pub partition: i32,
    pub offset: i64,
}

/// A result or a dead letter, with the record that it says to come from. They are given partition by partition, each
/// in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub of: Written,
    pub partition: i32,
    pub offset: i64,
}

/// What is wrong, a line for each case.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Numbers of records with neither result nor dead letter.
    pub lost: Vec<u64>,
    /// Numbers that the source holds twice, or not at all although the client wrote them.
    pub miswritten: Vec<u64>,
    /// Results and dead letters of records that were never written, or of others than they say.
    pub invented: Vec<String>,
    /// Only with exactly-once: records with several results or dead letters.
    pub doubled: Vec<String>,
    pub disordered: Vec<String>,
    /// Results and dead letters beyond the first of their record: no fault with at-least-once.
    pub repeats: usize,
}

impl Findings {
    pub fn is_clean(&self) -> bool {
        *self == Findings { repeats: self.repeats, ..Findings::default() }
    }
}

/// `count`: the client wrote the numbers below it, each once.
pub fn check(
    guarantee: Guarantee,
    order: Order,
    count: u64,
    written: &[Written],
    results: &[Seen],
    dead: &[Seen],
) -> Findings {
    let by_number: HashMap<u64, &Written> = written.iter().map(|record| (record.n, record)).collect();
    let mut findings = Findings { miswritten: miswritten(count, written), ..Findings::default() };
    let mut times: HashMap<u64, usize> = HashMap::new();
    for seen in results.iter().chain(dead) {
        match by_number.get(&seen.of.n) {
            Some(record) if **record == seen.of => *times.entry(seen.of.n).or_default() += 1,
            Some(record) => findings.invented.push(format!("{seen:?} is of {record:?}")),
            None => findings.invented.push(format!("{seen:?} is of no record")),
        }
    }
    findings.lost = by_number.keys().copied().filter(|n| !times.contains_key(n)).collect();
    findings.lost.sort_unstable();
    findings.repeats = times.values().map(|times| times - 1).sum();
    if guarantee == Guarantee::ExactlyOnce {
        let doubled = times.iter().filter(|(_, times)| **times > 1);
        findings.doubled = doubled.map(|(n, times)| format!("{:?} has {times}", by_number[n])).collect();
    }
    // Dead letters stand in a topic of their own: only among themselves can their order be seen. Which came first of a
    // record's result and its dead letter, for it failed when it ran and not when it ran again, cannot be seen at all.
    let numbers = |seen: &[Seen]| seen.iter().map(|one| one.of.n).collect::<HashSet<u64>>();
    let both: HashSet<u64> = numbers(results).intersection(&numbers(dead)).copied().collect();
    findings.disordered = [disordered(order, results, &both), disordered(order, dead, &both)].concat();
    findings
}

fn miswritten(count: u64, written: &[Written]) -> Vec<u64> {
    let mut times: BTreeMap<u64, usize> = (0..count).map(|n| (n, 0)).collect();
    written.iter().for_each(|record| *times.entry(record.n).or_default() += 1);
    times.into_iter().filter(|(n, times)| *times != 1 || *n >= count).map(|(n, _)| n).collect()
}

/// What must keep its order together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Line<'a> {
    Partition(i32),
    Key(&'a str),
}

/// Records that appear for the first time behind one that was written later.
///
/// This holds with at-least-once as well. Whoever owns a partition begins at a position below which everything is
/// acknowledged, and goes on in order; so what is repeated may stand anywhere, even late and by somebody who is not
/// the owner any more, but nothing appears for the first time before all that comes before it has appeared.
fn disordered(order: Order, seen: &[Seen], except: &HashSet<u64>) -> Vec<String> {
    let mut appeared: HashSet<u64> = HashSet::new();
    let mut last: HashMap<Line<'_>, &Seen> = HashMap::new();
    let mut found = Vec::new();
    for now in seen.iter().filter(|now| !except.contains(&now.of.n)) {
        let line = match (order, &now.of.key) {
            // Results without a key go to any partition, and those of several partitions have no order.
            (Order::None, _) | (_, None) => continue,
            (Order::Partition, Some(_)) => Line::Partition(now.of.partition),
            (Order::Key, Some(key)) => Line::Key(key),
        };
        if !appeared.insert(now.of.n) {
            continue;
        }
        if let Some(before) = last.get(&line) {
            if before.partition != now.partition {
                found.push(format!("{line:?} is in two partitions: {before:?}, then {now:?}"));
            } else if before.of.offset > now.of.offset {
                found.push(format!("{line:?}: {before:?}, and only then {now:?}"));
                continue;
            }
        }
        last.insert(line, now);
    }
    found
}

/// Cases of each kind that are shown.
const SHOWN: usize = 10;

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = |all: &[u64]| all.iter().map(u64::to_string).collect::<Vec<_>>();
        let kinds = [
            ("lost", &numbers(&self.lost)),
            ("not written once", &numbers(&self.miswritten)),
            ("invented", &self.invented),
            ("doubled", &self.doubled),
            ("disordered", &self.disordered),
        ];
        for (kind, cases) in kinds {
            write!(out, "{kind}: {}; ", cases.len())?;
        }
        write!(out, "repeats: {}", self.repeats)?;
        for (kind, cases) in kinds {
            for case in cases.iter().take(SHOWN) {
                write!(out, "\n  {kind}: {case}")?;
            }
        }
        Ok(())
    }
}
