//! Judging records: first by what can be had without looking at the value, then, if that leaves it open, by the value.

use super::admissible::Scalar;
use super::alternatives::{Mask, What};
use super::plan::{Filter, Outside};
use super::scan::NoJson;
use super::walk::{Found, Walk};

/// What a filter may look at of a record.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a, H> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970, where the record has a time.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Names and values in the record's order, duplicates included.
    pub headers: H,
}

/// What is to be done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wanted,
    Unwanted,
    /// Unwanted, since its value, which had to be looked at, is no JSON.
    Undecodable,
}

/// Judges records one after the other; what it needs for that is kept from one to the next.
pub struct Sieve<'f> {
    filter: &'f Filter,
    /// What was found at each node of the plan.
    found: Vec<Found>,
    /// A string with its escapes decoded.
    text: Vec<u8>,
}

impl Filter {
    pub fn sieve(&self) -> Sieve<'_> {
        Sieve { filter: self, found: vec![Found::default(); self.nodes.len()], text: Vec::new() }
    }
}

impl Sieve<'_> {
    pub fn judge<'a, H>(&mut self, record: &Subject<'a, H>) -> Verdict
    where
        H: Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
    {
        let open = self.by_the_outside(record);
        if open & !self.filter.inside != 0 {
            return Verdict::Wanted;
        }
        if open == 0 {
            return Verdict::Unwanted;
        }
        match Walk::new(&self.filter.nodes, &mut self.found, &mut self.text).over(record.value, open) {
            Ok(0) => Verdict::Unwanted,
            Ok(_) => Verdict::Wanted,
            Err(NoJson) => Verdict::Undecodable,
        }
    }

    /// The alternatives that everything but the value leaves open.
    fn by_the_outside<'a, H>(&self, record: &Subject<'a, H>) -> Mask
    where
        H: Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
    {
        let mut open = self.filter.all;
        for condition in &self.filter.outside {
            if open & condition.of != 0 && !holds(condition, record) {
                open &= !condition.of;
                if open == 0 {
                    break;
                }
            }
        }
        open
    }
}

fn holds<'a, H>(condition: &Outside, record: &Subject<'a, H>) -> bool
where
    H: Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
{
    let scalar = match &condition.what {
        What::Topic => Some(Scalar::Text(record.topic.as_bytes())),
        What::Partition => Some(Scalar::Number(record.partition.into())),
        What::Offset => Some(Scalar::Number(record.offset as f64)),
        What::Timestamp => record.timestamp.map(|time| Scalar::Number(time as f64)),
        What::Key => record.key.map(Scalar::Text),
        What::Presence | What::Value(_) => record.value.map(|_| Scalar::Null),
        What::Header(name) => {
            let mut values = record.headers.clone().filter(|(known, _)| *known == name.as_bytes());
            return match &condition.admissible {
                Some(admissible) => {
                    values.any(|(_, value)| admissible.admits(value.map_or(Scalar::Null, Scalar::Text)))
                }
                None => values.next().is_none(),
            };
        }
    };
    match (scalar, &condition.admissible) {
        (Some(scalar), Some(admissible)) => admissible.admits(scalar),
        (scalar, None) => scalar.is_none(),
        (None, Some(_)) => false,
    }
}
