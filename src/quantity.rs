//! Durations and sizes as people write them: `"50ms"`, `"24h"`, `"64KiB"`, `"1MB"`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

pub const KIB: u64 = 1 << 10;
pub const MIB: u64 = 1 << 20;
pub const GIB: u64 = 1 << 30;

/// What people write where a duration may be without end.
pub const NEVER: &str = "never";
/// What to tell people whose duration was not understood.
pub const DURATION_HINT: &str = "give a number with a unit, such as \"50ms\", \"5s\" or \"24h\"";
/// What to tell people whose size was not understood.
pub const SIZE_HINT: &str = "give a whole number with a unit, such as \"64KiB\", \"1MiB\" or \"1MB\"";

const SIZE_UNITS: &[(&str, u64)] =
    &[("B", 1), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("KiB", KIB), ("MiB", MIB), ("GiB", GIB)];

/// A duration with its unit; nothing else is a duration.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let with_unit = text.ends_with(|last: char| last.is_ascii_alphabetic());
    with_unit.then(|| humantime::parse_duration(text).ok()).flatten()
}

/// A size in bytes with its unit; `KB` counts thousands, `KiB` counts 1024.
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.find(|digit: char| !digit.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim_start();
    let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.checked_mul(*factor)
}

/// The duration in its largest exact unit, down to milliseconds, days only from two on: `1500ms`, `30s`, `24h`, `2d`.
pub fn format_duration(duration: Duration) -> String {
    const DAY: u128 = 86_400_000;
    let millis = duration.as_millis();
    if millis == 0 {
        return "0ms".to_owned();
    }
    let units = [("d", DAY, 2 * DAY), ("h", 3_600_000, 1), ("m", 60_000, 1), ("s", 1_000, 1)];
    let exact = units.iter().find(|(_, size, least)| millis >= *least && millis.is_multiple_of(*size));
    match exact {
        Some((unit, size, _)) => format!("{}{unit}", millis / size),
        None => format!("{millis}ms"),
    }
}

/// The size in its largest exact unit: `64MiB`, `1500B`.
pub fn format_size(bytes: u64) -> String {
    let units = [("GiB", GIB), ("MiB", MIB), ("KiB", KIB)];
    match units.iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => format!("{bytes}B"),
    }
}

/// A duration in a configuration, for serde.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).ok_or_else(|| D::Error::custom(DURATION_HINT))
}

/// A duration in a configuration that may be without end, for serde: neither "never" nor a duration of zero is one.
pub fn patience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == NEVER {
        return Ok(None);
    }
    let duration = parse_duration(&text).ok_or_else(|| D::Error::custom(DURATION_HINT))?;
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}

/// A size in a configuration, for serde.
pub fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_size(&text).ok_or_else(|| D::Error::custom(SIZE_HINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, expected) in [
            ("50ms", Some(50)),
            ("0ms", Some(0)),
            ("5s", Some(5_000)),
            ("1h 30m", Some(5_400_000)),
            ("24h", Some(86_400_000)),
            ("5", None),
            ("0", None),
            ("", None),
            ("-5s", None),
            ("5 apples", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(parse_duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn sizes_need_a_unit_and_a_whole_number() {
        for (text, expected) in [
            ("1MiB", Some(1 << 20)),
            ("64KiB", Some(64 << 10)),
            ("64 kib", Some(64 << 10)),
            ("1MB", Some(1_000_000)),
            ("2GiB", Some(2 << 30)),
            ("0B", Some(0)),
            ("12", None),
            ("MiB", None),
            ("1.5MiB", None),
            ("-1MiB", None),
            ("99999999999GiB", None),
            ("", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }

    #[test]
    fn formatted_quantities_read_back_as_themselves() {
        for millis in [0, 1, 50, 1_500, 30_000, 90_000, 86_400_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }
        for bytes in [0, 1, 1_000, 1 << 10, 1_500, 64 << 20, 3 << 30] {
            assert_eq!(parse_size(&format_size(bytes)), Some(bytes));
        }
        assert_eq!(format_duration(Duration::from_secs(86_400)), "24h");
        assert_eq!(format_duration(Duration::from_secs(2 * 86_400)), "2d");
        assert_eq!(format_size(64 << 20), "64MiB");
    }
}
