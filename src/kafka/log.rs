//! librdkafka's log in ours, without its repetitions.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::native::Log;
use super::{Error, TopicPartition};

const FIRST_SILENCE: Duration = Duration::from_secs(10);
const LONGEST_SILENCE: Duration = Duration::from_secs(600);
/// After so long without it, a line counts as new.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(120);
/// More different lines than this are not told apart.
const MOST_KEYS: usize = 256;

const UNREACHABLE: &str = "unreachable";

/// All clients of a process meet the same broken broker; it is reported once for all of them.
static REPEATS: LazyLock<Mutex<Repeats>> = LazyLock::new(Mutex::default);

/// A log for one client. `resets` hears of positions that librdkafka moved by itself.
pub(super) fn log_of(client: String, resets: impl Fn(OffsetReset) + Send + Sync + 'static) -> Log {
    Box::new(move |level, facility, line| {
        if facility == "OFFSET"
            && let Some(reset) = OffsetReset::parse(line)
        {
            resets(reset);
            return;
        }
        write(&client, level, facility, line);
    })
}

/// A log for a client that consumes nothing.
pub(super) fn plain_log_of(client: String) -> Log {
    log_of(client, drop)
}

fn write(client: &str, level: i32, facility: &str, line: &str) {
    // Properties that are meant for the other kind of client are no mistake: users give one set.
    if level > 5 || facility == "CONFWARN" {
        tracing::debug!(target: "kafka", client, facility, "{line}");
        return;
    }
    let key = if is_unreachable(line) { UNREACHABLE.to_owned() } else { without_digits(facility, line) };
    let Some(repeated) = admit(&key) else { return };
    if key == UNREACHABLE {
        tracing::warn!(target: "kafka", client, repeated, "Kafka is not reachable, still trying: {line}");
    } else if level <= 3 {
        tracing::error!(target: "kafka", client, facility, repeated, "{line}");
    } else {
        tracing::warn!(target: "kafka", client, facility, repeated, "{line}");
    }
}

/// Logs an error that reached nobody else, with the same patience.
pub(super) fn report(client: &str, error: &Error) {
    // The reason was in the log already, line by line.
    if error.code().is_some_and(super::Code::is_unreachable) {
        return;
    }
    let text = error.to_string();
    if let Some(repeated) = admit(&without_digits("error", &text)) {
        tracing::warn!(target: "kafka", client, repeated, "{text}");
    }
}

fn admit(key: &str) -> Option<u64> {
    REPEATS.lock().unwrap_or_else(PoisonError::into_inner).admit(key, Instant::now())
}

fn is_unreachable(line: &str) -> bool {
    ["Connect to ", "Failed to resolve", "Connection setup timed out", "Disconnected", "brokers are down"]
        .iter()
        .any(|sign| line.contains(sign))
}

/// Lines that differ only in numbers are one line.
fn without_digits(facility: &str, line: &str) -> String {
    let letters = line.chars().filter(|c| !c.is_ascii_digit());
    facility.chars().chain(letters).collect()
}

/// Which lines were written lately, and how long each is to stay silent.
#[derive(Default)]
struct Repeats(HashMap<String, Repeat>);

struct Repeat {
    last: Instant,
    silent_until: Instant,
    silence: Duration,
    suppressed: u64,
}

impl Repeats {
    /// How often the line was left out since it was last written, or `None` to leave it out now.
    fn admit(&mut self, key: &str, now: Instant) -> Option<u64> {
        if let Some(repeat) = self.0.get_mut(key)
            && now.duration_since(repeat.last) < FORGOTTEN_AFTER
        {
            repeat.last = now;
            if now < repeat.silent_until {
                repeat.suppressed += 1;
                return None;
            }
            repeat.silence = (repeat.silence * 2).min(LONGEST_SILENCE);
            repeat.silent_until = now + repeat.silence;
            return Some(std::mem::take(&mut repeat.suppressed));
        }
        if self.0.len() >= MOST_KEYS {
            self.0.clear();
        }
        let repeat = Repeat { last: now, silent_until: now + FIRST_SILENCE, silence: FIRST_SILENCE, suppressed: 0 };
        self.0.insert(key.to_owned(), repeat);
        Some(0)
    }
}

/// librdkafka moved a position, because the old one was out of the partition's range.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OffsetReset {
    pub(super) partition: TopicPartition,
    pub(super) detail: String,
}

impl OffsetReset {
    /// The log is the only place where librdkafka tells of it.
    /// `[thrd:main]: orders [3]: offset reset (at offset 7 …) to …: reason`
    fn parse(line: &str) -> Option<Self> {
        let (place, detail) = line.split_once(": offset reset (")?;
        let (topic, partition) = place.rsplit_once(" [")?;
        let topic = topic.rsplit(' ').next()?;
        let partition = partition.strip_suffix(']')?.parse().ok()?;
        Some(Self { partition: TopicPartition::new(topic, partition), detail: detail.replacen(')', "", 1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_once_and_then_at_growing_intervals() {
        let mut repeats = Repeats::default();
        let start = Instant::now();
        let written: Vec<(u64, u64)> = (0..200)
            .filter_map(|second| {
                let repeated = repeats.admit("down", start + Duration::from_secs(second))?;
                Some((second, repeated))
            })
            .collect();
        assert_eq!(written, [(0, 0), (10, 9), (30, 19), (70, 39), (150, 79)]);
    }

    #[test]
    fn a_line_that_stayed_away_is_new_again() {
        let mut repeats = Repeats::default();
        let start = Instant::now();
        assert_eq!(repeats.admit("down", start), Some(0));
        assert_eq!(repeats.admit("down", start + Duration::from_secs(1)), None);
        assert_eq!(repeats.admit("down", start + Duration::from_secs(122)), Some(0));
    }

    #[test]
    fn different_lines_do_not_silence_each_other() {
        let mut repeats = Repeats::default();
        let now = Instant::now();
        assert_eq!(repeats.admit("down", now), Some(0));
        assert_eq!(repeats.admit("refused", now), Some(0));
    }

    #[test]
    fn lines_that_differ_in_numbers_are_one() {
        assert_eq!(without_digits("FAIL", "after 12ms"), without_digits("FAIL", "after 7ms"));
    }

    #[test]
    fn an_offset_reset_is_read_from_librdkafkas_line() {
        let line = "[thrd:main]: my.topic-1 [3]: offset reset (at offset 7 (leader epoch 2), broker 1) \
                    to offset BEGINNING: fetch failed: Broker: Offset out of range";
        let reset = OffsetReset::parse(line).unwrap();
        assert_eq!(reset.partition, TopicPartition::new("my.topic-1", 3));
        assert!(reset.detail.starts_with("at offset 7"), "{}", reset.detail);
        assert_eq!(OffsetReset::parse("something else"), None);
    }
}
