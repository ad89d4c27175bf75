//! Where the sources of functions end, and since when they have. Pure logic.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::plan::TopicMap;
use crate::kafka::TopicPartition;

/// What is known of ends at one moment.
pub type Known = HashMap<TopicPartition, i64>;

/// Where all partitions of a function's sources end, by topic and partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends(Arc<[(TopicPartition, i64)]>);

impl Ends {
    /// Of these partitions, if all are known.
    pub fn of(partitions: &[TopicPartition], known: &Known) -> Option<Ends> {
        let end = |partition: &TopicPartition| Some((partition.clone(), *known.get(partition)?));
        let mut ends: Vec<_> = partitions.iter().map(end).collect::<Option<_>>()?;
        ends.sort_unstable();
        Some(Ends(ends.into()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &(TopicPartition, i64)> {
        self.0.iter()
    }

    pub fn is_same(&self, other: &Ends) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether a group that stood at these ends stands elsewhere. Where it has no offset, it never had to have one.
    pub fn differ_from(&self, committed: &[Option<i64>]) -> bool {
        self.0.iter().zip(committed).any(|((_, end), committed)| committed.is_some_and(|committed| committed != *end))
    }

    /// Whether one of the topics has other partitions by now. What is not among the topics says nothing.
    pub fn miss_partitions(&self, topics: &TopicMap) -> bool {
        let runs = self.0.chunk_by(|(one, _), (next, _)| one.topic == next.topic);
        let count = |run: &[_]| i32::try_from(run.len()).unwrap_or(i32::MAX);
        runs.into_iter().any(|run| topics.get(&*run[0].0.topic).is_some_and(|partitions| *partitions != count(run)))
    }
}

/// Since when the ends of a function's sources stand where they do, as far as anybody has looked.
#[derive(Debug)]
pub struct Observation {
    ends: Ends,
    since: Instant,
}

impl Observation {
    /// Ends that were asked for and answered at these times, after what was seen before. Says for how long they have not
    /// moved.
    pub fn look(before: Option<Observation>, ends: Ends, asked: Instant, answered: Instant) -> (Observation, Duration) {
        match before {
            Some(before) if before.ends == ends => {
                let still = asked.saturating_duration_since(before.since);
                (before, still)
            }
            _ => (Observation { ends, since: answered }, Duration::ZERO),
        }
    }
}

/// The partitions of many functions, each once, with who waits for which end to move.
#[derive(Debug, Default)]
pub struct Union {
    pub partitions: Vec<TopicPartition>,
    functions: Vec<(String, Vec<(usize, i64)>)>,
}

impl Union {
    pub fn of<'a>(functions: impl Iterator<Item = (&'a String, &'a Ends)>) -> Union {
        let mut union = Union::default();
        let mut places: BTreeMap<&TopicPartition, usize> = BTreeMap::new();
        for (name, ends) in functions {
            let mut waits = Vec::new();
            for (partition, end) in ends.iter() {
                let place = *places.entry(partition).or_insert_with(|| {
                    union.partitions.push(partition.clone());
                    union.partitions.len() - 1
                });
                waits.push((place, *end));
            }
            union.functions.push((name.clone(), waits));
        }
        union
    }

    /// The functions for which an end is not any more where it was. Ends are in the order of the partitions; what is not
    /// known has not moved.
    pub fn moved(&self, ends: &[Option<i64>]) -> Vec<String> {
        let has_moved = |&(place, end): &(usize, i64)| ends.get(place).copied().flatten().is_some_and(|now| now != end);
        let moved = self.functions.iter().filter(|(_, waits)| waits.iter().any(has_moved));
        moved.map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::samples;

    fn ends(list: &[(&str, i32, i64)]) -> Ends {
        let known: Known =
            list.iter().map(|(topic, number, end)| (TopicPartition::new(*topic, *number), *end)).collect();
        let partitions: Vec<TopicPartition> = known.keys().cloned().collect();
        Ends::of(&partitions, &known).unwrap()
    }

    #[test]
    fn a_function_wakes_when_any_of_its_ends_is_another_and_for_no_other() {
        let (one, two) = (ends(&[("a", 0, 5), ("a", 1, 7)]), ends(&[("a", 1, 7), ("b", 0, 0)]));
        let names = ["one".to_owned(), "two".to_owned()];
        let union = Union::of(names.iter().zip([&one, &two]));
        assert_eq!(union.partitions.len(), 3, "what two have in common is asked for once");
        assert_eq!(union.moved(&[Some(5), Some(7), Some(0)]), Vec::<String>::new());
        assert_eq!(union.moved(&[Some(6), Some(7), Some(0)]), ["one"]);
        assert_eq!(union.moved(&[Some(5), Some(8), Some(0)]), ["one", "two"]);
        assert_eq!(union.moved(&[None, None, Some(1)]), ["two"], "what is not known has not moved");
        assert_eq!(union.moved(&[Some(0), Some(7), Some(0)]), ["one"], "a topic was made anew");
    }

    #[test]
    fn partitions_that_are_added_are_missed_and_topics_that_do_not_show_are_not() {
        let known = ends(&[("a", 0, 5), ("a", 1, 7), ("b", 0, 0)]);
        assert!(!known.miss_partitions(&samples::topics(&[("a", 2), ("b", 1), ("c", 4)])));
        assert!(known.miss_partitions(&samples::topics(&[("a", 3), ("b", 1)])));
        assert!(!known.miss_partitions(&samples::topics(&[("a", 2)])));
    }

    #[test]
    fn what_has_moved_begins_to_stand_still_anew() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut seen = None;
        let mut look = |end, asked, answered| {
            let (now, still) = Observation::look(seen.take(), ends(&[("a", 0, end)]), at(asked), at(answered));
            seen = Some(now);
            still.as_secs()
        };
        assert_eq!(look(5, 0, 1), 0);
        assert_eq!(look(5, 10, 12), 9, "it may have moved until the first answer, and after the second question");
        assert_eq!(look(6, 20, 20), 0);
        assert_eq!(look(6, 25, 25), 5);
    }
}
