//! The values that a pattern admits at the end of a path.

use super::text::{equals_folded, fold};

/// What lies at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// As `JSON.parse` reads it.
    Number(f64),
    /// Unescaped. Of keys and headers, which may hold anything, the bytes.
    Text(&'a [u8]),
}

/// One leaf's array: a value is wanted if any of these says so.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Admissible {
    /// `{"exists": true}`
    pub(super) all: bool,
    pub(super) null: bool,
    pub(super) bools: [bool; 2],
    pub(super) numbers: Vec<f64>,
    pub(super) ranges: Vec<Range>,
    pub(super) texts: Texts,
    pub(super) prefixes: Vec<String>,
    pub(super) suffixes: Vec<String>,
    pub(super) folded: Vec<String>,
    pub(super) excluded: Vec<Excluded>,
}

/// One `anything-but`: every value but these, of whatever type it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Excluded {
    Texts(Texts),
    Numbers(Vec<f64>),
    Prefixes(Vec<String>),
    Suffixes(Vec<String>),
    Folded(Vec<String>),
}

/// Texts in order, so that long lists are cheap.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts(Vec<String>);

/// One `numeric`; a missing bound is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) low_included: bool,
    pub(super) high: f64,
    pub(super) high_included: bool,
}

impl Admissible {
    pub(super) fn admits(&self, scalar: Scalar<'_>) -> bool {
        let wanted = match scalar {
            _ if self.all => true,
            Scalar::Null => self.null,
            Scalar::Bool(value) => self.bools[usize::from(value)],
            Scalar::Number(number) => {
                self.numbers.contains(&number) || self.ranges.iter().any(|range| range.holds(number))
            }
            Scalar::Text(text) => self.admits_text(text),
        };
        wanted || self.excluded.iter().any(|excluded| !excluded.names(scalar))
    }

    fn admits_text(&self, text: &[u8]) -> bool {
        self.texts.contain(text) || begins(text, &self.prefixes) || ends(text, &self.suffixes) || {
            self.folded.iter().any(|folded| equals_folded(text, folded))
        }
    }
}

impl Excluded {
    /// Whether the value is one of those that are not wanted.
    fn names(&self, scalar: Scalar<'_>) -> bool {
        match (self, scalar) {
            (Excluded::Texts(texts), Scalar::Text(text)) => texts.contain(text),
            (Excluded::Numbers(numbers), Scalar::Number(number)) => numbers.contains(&number),
            (Excluded::Prefixes(prefixes), Scalar::Text(text)) => begins(text, prefixes),
            (Excluded::Suffixes(suffixes), Scalar::Text(text)) => ends(text, suffixes),
            (Excluded::Folded(folded), Scalar::Text(text)) => folded.iter().any(|folded| equals_folded(text, folded)),
            _ => false,
        }
    }

    pub(super) fn folded(texts: Vec<String>) -> Self {
        Excluded::Folded(texts.iter().map(|text| fold(text)).collect())
    }
}

impl Texts {
    pub(super) fn new(mut texts: Vec<String>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        Texts(texts)
    }

    fn contain(&self, text: &[u8]) -> bool {
        match &self.0[..] {
            [] => false,
            [only] => only.as_bytes() == text,
            texts => texts.binary_search_by(|known| known.as_bytes().cmp(text)).is_ok(),
        }
    }
}

impl Range {
    fn holds(&self, number: f64) -> bool {
        let above = if self.low_included { number >= self.low } else { number > self.low };
        let below = if self.high_included { number <= self.high } else { number < self.high };
        above && below
    }
}

fn begins(text: &[u8], prefixes: &[String]) -> bool {
    prefixes.iter().any(|prefix| text.starts_with(prefix.as_bytes()))
}

fn ends(text: &[u8], suffixes: &[String]) -> bool {
    suffixes.iter().any(|suffix| text.ends_with(suffix.as_bytes()))
}
