//! The thread that reads the wishes' topic: from its beginning to where it ends, and then whatever comes.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::TOPIC;
use super::book::{Standing, Wishes, refused};
use super::write::READ;
use crate::kafka::{self, Code, Consumer, ConsumerEvent, Groups, Message, NewTopic, Position, Slot, TopicPartition};

/// Nobody commits in it; Kafka only wants every consumer to name one.
const GROUP: &str = "eddyline-wishes";
/// How long one question to Kafka may take.
const CALL: Duration = Duration::from_secs(10);
/// The same for one whose answer only saves time.
const BRIEF: Duration = Duration::from_secs(3);
/// How often a broker that does not answer is asked again.
const RETRY: Duration = Duration::from_millis(500);
/// How often a topic that we may not make or read is tried again.
const DENIED: Duration = Duration::from_secs(30);
/// How long functions wait for the wishes to be read, once the topic is there.
const PATIENCE: Duration = Duration::from_secs(15);
/// Nothing more has come for so long: the rest of the log holds no records any more.
const SILENCE: Duration = Duration::from_secs(2);
/// How often to look although nobody rang.
const LOOK: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_secs(1);
const TAKE: usize = 500;

/// Why the topic is not followed at present.
enum Trouble {
    /// The broker does not answer; nothing is known about the topic.
    Away(kafka::Error),
    /// The topic cannot be used as things are, and is tried again after so long.
    Unusable(String, Duration),
}

pub(super) fn run(wishes: &Wishes, rung: &Receiver<()>) {
    while !wishes.is_stopping() {
        let trouble = match ensure(wishes) {
            Ok(()) => follow(wishes, rung).err().map(|error| match refused(&error) {
                true => Trouble::Unusable(format!("cannot read {TOPIC}: {error}"), DENIED),
                false => Trouble::Away(error),
            }),
            Err(trouble) => Some(trouble),
        };
        let pause = match trouble {
            None => Duration::ZERO,
            Some(Trouble::Away(error)) => {
                tracing::debug!(%error, topic = TOPIC, "the wishes cannot be followed at present");
                RETRY
            }
            Some(Trouble::Unusable(reason, pause)) => {
                wishes.enter(Standing::Unavailable(reason));
                pause
            }
        };
        let until = Instant::now() + pause;
        while !wishes.is_stopping() && rung.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

/// Makes the topic if it is missing.
fn ensure(wishes: &Wishes) -> Result<(), Trouble> {
    let found = wishes.0.topics.describe(&[TOPIC], CALL).map_err(Trouble::Away)?;
    if found.iter().any(Option::is_some) {
        return Ok(());
    }
    let topic = NewTopic {
        name: TOPIC.to_owned(),
        partitions: 1,
        replication: wishes.0.replication,
        configs: [("cleanup.policy".to_owned(), "compact".to_owned())].into(),
    };
    wishes.0.topics.create(&[topic], CALL).map_err(|error| {
        // A broker that is only slow may have made it the next time.
        let is_slow = error.code().is_some_and(|code| code == Code::TIMED_OUT || code.is_unreachable());
        Trouble::Unusable(format!("cannot make {TOPIC}: {error}"), if is_slow { RETRY } else { DENIED })
    })
}

/// Reads until the node stops, or the consumer is of no more use.
fn follow(wishes: &Wishes, rung: &Receiver<()>) -> kafka::Result<()> {
    let bell = wishes.0.bell.clone();
    let opened = Instant::now();
    let mut consumer = Consumer::new(&wishes.0.settings, GROUP, Arc::new(move || _ = bell.try_send(())))?;
    let (position, end) = opening(wishes);
    let slots = consumer.assign(&[(TopicPartition::new(TOPIC, 0), position)])?;
    wishes.book().begin_anew();
    let (mut is_read, mut heard) = (false, Instant::now());
    let (mut ready, mut buffer) = (Vec::new(), Vec::new());
    while !wishes.is_stopping() {
        serve(&mut consumer)?;
        // Asked although there is one partition: only what was asked for rings the bell again.
        ready.clear();
        consumer.ready(&mut ready);
        buffer.clear();
        let taken = match consumer.take(slots[0], TAKE, &mut buffer) {
            Ok(taken) => taken,
            Err(error) if is_over(&error) => return Err(error),
            Err(error) => {
                tracing::debug!(%error, topic = TOPIC, "reading the wishes failed and goes on");
                buffer.len()
            }
        };
        learn(wishes, &buffer);
        if taken > 0 {
            heard = Instant::now();
            continue;
        }
        if is_read {
            amend(wishes);
        } else if reaches_end(wishes, &consumer, slots[0], end, heard) {
            is_read = true;
            wishes.enter(Standing::Following);
        } else if opened.elapsed() > PATIENCE && wishes.known().is_none() {
            let reason = format!("{TOPIC} could not be read within {PATIENCE:?}");
            wishes.enter(Standing::Unavailable(reason));
        }
        let _ = rung.recv_timeout(if is_read { IDLE } else { LOOK });
    }
    Ok(())
}

/// Where the topic begins, and where it ends by now, if that can be said. A consumer that is left to find out by itself
/// takes half a second for each, in which no function starts.
fn opening(wishes: &Wishes) -> (Position, Option<i64>) {
    let (groups, partition) = (Groups::new(&wishes.0.topics), [TopicPartition::new(TOPIC, 0)]);
    let only = |found: kafka::Result<Vec<Option<i64>>>| found.ok()?.into_iter().next()?;
    match (only(groups.beginnings(&partition, BRIEF)), only(groups.ends(&partition, BRIEF))) {
        (Some(first), end) => (Position::Offset(first), end),
        (None, _) => (Position::Beginning, None),
    }
}

/// Where a record that does not count is the newest of its function, and whoever wrote it does not write again, writes what
/// counts: of each function compaction keeps the newest record, and nodes that start later would take it for what counts.
fn amend(wishes: &Wishes) {
    let owed = wishes.book().owed(Instant::now());
    owed.iter().for_each(|function| wishes.wish_later(function, |_| {}));
}

/// Hears what the consumer has to say.
fn serve(consumer: &mut Consumer) -> kafka::Result<()> {
    while let Some(event) = consumer.poll() {
        obey(event)?;
    }
    Ok(())
}

fn obey(event: ConsumerEvent) -> kafka::Result<()> {
    match event {
        ConsumerEvent::Fatal(error) => Err(error),
        ConsumerEvent::Error(error) if is_over(&error) => Err(error),
        // The topic was made anew or has lost records, so that what is known of places in it is wrong. The consumer would
        // go on by itself, but not say from which record on.
        ConsumerEvent::OffsetReset { detail, .. } => Err(kafka::Error::Kafka {
            operation: "reading the wishes",
            code: Code::OFFSET_OUT_OF_RANGE,
            reason: detail,
        }),
        _ => Ok(()),
    }
}

/// Whether the consumer cannot go on by itself: we may not read the topic, or it is gone.
fn is_over(error: &kafka::Error) -> bool {
    let gone = [Code::UNKNOWN_TOPIC, Code::UNKNOWN_TOPIC_OR_PARTITION];
    refused(error) || error.code().is_some_and(|code| gone.contains(&code))
}

fn learn(wishes: &Wishes, records: &[Message]) {
    if records.is_empty() {
        return;
    }
    wishes.change(|book| {
        let mut news = false;
        for record in records {
            let Some(Ok(function)) = record.key().map(std::str::from_utf8) else { continue };
            news |= book.learn(function, record.offset(), read_before(record), record.value());
        }
        news
    });
}

/// How much of the topic its writer had read; nothing if that was none of us.
fn read_before(record: &Message) -> Option<i64> {
    let (_, value) = record.headers().find(|(name, _)| *name == READ.as_bytes())?;
    std::str::from_utf8(value?).ok()?.parse().ok()
}

/// Whether everything that was there has been read. `end` is where the topic ended when it was opened.
fn reaches_end(wishes: &Wishes, consumer: &Consumer, slot: Slot, end: Option<i64>, heard: Instant) -> bool {
    let next = consumer.position(slot).unwrap_or(0).max(wishes.book().next);
    if end.is_some_and(|end| next >= end) {
        return true;
    }
    let Some((low, high)) = consumer.watermarks(slot) else { return false };
    // Behind the last record there may be only what is none, or what compaction has removed.
    low == high || next >= high || heard.elapsed() > SILENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_begins_anew_is_read_anew() {
        let (partition, detail) = (TopicPartition::new(TOPIC, 0), "out of range".to_owned());
        let error = obey(ConsumerEvent::OffsetReset { partition, detail }).unwrap_err();
        assert!(!refused(&error), "at once, and not as one that may not be read: {error}");
        let passing = kafka::Error::Kafka { operation: "fetching", code: Code::TIMED_OUT, reason: String::new() };
        obey(ConsumerEvent::Error(passing)).unwrap();
    }
}
