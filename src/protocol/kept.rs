//! What the results of one record come to, by one rule: the worker holds functions to it, and the host makes sure.
//!
//! A result counts with its bytes in the message, and with what it keeps of its record, which the host copies. The
//! record's value, its key and its headers are free once each, so that a record of any size can pass through.

use super::headers::HeaderView;
use super::settled::{HeaderChange, ResultHead, ResultView, Results, Value};

/// Most bytes of results of one invocation: they leave in one message, however many records a batch has.
pub const MOST_WRITTEN: usize = 128 << 20;

/// What a header takes besides its name and value.
pub const HEADER: usize = 8;

const VALUE: u8 = 1;
const KEY: u8 = 2;
const HEADERS: u8 = 4;

/// The parts of its record that a result keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts(u8);

impl Parts {
    fn new(value: bool, key: bool, headers: bool) -> Parts {
        let part = |kept: bool, part: u8| if kept { part } else { 0 };
        Parts(part(value, VALUE) | part(key, KEY) | part(headers, HEADERS))
    }

    /// Of a result that is about to be written; `same` where its value is the record's.
    pub fn written(head: &ResultHead<'_>, same: bool) -> Parts {
        Parts::new(same, head.key.is_none(), head.headers.is_none_or(|(replace, _)| !replace))
    }

    fn read(result: &ResultView<'_>) -> Parts {
        let headers = !matches!(result.headers, HeaderChange::Replace(_));
        Parts::new(result.value == Value::Same, result.key.is_none(), headers)
    }
}

/// What the results of a record have kept of it so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept {
    parts: Parts,
    /// Bytes of what was kept more than once.
    pub bytes: usize,
}

impl Kept {
    /// One more result keeps these parts of its record. Returns by how many bytes that makes it more.
    pub fn add<'a>(
        &mut self,
        parts: Parts,
        value: Option<&[u8]>,
        key: Option<&[u8]>,
        headers: impl Iterator<Item = HeaderView<'a>>,
    ) -> usize {
        let again = self.parts.0 & parts.0;
        self.parts.0 |= parts.0;
        if again == 0 {
            return 0;
        }
        let len = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let mut more = if again & VALUE != 0 { len(value) } else { 0 };
        more += if again & KEY != 0 { len(key) } else { 0 };
        if again & HEADERS != 0 {
            more += headers.map(|(name, value)| HEADER + name.len() + len(value)).sum::<usize>();
        }
        self.bytes += more;
        more
    }
}

impl<'a> Results<'a> {
    /// How many bytes these results keep of their record more than once; `None` if they are more than `count`, or come
    /// to more than `most` bytes with that.
    pub fn kept<'r>(
        self,
        count: u32,
        most: u64,
        value: Option<&[u8]>,
        key: Option<&[u8]>,
        headers: impl Iterator<Item = HeaderView<'r>> + Clone,
    ) -> Option<usize> {
        let most = (most as usize).checked_sub(self.bytes())?;
        if self.len() > count as usize {
            return None;
        }
        if self.len() < 2 {
            return Some(0);
        }
        let mut kept = Kept::default();
        for result in self.iter() {
            kept.add(Parts::read(&result), value, key, headers.clone());
            if kept.bytes > most {
                return None;
            }
        }
        Some(kept.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::HEADER as FRAME;
    use super::super::settled::{How, OwnedHeader, SettledBuilder, SettledReader, Verdict, put_result};
    use super::*;

    const VALUE: &[u8] = &[b'v'; 1000];
    const KEY: &[u8] = b"four";
    const OWN: [HeaderView<'static>; 1] = [(b"name", Some(b"value"))];

    /// What the host finds these results to keep, and what the worker has counted.
    fn both(results: &[(ResultHead<'_>, Value<'_>)], count: u32, most: u64) -> (Option<usize>, usize) {
        let mut bytes = Vec::new();
        let mut kept = Kept::default();
        for (head, value) in results {
            put_result(&mut bytes, head, *value);
            kept.add(Parts::written(head, *value == Value::Same), Some(VALUE), Some(KEY), OWN.into_iter());
        }
        let mut builder = SettledBuilder::new(1);
        builder.each(1, 1, 0, 1);
        builder.success(results.len() as u32, &bytes);
        let message = builder.finish(0, 0, 0);
        let mut reader = SettledReader::new(&message[FRAME..]).unwrap();
        let How::Each { verdicts, .. } = reader.entry().unwrap().unwrap().how else { panic!() };
        let Verdict::Success { results, .. } = &verdicts[0] else { panic!() };
        assert_eq!(results.bytes(), bytes.len());
        (results.kept(count, most, Some(VALUE), Some(KEY), OWN.into_iter()), kept.bytes)
    }

    #[test]
    fn each_part_of_a_record_is_free_once_for_worker_and_host_alike() {
        let plain = ResultHead::default();
        let patch: [OwnedHeader; 1] = [(b"x".to_vec(), None)];
        let own = ResultHead { key: Some(None), headers: Some((true, &patch)), ..plain };
        let patched = ResultHead { key: Some(Some(b"k")), headers: Some((false, &patch)), ..plain };
        let headers = HEADER + 4 + 5;
        for (results, bytes) in [
            (vec![(plain, Value::Same)], 0),
            (vec![(plain, Value::Same); 2], 1000 + 4 + headers),
            (vec![(plain, Value::Same); 3], 2 * (1000 + 4 + headers)),
            (vec![(plain, Value::Null), (plain, Value::Bytes(b"x"))], 4 + headers),
            (vec![(own, Value::Null), (plain, Value::Same), (own, Value::Bytes(b"x"))], 0),
            (vec![(plain, Value::Null), (own, Value::Same), (own, Value::Same)], 1000),
            (vec![(patched, Value::Null), (patched, Value::Null)], headers),
        ] {
            assert_eq!(both(&results, 3, 1 << 20), (Some(bytes), bytes), "{results:?}");
        }
    }

    #[test]
    fn too_many_and_too_large_results_are_found() {
        let same = |count| vec![(ResultHead::default(), Value::Same); count];
        let kept = (1000 + 4 + HEADER + 9) as u64;
        // A result takes four bytes itself.
        assert_eq!(both(&same(2), 2, kept + 8).0, Some(kept as usize));
        assert_eq!(both(&same(2), 2, kept + 7).0, None);
        assert_eq!(both(&same(2), 1, 1 << 20).0, None);
        assert_eq!((both(&same(1), 1, 4).0, both(&same(1), 1, 3).0), (Some(0), None));
    }
}
