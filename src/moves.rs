//! Moving a function's positions: the place that somebody names, and what going there means for each partition.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::quantity::parse_duration;

/// A place in topics, as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Earliest,
    Latest,
    /// The first record of that time or later.
    Time(Timestamp),
    Offset(i64),
}

/// What to tell people whose place was not understood.
pub const TARGET_HINT: &str = "give \"earliest\", \"latest\", a time such as 2026-01-31T00:00:00Z or 2026-01-31, how long ago, such as 2h, or an offset";

impl Target {
    pub fn parse(text: &str, now: Timestamp) -> Option<Target> {
        match text {
            "earliest" => return Some(Target::Earliest),
            "latest" => return Some(Target::Latest),
            _ => {}
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Target::Offset);
        }
        parse_time(text, now).map(Target::Time)
    }

    /// Whether records may lie from here up to the other place, as far as that can be said without the topics.
    pub fn may_be_before(self, other: Target) -> bool {
        match (self, other) {
            (_, Target::Earliest) | (Target::Latest, _) => false,
            (Target::Time(one), Target::Time(other)) => one < other,
            (Target::Offset(one), Target::Offset(other)) => one < other,
            _ => true,
        }
    }
}

/// A point in time: with its offset from UTC, a day, which begins at midnight in UTC, or how long before `now`.
pub fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(ago) = parse_duration(text) {
        return now.checked_sub(jiff::SignedDuration::try_from(ago).ok()?).ok();
    }
    let day = || text.parse::<civil::Date>().ok().filter(|_| text.len() == "2026-01-31".len());
    let midnight = |day: civil::Date| day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(|| day().and_then(midnight))
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Earliest => out.write_str("earliest"),
            Target::Latest => out.write_str("latest"),
            Target::Time(time) => write!(out, "{time}"),
            Target::Offset(offset) => write!(out, "{offset}"),
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Seek {
    pub to: String,
    /// Only in this topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Only in partitions of this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// Say what would come of it, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Where a group stands in a partition, and what the partition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub topic: String,
    pub partition: i32,
    pub committed: Option<i64>,
    /// The first offset that is there.
    pub low: i64,
    /// The offset behind the last record.
    pub high: i64,
}

/// What a seek means, or has meant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    pub function: String,
    pub group: String,
    pub to: String,
    /// Whether it was done.
    pub applied: bool,
    /// Whether the function is paused when it is done.
    pub paused: bool,
    pub partitions: Vec<Move>,
    pub skipped: u64,
    pub repeated: u64,
}

/// What it means for one partition. Offsets are counted; where a log has gaps there are fewer records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    pub topic: String,
    pub partition: i32,
    /// Nothing is committed there yet.
    pub from: Option<i64>,
    pub to: i64,
    pub skipped: u64,
    pub repeated: u64,
    /// The offset that was asked for is not there, and this is the nearest.
    pub is_nearest: bool,
}

impl Move {
    /// To `wanted`, or as near as the partition's records allow.
    pub fn new(standing: &Standing, wanted: i64) -> Move {
        let to = wanted.clamp(standing.low, standing.high.max(standing.low));
        // What the broker has deleted already is neither skipped nor repeated.
        let from = standing.committed.map(|from| from.clamp(standing.low, standing.high.max(standing.low)));
        let distance = |from: i64, to: i64| u64::try_from(to - from).unwrap_or(0);
        Move {
            topic: standing.topic.clone(),
            partition: standing.partition,
            from: standing.committed,
            to,
            skipped: from.map_or(0, |from| distance(from, to)),
            repeated: from.map_or(0, |from| distance(to, from)),
            is_nearest: to != wanted,
        }
    }

    pub fn moves(&self) -> bool {
        self.from != Some(self.to)
    }
}

impl Plan {
    pub fn new(function: &str, group: &str, to: Target, partitions: Vec<Move>) -> Plan {
        Plan {
            function: function.to_owned(),
            group: group.to_owned(),
            to: to.to_string(),
            applied: false,
            paused: false,
            skipped: partitions.iter().map(|one| one.skipped).sum(),
            repeated: partitions.iter().map(|one| one.repeated).sum(),
            partitions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-31T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn places_are_words_times_durations_or_offsets() {
        let time = |text: &str| Some(Target::Time(text.parse().unwrap()));
        for (text, expected) in [
            ("earliest", Some(Target::Earliest)),
            ("latest", Some(Target::Latest)),
            ("0", Some(Target::Offset(0))),
            ("1234", Some(Target::Offset(1234))),
            ("2026-01-30T00:00:00Z", time("2026-01-30T00:00:00Z")),
            ("2026-01-30T01:00:00+01:00", time("2026-01-30T00:00:00Z")),
            ("2026-01-30", time("2026-01-30T00:00:00Z")),
            ("2h", time("2026-01-31T10:00:00Z")),
            ("90m", time("2026-01-31T10:30:00Z")),
            ("2026-01-30T00:00:00", None),
            ("yesterday", None),
            ("-5", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(Target::parse(text, now()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_place_reads_back_as_itself() {
        for text in ["earliest", "latest", "42", "2026-01-30T00:00:00Z"] {
            assert_eq!(Target::parse(text, now()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn records_are_skipped_or_repeated_and_places_that_are_not_there_give_the_nearest() {
        let standing = |committed| Standing { topic: "t".to_owned(), partition: 0, committed, low: 10, high: 20 };
        let counts = |committed, wanted| {
            let one = Move::new(&standing(committed), wanted);
            (one.to, one.skipped, one.repeated, one.is_nearest)
        };
        assert_eq!(counts(Some(12), 18), (18, 6, 0, false));
        assert_eq!(counts(Some(18), 12), (12, 0, 6, false));
        assert_eq!(counts(Some(12), 12), (12, 0, 0, false));
        assert_eq!(counts(Some(12), 5), (10, 0, 2, true));
        assert_eq!(counts(Some(12), 99), (20, 8, 0, true));
        assert_eq!(counts(Some(3), 15), (15, 5, 0, false), "what is deleted is not skipped");
        assert_eq!(counts(None, 15), (15, 0, 0, false));
        assert!(!Move::new(&standing(Some(12)), 12).moves() && Move::new(&standing(None), 12).moves());
    }
}
