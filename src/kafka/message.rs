//! A record as librdkafka holds it, without a copy.

/// One consumed record, still in the buffer that it was fetched into.
///
/// It keeps that whole buffer alive, so the number held at a time must be bounded.
/// It may go to another thread but is used by one at a time.
pub struct Message {}

impl Message {
    pub fn topic(&self) -> &str {
        todo!()
    }
    pub fn partition(&self) -> i32 {
        todo!()
    }
    pub fn offset(&self) -> i64 {
        todo!()
    }
    /// Milliseconds since 1970, where the record has a time.
    pub fn timestamp(&self) -> Option<i64> {
        todo!()
    }
    /// `None` is a null key, which differs from an empty one.
    pub fn key(&self) -> Option<&[u8]> {
        todo!()
    }
    /// `None` is a tombstone, which differs from an empty value.
    pub fn value(&self) -> Option<&[u8]> {
        todo!()
    }
    /// Names and values in the record's order, duplicates included.
    pub fn headers(&self) -> Headers<'_> {
        todo!()
    }
    /// Bytes of key and value.
    pub fn size(&self) -> usize {
        todo!()
    }
}

/// Iterates over a record's headers: name and value, `None` for null.
#[derive(Clone)]
pub struct Headers<'a>(std::marker::PhantomData<&'a ()>);

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
