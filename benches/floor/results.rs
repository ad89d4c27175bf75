//! The results of one chunk of records, until they are handed to the producer together.

use std::ptr;

use rdkafka_sys as sys;

use super::source::Taken;

#[derive(Default)]
pub struct Results {
    bytes: Vec<u8>,
    /// Shaped as the producer's batch call wants them. Values that are in `bytes` have their place as an offset first,
    /// because `bytes` may still move.
    messages: Vec<sys::rd_kafka_message_t>,
    /// Which of `messages` have their value in `bytes`.
    own: Vec<usize>,
    record: Option<Template>,
}

#[derive(Clone, Copy)]
struct Template {
    partition: i32,
    key: *mut std::ffi::c_void,
    key_len: usize,
    value: *mut std::ffi::c_void,
    len: usize,
}

impl Results {
    /// What is added from now on is of this record, which must live until `clear`.
    pub fn begin(&mut self, record: &Taken) {
        let raw = record.raw();
        self.record = Some(Template {
            partition: raw.partition,
            key: raw.key,
            key_len: raw.key_len,
            value: raw.payload,
            len: raw.len,
        });
    }

    /// The record itself is a result.
    pub fn same(&mut self) {
        let Template { value, len, .. } = self.record.expect("a record has begun");
        self.push(value, len);
    }

    /// A result of these bytes.
    pub fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.bytes.len();
        write(&mut self.bytes);
        self.own.push(self.messages.len());
        self.push(ptr::without_provenance_mut(at), self.bytes.len() - at);
    }

    fn push(&mut self, payload: *mut std::ffi::c_void, len: usize) {
        let Template { partition, key, key_len, .. } = self.record.expect("a record has begun");
        self.messages.push(sys::rd_kafka_message_t {
            err: sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
            rkt: ptr::null_mut(),
            // Both topics have as many partitions, so the key belongs to the same one.
            partition,
            payload,
            len,
            key,
            key_len,
            offset: 0,
            _private: ptr::null_mut(),
        });
    }

    /// Ready for the producer, to be reported under `opaque`.
    pub fn messages(&mut self, opaque: usize) -> &mut [sys::rd_kafka_message_t] {
        let start = self.bytes.as_mut_ptr();
        for index in self.own.drain(..) {
            let message = &mut self.messages[index];
            message.payload = start.wrapping_add(message.payload.addr()).cast();
        }
        for message in &mut self.messages {
            message._private = ptr::without_provenance_mut(opaque);
        }
        &mut self.messages
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.messages.clear();
        self.record = None;
    }
}
