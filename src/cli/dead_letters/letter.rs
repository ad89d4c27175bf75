//! A dead letter with the record that it carries.

use super::head::{Head, begin_of_ours};
use crate::{
    cli::invoke::{Given, Header},
    kafka::Message,
};

pub(super) struct Letter {
    pub(super) head: Head,
    /// As it was when it failed: at its own place, with its own headers.
    pub(super) record: Given,
}

impl Letter {
    pub(super) fn new(head: Head, message: &Message) -> Letter {
        let mut headers: Vec<Header> =
            message.headers().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
        if let Some(begin) = begin_of_ours(headers.iter().map(|(name, _)| &name[..])) {
            headers.truncate(begin);
        }
        let origin = &head.record;
        let record = Given {
            topic: origin.topic.clone(),
            partition: origin.partition,
            offset: origin.offset,
            timestamp: origin.timestamp.map_or(-1, |time| time.as_millisecond()),
            key: message.key().map(<[u8]>::to_vec),
            value: message.value().map(<[u8]>::to_vec),
            headers,
        };
        Letter { head, record }
    }

    /// Bytes that it takes, about.
    pub(super) fn size(&self) -> usize {
        self.record.key.as_ref().map_or(0, Vec::len) + self.record.value.as_ref().map_or(0, Vec::len)
    }
}
