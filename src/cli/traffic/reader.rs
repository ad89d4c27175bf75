//! Reads partitions from a given place, without a group and without committing anything.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::bail;

use crate::kafka::{Consumer, ConsumerEvent, Message, Position, Settings, Slot, TopicInfo, TopicPartition};

/// Nobody commits in it; Kafka only wants every consumer to name one.
const GROUP: &str = "eddyline-command-line";
/// How long to sleep when nothing is there and nobody wakes us.
const NAP: Duration = Duration::from_millis(50);
const TAKE: usize = 500;

pub(in crate::cli) struct Reader {
    consumer: Consumer,
    partitions: Vec<(TopicPartition, Slot)>,
    bell: Arc<Bell>,
}

/// The first offset of a partition and the one behind its last record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Ends {
    pub(in crate::cli) partition: TopicPartition,
    pub(in crate::cli) low: i64,
    pub(in crate::cli) high: i64,
}

#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Reader {
    pub(in crate::cli) fn new(settings: &Settings, partitions: &[(TopicPartition, Position)]) -> anyhow::Result<Self> {
        let bell = Arc::<Bell>::default();
        let wake = Arc::clone(&bell);
        let mut consumer = Consumer::new(settings, GROUP, Arc::new(move || wake.ring()))?;
        let slots = consumer.assign(partitions)?;
        let partitions = partitions.iter().map(|(partition, _)| partition.clone()).zip(slots).collect();
        Ok(Reader { consumer, partitions, bell })
    }

    /// All partitions of these topics, from their first records.
    pub(in crate::cli) fn from_beginning<'a>(
        settings: &Settings,
        topics: impl IntoIterator<Item = &'a TopicInfo>,
    ) -> anyhow::Result<Self> {
        let partitions: Vec<(TopicPartition, Position)> = topics
            .into_iter()
            .flat_map(|topic| {
                let name: Arc<str> = topic.name.as_str().into();
                (0..topic.partitions)
                    .map(move |number| (TopicPartition::new(Arc::clone(&name), number), Position::Beginning))
            })
            .collect();
        Reader::new(settings, &partitions)
    }

    /// Where each partition begins and ends, in the order in which they were given.
    pub(in crate::cli) fn ends(&mut self, timeout: Duration) -> anyhow::Result<Vec<Ends>> {
        let deadline = Instant::now() + timeout;
        loop {
            self.serve()?;
            let known: Vec<Ends> = self
                .partitions
                .iter()
                .filter_map(|(partition, slot)| {
                    let (low, high) = self.consumer.watermarks(*slot)?;
                    (high >= 0).then(|| Ends { partition: partition.clone(), low: low.max(0), high })
                })
                .collect();
            if known.len() == self.partitions.len() {
                return Ok(known);
            }
            if Instant::now() >= deadline {
                let missing = self.partitions.iter().find(|(one, _)| known.iter().all(|ends| ends.partition != *one));
                let missing = missing.map(|(partition, _)| partition.to_string()).unwrap_or_default();
                bail!("Kafka did not say within {timeout:?} where {missing} ends");
            }
            self.bell.wait(NAP);
        }
    }

    /// Hands over every record up to the ends as they are now, unless `each` says that it has seen enough.
    /// Between one record and the next no more than `timeout` may pass.
    pub(in crate::cli) fn read(
        &mut self,
        timeout: Duration,
        mut each: impl FnMut(&Message) -> bool,
    ) -> anyhow::Result<()> {
        let ends = self.ends(timeout)?;
        let mut deadline = Instant::now() + timeout;
        let mut open: Vec<(Slot, i64)> = self
            .partitions
            .iter()
            .zip(&ends)
            .filter(|(_, ends)| ends.low < ends.high)
            .map(|((_, slot), ends)| (*slot, ends.high))
            .collect();
        let mut records = Vec::new();
        while !open.is_empty() {
            self.serve()?;
            let mut progress = false;
            let mut index = 0;
            while let Some((slot, end)) = open.get(index).copied() {
                records.clear();
                self.consumer.take(slot, TAKE, &mut records)?;
                progress |= !records.is_empty();
                for record in records.iter().filter(|record| record.offset() < end) {
                    if !each(record) {
                        return Ok(());
                    }
                }
                // The position also passes what is no record, such as the marks of transactions.
                let done = self.consumer.position(slot).is_some_and(|position| position >= end);
                if done {
                    open.swap_remove(index);
                } else {
                    index += 1;
                }
            }
            if progress {
                deadline = Instant::now() + timeout;
            } else {
                if Instant::now() >= deadline {
                    let (slot, end) = open[0];
                    let partition = self.consumer.partition(slot).map(ToString::to_string).unwrap_or_default();
                    bail!(
                        "the records of {partition} up to offset {end} did not come within {timeout:?}; while a \
                         transaction of a program that was killed is open there, Kafka shows nothing behind it: it ends \
                         within its transaction.timeout.ms, so try again in a minute"
                    );
                }
                self.bell.wait(NAP);
            }
        }
        Ok(())
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        while let Some(event) = self.consumer.poll() {
            if let ConsumerEvent::Fatal(error) = event {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    fn wait(&self, timeout: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rung, _) =
            self.changed.wait_timeout_while(rung, timeout, |rung| !*rung).unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Line, Writer};
    use super::*;
    use crate::kafka::{EmbeddedBroker, Topics};

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn what_was_written_is_read_from_beginning_to_end_and_nothing_is_committed() {
        let broker = Arc::new(EmbeddedBroker::start(1).unwrap());
        broker.create_topic("full", 2).unwrap();
        broker.create_topic("empty", 1).unwrap();
        let settings = Settings { brokers: broker.bootstrap_servers().to_owned(), ..Settings::default() };
        let mut writer = Writer::new(&settings).unwrap();
        for number in 0..1000 {
            let line = Line { key: Some(format!("key-{number}")), value: number.to_string().into_bytes() };
            writer.write("full", &line, None).unwrap();
        }
        assert_eq!(writer.finish(PATIENCE).unwrap(), 1000);

        let topics = Topics::new(&settings, Some(Arc::clone(&broker))).unwrap();
        let infos = topics.describe(&["full", "empty"], PATIENCE).unwrap();
        let infos: Vec<TopicInfo> = infos.into_iter().flatten().collect();
        for _ in 0..2 {
            let mut reader = Reader::from_beginning(&settings, &infos).unwrap();
            let ends = reader.ends(PATIENCE).unwrap();
            assert_eq!(ends.iter().map(|ends| ends.high).sum::<i64>(), 1000);
            assert_eq!(ends[2].high, 0);
            let mut values = std::collections::BTreeSet::new();
            reader.read(PATIENCE, |record| values.insert(record.value().unwrap().to_vec())).unwrap();
            assert_eq!(values.len(), 1000);
        }
    }

    #[test]
    fn reading_begins_at_a_given_offset_and_ends_when_enough_was_seen() {
        let broker = Arc::new(EmbeddedBroker::start(1).unwrap());
        broker.create_topic("one", 1).unwrap();
        let settings = Settings { brokers: broker.bootstrap_servers().to_owned(), ..Settings::default() };
        let mut writer = Writer::new(&settings).unwrap();
        for number in 0..10 {
            writer.write("one", &Line { key: None, value: number.to_string().into_bytes() }, None).unwrap();
        }
        writer.finish(PATIENCE).unwrap();
        let place = (TopicPartition::new("one", 0), Position::Offset(4));
        let mut offsets = Vec::new();
        Reader::new(&settings, &[place])
            .unwrap()
            .read(PATIENCE, |record| {
                offsets.push(record.offset());
                offsets.len() < 3
            })
            .unwrap();
        assert_eq!(offsets, [4, 5, 6]);
    }
}
