//! Headers as they lie in a message, and what a result's come to once applied to those of its record.

use super::settled::HeaderChange;
use super::wire::{Reader, WireError};

pub type HeaderView<'a> = (&'a [u8], Option<&'a [u8]>);

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
    let mut headers = Vec::with_capacity(set.len() + 8);
    for header in own {
        match set.iter_mut().find(|((name, _), _)| *name == header.0) {
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

#[cfg(test)]
mod tests {
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
}
