//! The rules for names of functions, tenants, topics, groups and variables.

use crate::{diagnostic::codes, document::ValueReader};

const MAX_FUNCTION_NAME: usize = 100;
const MAX_TOPIC_NAME: usize = 249;
const MAX_GROUP_NAME: usize = 255;

/// Whether a function (or tenant) can be called so; the error says why not.
pub fn check_function_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("it is empty".to_owned());
    }
    if let Some(wrong) = name.chars().find(|it| !matches!(it, 'a'..='z' | '0'..='9' | '-')) {
        return Err(format!("{wrong:?} is none of a-z, 0-9 and -"));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err("it starts or ends with -".to_owned());
    }
    if name.len() > MAX_FUNCTION_NAME {
        return Err(format!("it is longer than {MAX_FUNCTION_NAME} characters"));
    }
    Ok(())
}

/// Whether Kafka takes such a topic name; the error says why not.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("it is empty".to_owned());
    }
    if name == "." || name == ".." {
        return Err("Kafka refuses \".\" and \"..\"".to_owned());
    }
    if let Some(wrong) = name.chars().find(|it| !(it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-'))) {
        return Err(format!("{wrong:?} is none of a-z, A-Z, 0-9, ., _ and -"));
    }
    if name.len() > MAX_TOPIC_NAME {
        return Err(format!("it is longer than {MAX_TOPIC_NAME} characters"));
    }
    Ok(())
}

/// Whose functions share worker processes with this one, and nobody else's.
pub(super) fn tenant(value: &ValueReader<'_>) -> Option<String> {
    let name = value.string()?;
    match check_function_name(&name) {
        Ok(()) => Some(name),
        Err(reason) => value.refuse(
            codes::FUNCTION_NAME,
            format!("{name:?} cannot be a tenant's name: {reason}"),
            "use lower-case letters, digits and hyphens",
        ),
    }
}

/// A topic to read from.
pub(super) fn topic(name: String, value: &ValueReader<'_>) -> Option<String> {
    match check_topic_name(&name) {
        Ok(()) => Some(name),
        Err(reason) => value.refuse(
            codes::TOPIC_NAME,
            format!("{name:?} cannot be a topic's name: {reason}"),
            "use letters, digits, dots, underscores and hyphens",
        ),
    }
}

/// Whether Kafka or Eddyline keep the topic for themselves.
pub fn is_kept(topic: &str) -> bool {
    topic.starts_with("__") || topic.starts_with("_eddyline.")
}

/// A topic to write to: not one of those that Kafka or Eddyline keep for themselves.
pub(super) fn written_topic(name: String, value: &ValueReader<'_>) -> Option<String> {
    let name = topic(name, value)?;
    if is_kept(&name) {
        return value.refuse(
            codes::TOPIC_NAME,
            format!("{name:?} is an internal topic, functions cannot write to it"),
            "choose a name that starts neither with __ nor with _eddyline.",
        );
    }
    Some(name)
}

pub(super) fn group(value: &ValueReader<'_>) -> Option<String> {
    let name = value.string()?;
    let reason = if name.trim().is_empty() {
        "it is empty"
    } else if name.len() > MAX_GROUP_NAME {
        "it is longer than 255 bytes"
    } else if name.contains(char::is_control) {
        "it contains a control character"
    } else {
        return Some(name);
    };
    value.refuse(
        codes::TOPIC_NAME,
        format!("{name:?} cannot be a consumer group: {reason}"),
        "leave it out for the default, eddyline.<function>",
    )
}

pub(super) fn is_variable_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|it| it.is_ascii_alphanumeric() || it == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_names_are_lower_case_letters_digits_and_inner_hyphens() {
        for good in ["a", "enrich-orders", "0", "a-1-b", &"x".repeat(100)] {
            assert_eq!(check_function_name(good), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ü", "a b", &"x".repeat(101)] {
            assert!(check_function_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn topic_names_are_those_of_kafka() {
        for good in ["a", "orders.v1_2-x", "...", "_x", &"x".repeat(249)] {
            assert_eq!(check_topic_name(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "a b", "a/b", "ü", "a:b", &"x".repeat(250)] {
            assert!(check_topic_name(bad).is_err(), "{bad}");
        }
    }
}
