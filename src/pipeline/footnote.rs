//! What goes with a committed offset: which records beyond it are finished, so that after a crash they do not run again.
//!
//! Kafka keeps a short text with each committed offset. Ours is a letter, which names the form, and in base64 a list of
//! numbers of seven bits to the byte: the offset at which the list begins, then by turns how many offsets are finished
//! and how many are not. What does not fit is left out, and runs again. What was written by somebody else, or cannot be
//! read, says nothing.

use std::collections::VecDeque;
use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};

/// Most bytes of the text. Brokers take 4096 unless told otherwise.
const MOST: usize = 3000;
/// Names this form.
const FORM: char = 'a';
/// Most bytes of a number of 64 bits.
const NUMBER: usize = 10;

/// Writes down the ranges of offsets that are finished, which come in order and do not overlap. `None` if there are none.
pub fn write(finished: impl Iterator<Item = Range<i64>>) -> Option<String> {
    let room = (MOST - FORM.len_utf8()) / 4 * 3;
    let mut bytes = Vec::new();
    let mut at = None;
    for range in finished.filter(|range| range.start >= 0 && !range.is_empty()) {
        if bytes.len() + 2 * NUMBER > room {
            break;
        }
        // The first number is where the list begins, all others are distances.
        put(&mut bytes, (range.start - at.unwrap_or(0)) as u64);
        put(&mut bytes, (range.end - range.start) as u64);
        at = Some(range.end);
    }
    at.map(|_| format!("{FORM}{}", BASE64.encode(bytes)))
}

/// Offsets that were finished before the position was taken over. They are asked for in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Finished(VecDeque<Range<i64>>);

impl Finished {
    pub fn read(text: &str) -> Finished {
        let parsed = || {
            let mut bytes = &BASE64.decode(text.strip_prefix(FORM)?).ok()?[..];
            let (mut ranges, mut at) = (VecDeque::new(), 0i64);
            while !bytes.is_empty() {
                let start = at.checked_add(take(&mut bytes)?)?;
                at = start.checked_add(take(&mut bytes)?)?;
                ranges.push_back(start..at);
            }
            Some(Finished(ranges))
        };
        parsed().unwrap_or_default()
    }

    pub fn contains(&mut self, offset: i64) -> bool {
        while self.0.front().is_some_and(|range| range.end <= offset) {
            self.0.pop_front();
        }
        self.0.front().is_some_and(|range| range.contains(&offset))
    }
}

impl Finished {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What of it begins at an offset or beyond.
    pub fn rest(&self, from: i64) -> impl Iterator<Item = Range<i64>> {
        self.0.iter().map(move |range| range.start.max(from)..range.end).filter(|range| !range.is_empty())
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0u64;
    for place in 0..NUMBER {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(7 * place as u32)?;
        if byte & 0x80 == 0 {
            return i64::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_others_wrote_says_nothing() {
        for text in ["", "a", "a!", "b", "hello", "{\"a\":1}", "aAA", "a////////////////////"] {
            assert_eq!(Finished::read(text), Finished::default(), "{text}");
        }
    }

    #[test]
    fn nothing_finished_needs_no_text() {
        assert_eq!(write(std::iter::empty()), None);
        let empty = 5..5;
        assert_eq!(write(std::iter::once(empty)), None);
    }

    #[test]
    fn it_is_bounded_and_what_fits_is_kept() {
        let ranges: Vec<Range<i64>> = (0..100_000).map(|n| (1 << 40) + 2 * n..(1 << 40) + 2 * n + 1).collect();
        let text = write(ranges.iter().cloned()).unwrap();
        assert!(text.len() <= MOST && text.len() > MOST - 64, "{}", text.len());
        let Finished(read) = Finished::read(&text);
        assert!(read.len() > 1000);
        assert!(read.iter().eq(&ranges[..read.len()]));
    }

    #[test]
    fn what_was_not_asked_for_yet_can_be_written_down_again() {
        let mut read = Finished::read(&write([2..4, 6..9].into_iter()).unwrap());
        assert!(read.contains(3) && !read.contains(5) && read.contains(6));
        assert!(read.rest(7).eq(std::iter::once(7..9)));
        assert!(read.rest(9).eq([]));
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(
            start in 0i64..1 << 50,
            runs in proptest::collection::vec((0i64..5000, 1i64..5000), 1..100),
        ) {
            let mut at = start;
            let ranges: Vec<Range<i64>> = runs.iter().map(|(gap, length)| {
                let start = at + gap;
                at = start + length;
                start..at
            }).collect();
            let mut read = Finished::read(&write(ranges.iter().cloned()).unwrap());
            for offset in (start..at + 3).step_by(7) {
                prop_assert_eq!(read.contains(offset), ranges.iter().any(|range| range.contains(&offset)));
            }
        }

        #[test]
        fn no_text_is_too_strange(text in "a?[A-Za-z0-9+/=]{0,80}") {
            Finished::read(&text).contains(7);
        }
    }
}
