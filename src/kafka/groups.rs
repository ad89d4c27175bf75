//! Many groups seen from outside, by the one client that looks at topics: where they stand, and where their partitions
//! end.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::log::plain_log_of;
use super::native::{Client, Entry, Kind, PartitionList, Spec, c_name};
use super::settings::pairs;
use super::{Code, Error, Result, Settings, TopicPartition, Topics};

const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Asks for groups without being in any. Each call takes no longer than its time, whatever the number of groups.
#[derive(Clone)]
pub struct Groups {
    pub(super) client: Arc<Client>,
}

/// A group and the partitions that it is asked about.
#[derive(Clone, Debug)]
pub struct GroupPartitions {
    pub group: String,
    pub partitions: Vec<TopicPartition>,
}

impl Groups {
    pub fn new(topics: &Topics) -> Groups {
        Groups { client: Arc::clone(topics.client()) }
    }

    /// The same over a connection of their own.
    pub fn apart(settings: &Settings) -> Result<Groups> {
        let client = Client::new(Kind::Consumer, pairs(&settings.admin()), 0, plain_log_of("groups".to_owned()))?;
        client.abandon();
        Ok(Groups { client })
    }

    /// Where the groups stand, in the given order, without what open transactions are about to commit.
    pub fn committed(&self, asked: &[GroupPartitions], timeout: Duration) -> Vec<Result<Vec<Option<i64>>>> {
        let deadline = Instant::now() + timeout;
        let mut results: Vec<Result<Vec<Option<i64>>>> = asked.iter().map(|_| Ok(Vec::new())).collect();
        let mut open: Vec<usize> = (0..asked.len()).collect();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answers = self.ask_groups(open.iter().map(|&place| &asked[place]), left);
            let mut again = Vec::new();
            for (place, answer) in open.into_iter().zip(answers) {
                let answer = answer.and_then(|entries| in_order(&asked[place].partitions, entries));
                if answer.as_ref().is_err_and(|error| error.code().is_some_and(Code::is_coordinator_change)) {
                    again.push(place);
                }
                results[place] = answer;
            }
            if again.is_empty() || deadline.saturating_duration_since(Instant::now()) < RETRY_INTERVAL {
                return results;
            }
            open = again;
            thread::sleep(RETRY_INTERVAL);
        }
    }

    fn ask_groups<'a>(
        &self,
        asked: impl Iterator<Item = &'a GroupPartitions>,
        timeout: Duration,
    ) -> Vec<Result<Vec<Entry>>> {
        // What has no partitions, or a name that Kafka cannot have, is not asked for.
        let mut answers = Vec::new();
        let mut requests = Vec::new();
        for one in asked {
            match c_name(&one.group) {
                Ok(name) if !one.partitions.is_empty() => {
                    let mut list = PartitionList::new(one.partitions.len());
                    one.partitions.iter().for_each(|partition| list.add_partition(partition, -1));
                    requests.push((name, Some(list)));
                    answers.push(None);
                }
                Ok(_) => answers.push(Some(Ok(Vec::new()))),
                Err(error) => answers.push(Some(Err(error))),
            }
        }
        let mut given = self.client.group_offsets(&requests, timeout).into_iter();
        let missing = || Err(Error::Client("an answer is missing".to_owned()));
        answers.into_iter().map(|known| known.or_else(|| given.next()).unwrap_or_else(missing)).collect()
    }

    /// Where partitions end, in the given order; nothing where that cannot be said now. An error if it can be said of
    /// none.
    pub fn ends(&self, partitions: &[TopicPartition], timeout: Duration) -> Result<Vec<Option<i64>>> {
        self.offsets(partitions, Spec::Latest, timeout)
    }

    /// The first offsets that partitions still have, in the same way.
    pub fn beginnings(&self, partitions: &[TopicPartition], timeout: Duration) -> Result<Vec<Option<i64>>> {
        self.offsets(partitions, Spec::Earliest, timeout)
    }

    fn offsets(&self, partitions: &[TopicPartition], spec: Spec, timeout: Duration) -> Result<Vec<Option<i64>>> {
        let entries = self.client.list_known_offsets(partitions, spec, timeout)?;
        let known = |entry: &Entry| entry.known().filter(|_| entry.code == Code(0));
        Ok(entries.iter().map(known).collect())
    }

    /// All partitions that a group has an offset for.
    pub(super) fn partitions_of(&self, group: &str, timeout: Duration) -> Result<Vec<TopicPartition>> {
        let asked: [(CString, Option<PartitionList>); 1] = [(c_name(group)?, None)];
        let mut answers = self.client.group_offsets(&asked, timeout);
        let entries = answers.pop().unwrap_or_else(|| Ok(Vec::new()))?;
        Ok(entries.into_iter().filter(|entry| entry.known().is_some()).map(|entry| entry.partition).collect())
    }
}

/// Kafka answers for all partitions that it was asked for, in an order of its own.
fn in_order(partitions: &[TopicPartition], entries: Vec<Entry>) -> Result<Vec<Option<i64>>> {
    let mut known = HashMap::with_capacity(entries.len());
    for entry in entries {
        if entry.code != Code(0) {
            let reason = format!("{}: {}", entry.partition, entry.code);
            return Err(Error::Kafka { operation: "asking for committed offsets", code: entry.code, reason });
        }
        let offset = entry.known();
        known.insert(entry.partition, offset);
    }
    Ok(partitions.iter().map(|partition| known.get(partition).copied().flatten()).collect())
}
