//! Whether functions have anything left to do, as Kafka sees it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::ends::{Ends, Known};
use crate::kafka::{self, GroupPartitions, Groups, TopicPartition};

/// How long one question to Kafka may take.
const CALL: Duration = Duration::from_secs(20);

/// A function that may have nothing to do.
#[derive(Debug, Clone)]
pub struct Question {
    pub name: String,
    pub group: String,
    /// All partitions of all its sources.
    pub partitions: Vec<TopicPartition>,
    /// What it had committed of each of them a moment ago, if that is known.
    pub committed: Option<Vec<Option<i64>>>,
}

/// Those of these functions that have nothing to do, with where their sources end. Where Kafka cannot be asked, none.
pub fn resting(groups: &Groups, asked: Vec<Question>) -> BTreeMap<String, Ends> {
    match ends(groups, &asked) {
        Ok(ends) => at_rest(groups, asked, &ends),
        Err(error) => {
            tracing::debug!(%error, "cannot ask whether functions have anything to do, so they run");
            BTreeMap::new()
        }
    }
}

/// Where the partitions of all of them end, as far as that can be said now.
pub fn ends(groups: &Groups, asked: &[Question]) -> kafka::Result<Known> {
    let all: BTreeSet<&TopicPartition> = asked.iter().flat_map(|one| &one.partitions).collect();
    let all: Vec<TopicPartition> = all.into_iter().cloned().collect();
    let ends = groups.ends(&all, CALL)?;
    Ok(all.into_iter().zip(ends).filter_map(|(partition, end)| Some((partition, end?))).collect())
}

/// Those of them whose groups have committed all that their sources hold, with where these end.
pub fn at_rest(groups: &Groups, asked: Vec<Question>, ends: &Known) -> BTreeMap<String, Ends> {
    // Those that stand somewhere as is known, then those that have to be asked.
    let (mut names, mut standing, mut questions) = (Vec::new(), Vec::new(), Vec::new());
    let (known, unknown): (Vec<Question>, Vec<Question>) = asked.into_iter().partition(|one| one.committed.is_some());
    for Question { name, group, partitions, committed } in known.into_iter().chain(unknown) {
        if let Some(ends) = Ends::of(&partitions, ends).filter(|_| !partitions.is_empty()) {
            names.push((name, ends));
            let question = GroupPartitions { group, partitions };
            match committed {
                Some(committed) => standing.push((question, committed)),
                None => questions.push(question),
            }
        }
    }
    let answers = groups.committed(&questions, CALL);
    standing.extend(questions.into_iter().zip(answers).map(|(question, committed)| {
        let unknown = |error| tracing::debug!(group = %question.group, %error, "cannot ask where it stands");
        let committed = committed.map_err(unknown).unwrap_or_default();
        (question, committed)
    }));
    let beginnings = beginnings(groups, &standing, ends);
    let rests = |(question, committed): &(GroupPartitions, Vec<Option<i64>>)| {
        committed.len() == question.partitions.len()
            && question.partitions.iter().zip(committed).all(|(partition, committed)| {
                has_read_all(*committed, ends.get(partition).copied(), beginnings.get(partition).copied())
            })
    };
    let resting = standing.iter().zip(names).filter(|(standing, _)| rests(standing));
    resting.map(|(_, named)| named).collect()
}

/// The first offsets of partitions that hold or held something, of which a group has read nothing.
fn beginnings(groups: &Groups, standing: &[(GroupPartitions, Vec<Option<i64>>)], ends: &Known) -> Known {
    let unread: BTreeSet<&TopicPartition> = standing
        .iter()
        .flat_map(|(question, committed)| question.partitions.iter().zip(committed))
        .filter(|(partition, committed)| committed.is_none() && ends.get(*partition).is_some_and(|end| *end > 0))
        .map(|(partition, _)| partition)
        .collect();
    if unread.is_empty() {
        return HashMap::new();
    }
    let unread: Vec<TopicPartition> = unread.into_iter().cloned().collect();
    let found = groups.beginnings(&unread, CALL).unwrap_or_default();
    unread.into_iter().zip(found).filter_map(|(partition, first)| Some((partition, first?))).collect()
}

/// A group without an offset begins at the first record that there is.
fn has_read_all(committed: Option<i64>, end: Option<i64>, beginning: Option<i64>) -> bool {
    match (committed, end) {
        (_, None) => false,
        (Some(committed), Some(end)) => committed == end,
        (None, Some(end)) => end == 0 || beginning == Some(end),
    }
}

#[cfg(test)]
mod tests {
    use super::has_read_all;

    #[test]
    fn a_group_has_read_all_only_where_nothing_is_left_for_it() {
        assert!(has_read_all(Some(7), Some(7), None));
        assert!(!has_read_all(Some(6), Some(7), None));
        assert!(!has_read_all(Some(8), Some(7), None), "the topic was made anew, and is read from its beginning");
        assert!(has_read_all(None, Some(0), None));
        assert!(!has_read_all(None, Some(7), None), "who knows what the partition holds?");
        assert!(!has_read_all(None, Some(7), Some(3)));
        assert!(has_read_all(None, Some(7), Some(7)), "all of it has expired");
        assert!(!has_read_all(Some(7), None, None));
    }
}
