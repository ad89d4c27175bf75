//! A record as the tests write and read it: nothing but bytes.

/// Name and value, in their order, duplicates kept.
pub type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// When writing: `None` leaves the choice to the key, as Java's clients choose.
    pub partition: Option<i32>,
    /// Set when read.
    pub offset: i64,
    /// When writing: `None` is now.
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Headers,
}

impl Record {
    pub fn new(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Record {
        Record { key: Some(key.as_ref().to_vec()), ..Record::of(value) }
    }

    /// A record without a key.
    pub fn of(value: impl AsRef<[u8]>) -> Record {
        Record { value: Some(value.as_ref().to_vec()), ..Record::default() }
    }

    pub fn tombstone(key: impl AsRef<[u8]>) -> Record {
        Record { key: Some(key.as_ref().to_vec()), ..Record::default() }
    }

    pub fn on(self, partition: i32) -> Record {
        Record { partition: Some(partition), ..self }
    }

    pub fn at(self, timestamp: i64) -> Record {
        Record { timestamp: Some(timestamp), ..self }
    }

    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Record {
        self.headers.push((name.as_ref().to_vec(), Some(value.as_ref().to_vec())));
        self
    }

    pub fn null_header(mut self, name: impl AsRef<[u8]>) -> Record {
        self.headers.push((name.as_ref().to_vec(), None));
        self
    }

    /// The value as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().expect("a value")).expect("text")
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.text()).expect("JSON")
    }

    #[track_caller]
    pub fn key_text(&self) -> &str {
        std::str::from_utf8(self.key.as_deref().expect("a key")).expect("text")
    }

    /// The last header of that name, as text.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rev().find(|(one, _)| one == name.as_bytes())?;
        std::str::from_utf8(value.as_deref()?).ok()
    }

    /// Why a dead letter failed.
    #[track_caller]
    pub fn error_code(&self) -> &str {
        self.header_text("eddyline.error.code").expect("a dead letter")
    }

    /// Key, value, headers and timestamp: what must come through untouched.
    pub fn bytes(&self) -> Untouched<'_> {
        (self.key.as_deref(), self.value.as_deref(), &self.headers, self.timestamp)
    }
}

/// Key, value, headers and timestamp.
pub type Untouched<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, &'a Headers, Option<i64>);

/// The records' values as text.
#[track_caller]
pub fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(Record::text).collect()
}

/// The records' keys as text.
#[track_caller]
pub fn keys(records: &[Record]) -> Vec<&str> {
    records.iter().map(Record::key_text).collect()
}

/// The records of one partition.
pub fn of_partition(records: &[Record], partition: i32) -> Vec<Record> {
    records.iter().filter(|record| record.partition == Some(partition)).cloned().collect()
}
