//! What became of letters: replayed, discarded, or written anew. One record for each of them in a compacted topic.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    desk::{Desk, READ, TIMEOUT, partitions_of},
    head::{Head, Place},
    select::Wanted,
};
use crate::{
    cli::{exit, failure::Failure, traffic::Reader},
    kafka::{NewTopic, Position, Start, TopicPartition},
};

/// Its keys are `FUNCTION/TOPIC/PARTITION/OFFSET`, by the place of the letter.
pub(super) const TOPIC: &str = "_eddyline.dead-letters";
const CREATE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Its record was run again, and what came of it was written.
    Replayed,
    /// Somebody decided that nothing is to come of it.
    Discarded,
    /// Its record failed again, and a new letter says so.
    Renewed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) state: State,
    /// When that was.
    pub(super) at: String,
    /// Kafka's timestamp of the letter. A topic that was deleted and made anew has other letters at the same places.
    pub(super) written: i64,
    /// The content of the function that the record was replayed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    /// What the replay ended in, and how many results it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) results: Option<usize>,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            State::Replayed => "replayed",
            State::Discarded => "discarded",
            State::Renewed => "renewed",
        }
    }
}

impl Mark {
    pub(super) fn new(state: State, head: &Head) -> Mark {
        let at = format!("{:.3}", Timestamp::now());
        Mark { state, at, written: head.written, digest: None, outcome: None, results: None }
    }

    pub(super) fn value(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

pub(super) fn key(head: &Head) -> String {
    format!("{}/{}", head.function, head.place)
}

/// All marks as they were when they were read.
#[derive(Debug, Default)]
pub(super) struct Marks(HashMap<String, Mark>);

impl Marks {
    /// None where the topic does not exist yet.
    pub(super) fn read(desk: &Desk<'_>) -> anyhow::Result<Marks> {
        let mut marks = HashMap::new();
        let Some(topic) = desk.describe(&[TOPIC])?.pop().flatten() else { return Ok(Marks::default()) };
        let partitions: Vec<TopicPartition> = partitions_of(&topic).collect();
        let highs = desk.topics.offsets(&partitions, Start::Latest, TIMEOUT)?;
        let lows = desk.topics.offsets(&partitions, Start::Earliest, TIMEOUT)?;
        let filled = lows.into_iter().zip(highs).filter(|((_, low), (_, high))| low < high);
        let filled: Vec<(TopicPartition, Position)> =
            filled.map(|((at, low), _)| (at, Position::Offset(low))).collect();
        if filled.is_empty() {
            return Ok(Marks::default());
        }
        Reader::new(&desk.settings, &filled)?.read(READ, |record| {
            let Some(key) = record.key().and_then(|key| std::str::from_utf8(key).ok()) else { return true };
            // What cannot be read marks nothing: a letter is rather shown once more than hidden.
            match record.value().and_then(|value| serde_json::from_slice(value).ok()) {
                Some(mark) => _ = marks.insert(key.to_owned(), mark),
                None => _ = marks.remove(key),
            }
            true
        })?;
        Ok(Marks(marks))
    }

    /// What became of the letter; nothing while it is open.
    pub(super) fn of(&self, head: &Head) -> Option<&Mark> {
        self.0.get(&key(head)).filter(|mark| mark.written == head.written)
    }

    /// The keys of marks whose letters Kafka has let go of, as far as they are of these topics.
    pub(super) fn obsolete(&self, desk: &Desk<'_>, wanted: &Wanted) -> anyhow::Result<Vec<String>> {
        let partitions: Vec<TopicPartition> = wanted.topics.iter().flat_map(partitions_of).collect();
        let lows: HashMap<TopicPartition, i64> =
            desk.topics.offsets(&partitions, Start::Earliest, TIMEOUT)?.into_iter().collect();
        let is_gone = |key: &&String| {
            let place = key.split_once('/').and_then(|(_, place)| Place::parse(place));
            place.is_some_and(|place| lows.get(&place.at).is_some_and(|low| place.offset < *low))
        };
        Ok(self.0.keys().filter(is_gone).cloned().collect())
    }
}

/// Makes the topic where it is missing.
pub(super) fn prepare(desk: &Desk<'_>) -> anyhow::Result<()> {
    if desk.describe(&[TOPIC])?.iter().any(Option::is_some) {
        return Ok(());
    }
    let replication = i32::from(desk.config.topics.replication_factor);
    let topic = NewTopic {
        name: TOPIC.to_owned(),
        partitions: 1,
        replication: (replication > 0).then_some(replication),
        configs: [("cleanup.policy".to_owned(), "compact".to_owned())].into(),
    };
    desk.topics.create(&[topic], CREATE_TIMEOUT).map_err(|error| {
        Failure::new(
            exit::FAILURE,
            format!("cannot make the topic {TOPIC}, which keeps what became of letters: {error}"),
        )
        .with_hint("allow it, or make the topic with one partition and cleanup.policy = compact")
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written_and_tell_unlike_letters_apart() {
        let mark: Mark = serde_json::from_str(r#"{"state":"discarded","at":"t","written":5,"later":1}"#).unwrap();
        assert_eq!((mark.state, mark.written, &mark.outcome), (State::Discarded, 5, &None));
        assert_eq!(serde_json::from_slice::<Mark>(&mark.value()).unwrap(), mark);
        assert!(serde_json::from_str::<Mark>(r#"{"state":"other","at":"t","written":5}"#).is_err());
        for state in [State::Replayed, State::Discarded, State::Renewed] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
