//! Where a job is to begin and to end, as people name it: something has to lie between the two.

use jiff::Timestamp;

use crate::{
    cli::{exit, failure::Failure},
    moves::{TARGET_HINT, Target},
};

/// The places of `--from` and `--to`; the latter is where the topics end, unless somebody names another.
pub(super) fn between(from: &str, to: Option<&str>, now: Timestamp) -> Result<(Target, Target), Failure> {
    let (begin, end) = (place("--from", from, now)?, place("--to", to.unwrap_or("latest"), now)?);
    if begin.may_be_before(end) {
        return Ok((begin, end));
    }
    let to = to.map_or_else(|| "where the topics end now".to_owned(), |to| format!("--to {}", named(to, end)));
    Err(nothing(format!("nothing lies between --from {} and {to}", named(from, begin))))
}

/// The places were looked up, and nothing lies between them anywhere.
pub(super) fn nothing_between(from: Target, to: Target) -> Failure {
    nothing(format!("nothing lies between --from {from} and --to {to} in any partition"))
}

fn nothing(message: String) -> Failure {
    let hint = "--from is the earlier of the two: --from 2h --to 1h is the hour that ended an hour ago";
    Failure::new(exit::USAGE, message).with_hint(hint)
}

/// As it was written, with the time that it stands for.
fn named(text: &str, target: Target) -> String {
    let resolved = target.to_string();
    if resolved == text { resolved } else { format!("{text} ({resolved})") }
}

fn place(option: &str, text: &str, now: Timestamp) -> Result<Target, Failure> {
    Target::parse(text, now).ok_or_else(|| {
        Failure::new(exit::USAGE, format!("{option} {text:?} is no place in a topic")).with_hint(TARGET_HINT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(from: &str, to: Option<&str>) -> Option<String> {
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        between(from, to, now).err().map(|failure| failure.to_string())
    }

    #[test]
    fn what_is_the_wrong_way_round_is_refused_with_the_times_that_it_means() {
        let message = refusal("1h", Some("2h")).unwrap();
        assert_eq!(message, "nothing lies between --from 1h (2026-01-31T11:00:00Z) and --to 2h (2026-01-31T10:00:00Z)");
        for (from, to) in [("7", Some("7")), ("8", Some("7")), ("2026-01-31", Some("2026-01-30"))] {
            assert!(refusal(from, to).is_some(), "{from} {to:?}");
        }
        for (from, to) in [("latest", None), ("latest", Some("2h")), ("2h", Some("earliest")), ("latest", Some("9"))] {
            assert!(refusal(from, to).is_some(), "{from} {to:?}");
        }
    }

    #[test]
    fn what_only_the_topics_can_tell_is_not_refused_yet() {
        for (from, to) in [("2h", Some("1h")), ("0", Some("3")), ("earliest", None), ("9", None), ("1h", None)] {
            assert_eq!(refusal(from, to), None, "{from} {to:?}");
        }
        for (from, to) in [("5", Some("1h")), ("1h", Some("5")), ("earliest", Some("2h")), ("earliest", Some("0"))] {
            assert_eq!(refusal(from, to), None, "{from} {to:?}");
        }
    }
}
