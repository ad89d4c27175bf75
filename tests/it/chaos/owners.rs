//! Who ran what when: whether two nodes had a partition at once, and for how long partitions stood still.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde_json::{Value, json};

use super::subject::Ran;

/// The invocations of each partition.
fn by_partition(runs: &[Ran]) -> BTreeMap<i32, Vec<&Ran>> {
    let mut partitions: BTreeMap<i32, Vec<&Ran>> = BTreeMap::new();
    for ran in runs {
        partitions.entry(ran.seen.of.partition).or_default().push(ran);
    }
    partitions
}

/// Invocations that began while another node had not yet returned from one of the same partition.
pub fn at_once(runs: &[Ran]) -> Vec<String> {
    let mut found = Vec::new();
    for mut runs in by_partition(runs).into_values() {
        runs.sort_by_key(|ran| ran.began);
        let mut latest: BTreeMap<&str, &Ran> = BTreeMap::new();
        for now in runs {
            let other = latest.iter().find(|(by, other)| **by != now.by && other.ran > now.began);
            found.extend(other.map(|(_, other)| format!("{other:?} beside {now:?}")));
            let own = latest.entry(&now.by).or_insert(now);
            if own.ran < now.ran {
                *own = now;
            }
        }
    }
    found
}

/// The longest pauses of partitions, from one invocation to the next, in milliseconds: one for each partition in each
/// stretch of time.
#[derive(Debug, Default)]
pub struct Pauses {
    /// Before any node came or went.
    pub calm: Vec<i64>,
    /// Of partitions that stayed with their node, while others moved.
    pub stayed: Vec<i64>,
    pub moved: Vec<i64>,
    /// The longest of those that stayed: how long, of which partition, since when, at which node.
    pub worst: Option<(i64, i32, i64, String)>,
}

impl Pauses {
    pub fn of(runs: &[Ran], calm: &[Range<i64>], turns: &[Range<i64>]) -> Pauses {
        let mut pauses = Pauses::default();
        for (partition, mut runs) in by_partition(runs) {
            runs.sort_by_key(|ran| ran.ran);
            pauses.calm.extend(calm.iter().filter_map(|stretch| longest(&runs, stretch)).map(|pause| pause.length));
            for pause in turns.iter().filter_map(|stretch| longest(&runs, stretch)) {
                if pause.moved {
                    pauses.moved.push(pause.length);
                } else {
                    pauses.stayed.push(pause.length);
                    pauses.worst =
                        pauses.worst.max(Some((pause.length, partition, pause.since.ran, pause.since.by.clone())));
                }
            }
        }
        for all in [&mut pauses.calm, &mut pauses.stayed, &mut pauses.moved] {
            all.sort_unstable();
        }
        pauses
    }

    pub fn json(&self) -> Value {
        let of = |all: &[i64]| json!({ "count": all.len(), "median": part(all, 50), "p90": part(all, 90), "longest": all.last() });
        json!({ "calm": of(&self.calm), "stayed": of(&self.stayed), "moved": of(&self.moved) })
    }
}

struct Pause<'a> {
    length: i64,
    since: &'a Ran,
    moved: bool,
}

/// The longest pause that reaches into that stretch. The partition has moved if different nodes stand at the ends of
/// any of them.
fn longest<'a>(runs: &[&'a Ran], stretch: &Range<i64>) -> Option<Pause<'a>> {
    let mut owners = BTreeSet::new();
    let mut longest: Option<(i64, &Ran)> = None;
    for pair in runs.windows(2).filter(|pair| pair[1].ran > stretch.start && pair[0].ran < stretch.end) {
        owners.extend([&pair[0].by, &pair[1].by]);
        let length = pair[1].ran - pair[0].ran;
        if longest.is_none_or(|(most, _)| length > most) {
            longest = Some((length, pair[0]));
        }
    }
    longest.map(|(length, since)| Pause { length, since, moved: owners.len() > 1 })
}

/// What so many of a hundred do not exceed, of what is sorted.
pub fn part(sorted: &[i64], percent: usize) -> Option<i64> {
    sorted.get(sorted.len() * percent / 100).or(sorted.last()).copied()
}

impl fmt::Display for Pauses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "longest pauses of partitions, in ms (median, 90 %, longest):")?;
        for (what, all) in [("calm", &self.calm), ("stayed", &self.stayed), ("moved", &self.moved)] {
            let [median, most, longest] = [50, 90, 100].map(|percent| part(all, percent).unwrap_or(0));
            write!(out, " {what} {median}, {most}, {longest} ({});", all.len())?;
        }
        let Some((length, partition, since, by)) = &self.worst else { return Ok(()) };
        let since = jiff::Timestamp::from_millisecond(*since).unwrap_or_default();
        write!(out, " the longest of those that stayed: {length} ms in partition {partition} since {since} at {by}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::checker::{Seen, Written};
    use super::*;

    /// An invocation of one partition, of that node, from one time to another.
    fn ran(by: &str, began: i64, ran: i64) -> Ran {
        let of = Written { n: 0, key: None, partition: 0, offset: began };
        Ran { seen: Seen { of, partition: 0, offset: began }, by: by.to_owned(), began, ran }
    }

    #[test]
    fn two_nodes_that_run_one_partition_at_once_are_found() {
        let handed_over = [ran("a", 0, 9), ran("a", 2, 5), ran("b", 9, 12), ran("a", 12, 13)];
        assert_eq!(at_once(&handed_over), Vec::<String>::new());
        let overlapping = [ran("a", 0, 9), ran("a", 2, 5), ran("b", 8, 12), ran("a", 12, 13)];
        assert_eq!(at_once(&overlapping).len(), 1);
    }

    #[test]
    fn pauses_are_told_apart_by_whether_the_partition_moved() {
        let runs =
            [ran("a", 0, 1), ran("a", 4, 5), ran("a", 25, 25), ran("a", 30, 31), ran("b", 95, 95), ran("b", 97, 99)];
        let pauses = Pauses::of(&runs, std::slice::from_ref(&(0..4)), &[10..20, 40..60]);
        assert_eq!((pauses.calm, pauses.stayed, pauses.moved), (vec![4], vec![20], vec![64]));
    }
}
