//! What a dead letter says about itself, without the record that it carries.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kafka::{Message, TopicPartition};

const FIRST: &[u8] = b"eddyline.error.function";

/// Where a letter is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) at: TopicPartition,
    pub(super) offset: i64,
}

/// Who wrote a letter, why, and where its record was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) place: Place,
    /// Kafka's timestamp of the letter, in milliseconds since 1970.
    pub(super) written: i64,
    pub(super) function: String,
    pub(super) version: String,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) stack: String,
    pub(super) attempts: u32,
    pub(super) failed_at: Option<Timestamp>,
    pub(super) record: Origin,
}

/// Where the record was that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) timestamp: Option<Timestamp>,
}

impl Place {
    pub(super) fn of(message: &Message) -> Place {
        Place { at: TopicPartition::new(message.topic(), message.partition()), offset: message.offset() }
    }

    /// `TOPIC/PARTITION/OFFSET`.
    pub(super) fn parse(text: &str) -> Option<Place> {
        let mut parts = text.rsplitn(3, '/');
        let offset: i64 = parts.next()?.parse().ok()?;
        let partition: i32 = parts.next()?.parse().ok()?;
        let topic = parts.next().filter(|topic| !topic.is_empty())?;
        (offset >= 0 && partition >= 0).then(|| Place { at: TopicPartition::new(topic, partition), offset })
    }

    pub(super) fn as_json(&self) -> Value {
        json!({ "topic": &*self.at.topic, "partition": self.at.partition, "offset": self.offset })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.at, self.offset)
    }
}

/// Where our headers begin, behind the record's own. That record may have been a letter itself, so the last ones count.
pub(super) fn begin_of_ours<'h>(names: impl DoubleEndedIterator<Item = &'h [u8]> + ExactSizeIterator) -> Option<usize> {
    names.enumerate().rev().find(|(_, name)| *name == FIRST).map(|(place, _)| place)
}

impl Head {
    /// Nothing where the record is no letter.
    pub(super) fn of(message: &Message) -> Option<Head> {
        let headers: Vec<(&[u8], Option<&[u8]>)> = message.headers().collect();
        let begin = begin_of_ours(headers.iter().map(|(name, _)| *name))?;
        Some(Head::read(Place::of(message), message.timestamp().unwrap_or(-1), &headers[begin..]))
    }

    fn read(place: Place, written: i64, ours: &[(&[u8], Option<&[u8]>)]) -> Head {
        let said = |name: &str| {
            let is_it =
                |header: &[u8]| header.strip_prefix(b"eddyline.error.").is_some_and(|rest| rest == name.as_bytes());
            let value = ours.iter().find(|(header, _)| is_it(header)).and_then(|(_, value)| *value);
            String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
        };
        Head {
            place,
            written,
            function: said("function"),
            version: said("version"),
            code: said("code"),
            message: said("message"),
            stack: said("stack"),
            attempts: said("attempts").parse().unwrap_or(0),
            failed_at: said("failed-at").parse().ok(),
            record: Origin {
                topic: said("topic"),
                partition: said("partition").parse().unwrap_or(-1),
                offset: said("offset").parse().unwrap_or(-1),
                timestamp: said("timestamp").parse().ok(),
            },
        }
    }

    /// When the record failed for good.
    pub(super) fn time(&self) -> Timestamp {
        self.failed_at.or_else(|| Timestamp::from_millisecond(self.written).ok()).unwrap_or_default()
    }

    pub(super) fn as_json(&self) -> Value {
        let Origin { topic, partition, offset, timestamp } = &self.record;
        let time = |time: &Timestamp| format!("{time:.3}");
        json!({
            "function": self.function,
            "letter": self.place.as_json(),
            "code": self.code,
            "message": self.message,
            "stack": self.stack,
            "attempts": self.attempts,
            "failed_at": time(&self.time()),
            "version": self.version,
            "record": {
                "topic": topic, "partition": partition, "offset": offset, "timestamp": timestamp.as_ref().map(time),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let place = Place { at: TopicPartition::new("a.dead-letter", 3), offset: 17 };
        assert_eq!(place.to_string(), "a.dead-letter/3/17");
        assert_eq!(Place::parse("a.dead-letter/3/17"), Some(place));
        for wrong in ["", "a", "a/1", "a/b/1", "a/1/b", "/1/2", "a/-1/2", "a/1/-2", "a/1/2/"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn of_a_letter_about_a_letter_the_last_failure_counts() {
        let names: [&[u8]; 5] = [b"own", FIRST, b"eddyline.error.code", FIRST, b"eddyline.error.code"];
        assert_eq!(begin_of_ours(names.into_iter()), Some(3));
        assert_eq!(begin_of_ours([&b"own"[..]].into_iter()), None);
    }

    #[test]
    fn what_is_missing_or_wrong_leaves_the_rest_readable() {
        let ours: [(&[u8], Option<&[u8]>); 4] = [
            (FIRST, Some(b"f")),
            (b"eddyline.error.attempts", Some(b"many")),
            (b"eddyline.error.code", None),
            (b"eddyline.error.failed-at", Some(b"2026-01-31T12:00:00.250Z")),
        ];
        let head = Head::read(Place::parse("t/0/1").unwrap(), 5, &ours);
        assert_eq!((head.function.as_str(), head.code.as_str(), head.attempts), ("f", "", 0));
        assert_eq!(head.time().as_millisecond(), 1_769_860_800_250);
    }
}
