//! Headers as they lie in a message, and what a result's come to once applied to those of its record.

use std::collections::HashMap;

use super::settled::HeaderChange;
use super::wire::{Reader, WireError};

pub type HeaderView<'a> = (&'a [u8], Option<&'a [u8]>);

/// Among so many changes a name is found by looking at each.
const FEW: usize = 16;

/// Headers still as bytes, in the order in which they were written; [`Headers::iter`] walks over them.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    count: u32,
    rest: Reader<'a>,
}

impl<'a> Headers<'a> {
    /// Takes them from the front of `rest`, checked through to the last.
    pub(super) fn read(rest: &mut Reader<'a>) -> Result<Headers<'a>, WireError> {
        let count = rest.u32()?;
        let headers = Headers { count, rest: *rest };
        for _ in 0..count {
            rest.bytes()?;
            rest.optional()?;
        }
        Ok(headers)
    }

    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Headers whose bytes begin where those of [`Headers::start`] began.
    pub fn from_parts(count: u32, start: &'a [u8]) -> Headers<'a> {
        Headers { count, rest: Reader::new(start) }
    }

    /// The body from the first header on, to be kept by position.
    pub fn start(self) -> &'a [u8] {
        self.rest.rest()
    }

    /// Walks over name and value of each header. They were checked when they were read.
    pub fn iter(self) -> impl Iterator<Item = HeaderView<'a>> {
        let mut rest = self.rest;
        (0..self.count).map_while(move |_| Some((rest.bytes().ok()?, rest.optional().ok()?)))
    }
}

impl<'a> HeaderChange<'a> {
    /// The headers that Kafka gets, from the record's own.
    pub fn apply(self, own: impl Iterator<Item = HeaderView<'a>>) -> Vec<HeaderView<'a>> {
        match self {
            HeaderChange::Keep => own.collect(),
            // In a list of pairs null is a header without a value, and stays.
            HeaderChange::Replace(list) => list.iter().collect(),
            HeaderChange::Patch(changes) => patched(own, changes),
        }
    }
}

/// Headers named in `changes` are set where they first stood, or removed; new ones follow behind.
fn patched<'a>(own: impl Iterator<Item = HeaderView<'a>>, changes: Headers<'a>) -> Vec<HeaderView<'a>> {
    let mut set: Vec<(HeaderView<'a>, bool)> = changes.iter().map(|change| (change, false)).collect();
    let index = if set.len() > FEW { index(changes) } else { HashMap::new() };
    let mut headers = Vec::with_capacity(set.len() + 8);
    for header in own {
        let place = match set.len() {
            ..=FEW => set.iter().position(|((name, _), _)| *name == header.0),
            _ => index.get(header.0).copied(),
        };
        match place.map(|place| &mut set[place]) {
            None => headers.push(header),
            Some(((name, value), placed)) => {
                if value.is_some() && !std::mem::replace(placed, true) {
                    headers.push((*name, *value));
                }
            }
        }
    }
    let new = set.into_iter().filter(|((_, value), placed)| value.is_some() && !placed);
    headers.extend(new.map(|(header, _)| header));
    headers
}

/// Where each name stands first.
fn index<'a>(changes: Headers<'a>) -> HashMap<&'a [u8], usize> {
    let mut index = HashMap::with_capacity(changes.len());
    for (place, (name, _)) in changes.iter().enumerate() {
        index.entry(name).or_insert(place);
    }
    index
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::super::frame::HEADER;
    use super::super::settled::{How, ResultHead, SettledBuilder, SettledReader, Value, Verdict, put_result};

    type Owned = (Vec<u8>, Option<Vec<u8>>);

    fn header(name: &str, value: Option<&str>) -> Owned {
        (name.into(), value.map(|value| value.into()))
    }

    fn applied(replace: bool, changes: &[Owned], own: &[Owned]) -> Vec<Owned> {
        let mut results = Vec::new();
        let head = ResultHead { headers: Some((replace, changes)), ..ResultHead::default() };
        put_result(&mut results, &head, Value::Null);
        let mut builder = SettledBuilder::new(1);
        builder.each(1, 1, 0, 1);
        builder.success(1, &results);
        let bytes = builder.finish(0, 0, 0);
        let mut reader = SettledReader::new(&bytes[HEADER..]).unwrap();
        let entry = reader.entry().unwrap().unwrap();
        let How::Each { verdicts, .. } = entry.how else { panic!() };
        let Verdict::Success { results, .. } = &verdicts[0] else { panic!() };
        let change = results.iter().next().unwrap().headers;
        let own = own.iter().map(|(name, value)| (&name[..], value.as_deref()));
        change.apply(own).into_iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect()
    }

    #[test]
    fn an_object_sets_the_named_headers_and_keeps_the_rest_in_place() {
        let own = [header("a", Some("1")), header("b", Some("2")), header("a", Some("3")), header("c", None)];
        let changes = [header("a", Some("new")), header("d", Some("4")), header("c", None)];
        let expected = [header("a", Some("new")), header("b", Some("2")), header("d", Some("4"))];
        assert_eq!(applied(false, &changes, &own), expected);
    }

    #[test]
    fn a_list_of_pairs_replaces_all_headers() {
        let own = [header("a", Some("1"))];
        let changes = [header("x", None), header("x", Some("2"))];
        assert_eq!(applied(true, &changes, &own), changes);
    }

    /// The rule in its plainest form.
    fn looked_up_one_by_one(changes: &[Owned], own: &[Owned]) -> Vec<Owned> {
        let first = |name: &[u8]| changes.iter().position(|change| change.0 == name);
        let mut placed = vec![false; changes.len()];
        let mut headers = Vec::new();
        for header in own {
            match first(&header.0) {
                None => headers.push(header.clone()),
                Some(place) if changes[place].1.is_none() || placed[place] => {}
                Some(place) => {
                    placed[place] = true;
                    headers.push(changes[place].clone());
                }
            }
        }
        let new = changes.iter().zip(placed).filter(|(change, placed)| change.1.is_some() && !placed);
        headers.extend(new.map(|(change, _)| change.clone()));
        headers
    }

    fn headers(most: usize) -> impl Strategy<Value = Vec<Owned>> {
        let name = prop::sample::select(vec!["", "a", "b", "c", "d", "e", "f", "g"]).prop_map(|name| name.into());
        prop::collection::vec((name, prop::option::of(prop::collection::vec(any::<u8>(), 0..2))), 0..most)
    }

    proptest! {
        #[test]
        fn few_and_many_changes_follow_the_same_rule(changes in headers(40), own in headers(40)) {
            prop_assert_eq!(applied(false, &changes, &own), looked_up_one_by_one(&changes, &own));
        }
    }

    #[test]
    fn many_changes_to_many_headers_take_no_time() {
        let named = |count: usize, name: &str| (0..count).map(|n| header(&format!("{name}{n}"), Some(""))).collect();
        let (changes, own): (Vec<Owned>, Vec<Owned>) = (named(50_000, "a"), named(50_000, "b"));
        let before = Instant::now();
        assert_eq!(applied(false, &changes, &own).len(), 100_000);
        assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    }
}
