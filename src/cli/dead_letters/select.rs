//! Which letters are meant: by function or place, error code and time.

use std::collections::BTreeSet;

use clap::Args;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{desk::Desk, head::Head, head::Place};
use crate::{
    cli::{
        exit,
        failure::{Failure, What},
    },
    control::{self, PrepareLimits},
    kafka::TopicInfo,
    manifest::{MANIFEST_FILE, Manifest},
    node::worker_command,
    quantity::parse_duration,
};

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Selection {
    /// Functions by name, or single letters as TOPIC/PARTITION/OFFSET
    #[arg(value_name = "FUNCTION|LETTER")]
    which: Vec<String>,
    /// Only those with this error code; may be given several times
    #[arg(long, value_name = "CODE", value_parser = code)]
    code: Vec<String>,
    /// Only those that failed at this time or later: 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Only those that failed before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Look in this topic rather than in those that the functions' manifests name; may be given several times
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
}

/// The letters that are looked for, and where.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// They exist.
    pub(super) topics: Vec<TopicInfo>,
    /// Empty: those of all functions.
    functions: BTreeSet<String>,
    /// Empty: all of the topics.
    pub(super) places: BTreeSet<Place>,
    codes: Vec<String>,
    pub(super) since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Wanted {
    pub(super) fn takes(&self, head: &Head) -> bool {
        (self.functions.is_empty() || self.functions.contains(&head.function))
            && (self.places.is_empty() || self.places.contains(&head.place))
            && (self.codes.is_empty() || self.codes.contains(&head.code))
            && self.since.is_none_or(|since| head.time() >= since)
            && self.until.is_none_or(|until| head.time() < until)
    }

    /// These letters alone, in the same topics.
    pub(super) fn only(&self, places: BTreeSet<Place>) -> Wanted {
        Wanted { topics: self.topics.clone(), places, ..Wanted::default() }
    }
}

impl Selection {
    /// For what changes something: it has to be said what is meant.
    pub(super) fn require(&self) -> Result<(), Failure> {
        if self.which.is_empty() && self.topic.is_empty() {
            let hint = "for example: eddyline dead-letters list enrich-orders";
            return Err(Failure::new(exit::USAGE, "name a function, or letters by their places").with_hint(hint));
        }
        Ok(())
    }

    /// Finds the topics to look in.
    pub(super) fn resolve(&self, desk: &Desk<'_>) -> anyhow::Result<Wanted> {
        let mut wanted = Wanted { codes: self.code.clone(), since: self.since, until: self.until, ..Wanted::default() };
        for which in &self.which {
            match Place::parse(which) {
                Some(place) => _ = wanted.places.insert(place),
                None if which.contains('/') => {
                    let message = format!("{which:?} is no letter: it is named TOPIC/PARTITION/OFFSET");
                    return Err(Failure::new(exit::USAGE, message).into());
                }
                None => _ = wanted.functions.insert(which.clone()),
            }
        }
        if !wanted.functions.is_empty() && !wanted.places.is_empty() {
            return Err(Failure::new(exit::USAGE, "name functions or letters, not both at once").into());
        }
        let (names, must_exist) = self.topics(desk, &wanted)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (name, found) in names.iter().zip(desk.describe(&names)?) {
            match found {
                Some(topic) => wanted.topics.push(topic),
                None if must_exist => {
                    return Err(Failure::new(exit::FAILURE, format!("there is no topic {name:?}"))
                        .with_hint("--topic names the topic of the letters, --functions another folder of functions")
                        .into());
                }
                None => {}
            }
        }
        Ok(wanted)
    }

    /// The names of the topics to look in, and whether they were asked for one by one.
    fn topics(&self, desk: &Desk<'_>, wanted: &Wanted) -> anyhow::Result<(BTreeSet<String>, bool)> {
        if !wanted.places.is_empty() {
            return Ok((wanted.places.iter().map(|place| place.at.topic.to_string()).collect(), true));
        }
        if !self.topic.is_empty() {
            return Ok((self.topic.iter().cloned().collect(), true));
        }
        if !wanted.functions.is_empty() {
            let topics = wanted.functions.iter().map(|function| topic_of(desk, function));
            return Ok((topics.collect::<anyhow::Result<_>>()?, true));
        }
        Ok((topics_of_all(desk)?, false))
    }
}

/// Where this function's letters go. One whose folder is gone may have left letters where they go by default.
fn topic_of(desk: &Desk<'_>, function: &str) -> anyhow::Result<String> {
    let dir = desk.config.functions.path.join(function);
    if !dir.join(MANIFEST_FILE).is_file() {
        return Ok(crate::manifest::DeadLetter::of(function).topic);
    }
    let parsing = PrepareLimits::new(worker_command(&desk.config)?, desk.config.limits.clone()).parsing();
    let broken = |found| Failure { exit: exit::BAD_FUNCTIONS, what: What::Diagnostics(found) };
    Ok(Manifest::load(&dir, &parsing).map_err(broken)?.dead_letter.topic)
}

fn topics_of_all(desk: &Desk<'_>) -> anyhow::Result<BTreeSet<String>> {
    let path = &desk.config.functions.path;
    let found = control::scan(path).map_err(|error| {
        Failure::new(exit::FAILURE, format!("cannot read the functions in {}: {error}", path.display()))
            .with_hint("--functions names another folder, --topic a topic of letters")
    })?;
    let mut topics = BTreeSet::new();
    for function in found {
        match topic_of(desk, &function.name) {
            Ok(topic) => _ = topics.insert(topic),
            Err(_) => desk.context.note(&format!("{} is left out: its manifest is broken", function.name)),
        }
    }
    Ok(topics)
}

fn code(text: &str) -> Result<String, String> {
    let code = text.to_ascii_uppercase();
    let is_code = code.len() == 5 && code.starts_with('E') && code[1..].bytes().all(|byte| byte.is_ascii_digit());
    if is_code { Ok(code) } else { Err("a code is E and four digits, such as E2001".to_owned()) }
}

/// A moment; a day or a moment by the clock of this machine; or how long ago.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        let moment = local.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
        return Ok(moment.timestamp());
    }
    let ago = parse_duration(text).ok_or("give a time as 2026-01-31T12:00:00Z, a day as 2026-01-31, or 2h")?;
    Timestamp::now().checked_sub(ago).map_err(|_| "that is too long ago".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_moments_days_or_ages() {
        assert_eq!(time("2026-01-31T12:00:00Z").unwrap().as_second(), 1_769_860_800);
        let (day, noon) = (time("2026-01-31").unwrap(), time("2026-01-31T12:00").unwrap());
        assert_eq!((noon - day).get_seconds(), 12 * 3600);
        let ago = (Timestamp::now() - time("2h").unwrap()).get_seconds();
        assert!((7190..=7210).contains(&ago), "{ago}");
        assert!(time("yesterday").is_err() && time("5").is_err() && time("").is_err());
    }

    #[test]
    fn codes_are_checked() {
        assert_eq!(code("e2001").unwrap(), "E2001");
        for wrong in ["", "2001", "E201", "E20011", "EABCD", "Eäöü"] {
            assert!(code(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_letter_has_to_meet_every_condition() {
        let place = |text: &str| Place::parse(text).unwrap();
        let head = Head {
            place: place("t/0/1"),
            written: 5_000,
            function: "f".to_owned(),
            version: String::new(),
            code: "E2001".to_owned(),
            message: String::new(),
            stack: String::new(),
            attempts: 1,
            failed_at: None,
            record: Default::default(),
        };
        let second = |second| Some(Timestamp::from_second(second).unwrap());
        let takes = |wanted: Wanted| wanted.takes(&head);
        assert!(takes(Wanted::default()));
        assert!(takes(Wanted { since: second(5), until: second(6), ..Wanted::default() }));
        assert!(!takes(Wanted { since: second(6), ..Wanted::default() }));
        assert!(!takes(Wanted { until: second(5), ..Wanted::default() }));
        assert!(!takes(Wanted { codes: vec!["E2002".to_owned()], ..Wanted::default() }));
        assert!(!takes(Wanted { functions: BTreeSet::from(["g".to_owned()]), ..Wanted::default() }));
        assert!(!takes(Wanted { places: BTreeSet::from([place("t/0/2")]), ..Wanted::default() }));
    }
}
