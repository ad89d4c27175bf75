//! Records in librdkafka's memory: consumed ones, and produced ones in their reports.

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

use super::Client;
use super::text::text;
use crate::kafka::{Code, Error, Result};

/// What librdkafka needs for a header besides its name and value. It is more than a worker needs, so that a worker never
/// counts more than the host.
const HEADER: usize = 64;
const _: () = assert!(HEADER >= crate::protocol::kept::HEADER);

/// One consumed record, still in the buffer that it was fetched into.
///
/// It keeps that whole buffer alive, so the number held at a time must be bounded.
/// It may go to another thread but is used by one at a time.
pub struct Message {
    message: NonNull<sys::rd_kafka_message_t>,
    /// Null where it has none: librdkafka would look for them anew each time.
    headers: OnceCell<*const sys::rd_kafka_headers_t>,
    _client: Arc<Client>,
}

// SAFETY: a message is a reference-counted piece of a buffer that any one thread may read and
// free. It is not `Sync`: headers are decoded in place at the first look.
unsafe impl Send for Message {}

impl Message {
    /// Takes over a message, or frees it and returns the error that it stands for.
    ///
    /// # Safety
    /// `message` is a live message of `client` that nobody else will free.
    pub(super) unsafe fn own(client: &Arc<Client>, message: *mut sys::rd_kafka_message_t) -> Result<Self> {
        let message = Self {
            message: NonNull::new(message).expect("librdkafka hands out no null messages"),
            headers: OnceCell::new(),
            _client: Arc::clone(client),
        };
        match status(message.raw()) {
            Code(0) => Ok(message),
            code => Err(Error::Kafka { operation: "fetching", code, reason: error_text(message.raw()) }),
        }
    }

    fn raw(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: the message is live until it is dropped.
        unsafe { self.message.as_ref() }
    }

    pub fn topic(&self) -> &str {
        topic(self.raw())
    }

    pub fn partition(&self) -> i32 {
        self.raw().partition
    }

    pub fn offset(&self) -> i64 {
        self.raw().offset
    }

    /// Milliseconds since 1970, where the record has a time.
    pub fn timestamp(&self) -> Option<i64> {
        timestamp(self.raw())
    }

    /// `None` is a null key, which differs from an empty one.
    pub fn key(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: the key lives as long as its message.
        unsafe { bytes(raw.key.cast(), raw.key_len) }
    }

    /// `None` is a tombstone, which differs from an empty value.
    pub fn value(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: the value lives as long as its message.
        unsafe { bytes(raw.payload.cast(), raw.len) }
    }

    /// Names and values in the record's order, duplicates included.
    pub fn headers(&self) -> Headers<'_> {
        // SAFETY: the headers live as long as their message.
        unsafe { Headers::of(*self.headers.get_or_init(|| headers(self.raw()))) }
    }

    /// Bytes of key and value.
    pub fn bare(&self) -> usize {
        self.key().map_or(0, <[u8]>::len) + self.value().map_or(0, <[u8]>::len)
    }

    /// Bytes of key, value and headers.
    pub fn bytes(&self) -> usize {
        self.bytes_with(0)
    }

    /// What it counts for where memory is shared out: its bytes, and what holds each header.
    pub fn size(&self) -> usize {
        self.bytes_with(HEADER)
    }

    fn bytes_with(&self, each_header: usize) -> usize {
        let headers = self.headers().map(|(name, value)| each_header + name.len() + value.map_or(0, <[u8]>::len));
        self.bare() + headers.sum::<usize>()
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the message is ours, and its client is still alive.
        unsafe { sys::rd_kafka_message_destroy(self.message.as_ptr()) }
    }
}

/// What became of one produced record. Its bytes are still there, so that it can be sent again.
#[repr(transparent)]
pub struct Report<'a> {
    message: *const sys::rd_kafka_message_t,
    _event: PhantomData<&'a ()>,
}

impl<'a> Report<'a> {
    /// # Safety
    /// The pointers are messages that live for `'a`.
    pub(super) unsafe fn wrap(messages: Vec<*const sys::rd_kafka_message_t>) -> Vec<Self> {
        messages.into_iter().map(|message| Self { message, _event: PhantomData }).collect()
    }

    fn raw(&self) -> &'a sys::rd_kafka_message_t {
        // SAFETY: the message lives for 'a.
        unsafe { &*self.message }
    }

    /// What the record was produced with.
    pub fn opaque(&self) -> usize {
        self.raw()._private as usize
    }

    /// Partition and offset, or why Kafka does not have the record.
    pub fn result(&self) -> Result<(i32, i64), Code> {
        match status(self.raw()) {
            Code(0) => Ok((self.raw().partition, self.raw().offset)),
            code => Err(code),
        }
    }

    /// The failure in words. What the broker said of it itself is not to be had: librdkafka has freed that text by the
    /// time the report is read.
    pub fn reason(&self) -> String {
        self.result().err().map_or_else(String::new, |code| code.to_string())
    }

    pub fn topic(&self) -> &'a str {
        topic(self.raw())
    }

    pub fn partition(&self) -> i32 {
        self.raw().partition
    }

    pub fn timestamp(&self) -> Option<i64> {
        timestamp(self.raw())
    }

    pub fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: the key lives as long as its message.
        unsafe { bytes(self.raw().key.cast(), self.raw().key_len) }
    }

    pub fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: the value lives as long as its message.
        unsafe { bytes(self.raw().payload.cast(), self.raw().len) }
    }

    pub fn headers(&self) -> Headers<'a> {
        // SAFETY: the headers live as long as their message.
        unsafe { Headers::of(headers(self.raw())) }
    }
}

/// Iterates over a record's headers: name and value, `None` for a null value.
#[derive(Clone)]
pub struct Headers<'a> {
    headers: *const sys::rd_kafka_headers_t,
    next: usize,
    _record: PhantomData<&'a ()>,
}

impl Headers<'_> {
    /// # Safety
    /// The headers are null or live for as long as this says.
    unsafe fn of(headers: *const sys::rd_kafka_headers_t) -> Self {
        Headers { headers, next: 0, _record: PhantomData }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.headers.is_null() {
            return None;
        }
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers live as long as their record, which is borrowed for 'a;
        // librdkafka terminates names and gives values their length.
        unsafe {
            let answer =
                sys::rd_kafka_header_get_all(self.headers, self.next, &raw mut name, &raw mut value, &raw mut size);
            if answer != RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            self.next += 1;
            let name = std::ffi::CStr::from_ptr(name).to_bytes();
            Some((name, bytes(value.cast(), size)))
        }
    }
}

/// Read as a number: a broker may answer with one that the bindings do not list.
fn status(message: &sys::rd_kafka_message_t) -> Code {
    // SAFETY: the field is a C enum, which has the size of an `i32`.
    Code(unsafe { (&raw const message.err).cast::<i32>().read() })
}

fn topic(message: &sys::rd_kafka_message_t) -> &str {
    if message.rkt.is_null() {
        return "";
    }
    // SAFETY: the message holds a reference to its topic, whose name never changes.
    let name = unsafe { std::ffi::CStr::from_ptr(sys::rd_kafka_topic_name(message.rkt)) };
    // Kafka allows only ASCII letters, digits, '.', '_' and '-' in names of topics.
    name.to_str().unwrap_or_default()
}

fn timestamp(message: &sys::rd_kafka_message_t) -> Option<i64> {
    let mut kind = MaybeUninit::<sys::rd_kafka_timestamp_type_t>::uninit();
    // SAFETY: the message is live; the kind is written and not read.
    let time = unsafe { sys::rd_kafka_message_timestamp(message, kind.as_mut_ptr()) };
    (time >= 0).then_some(time)
}

/// Of as long a life as the message; null where it has none.
fn headers(message: &sys::rd_kafka_message_t) -> *const sys::rd_kafka_headers_t {
    let mut headers = ptr::null_mut();
    // SAFETY: the message is live. Decoding on first use changes the message, which only its one
    // owner looks at: neither `Message` nor `Report` is `Sync`.
    let answer = unsafe { sys::rd_kafka_message_headers(message, &raw mut headers) };
    match answer {
        RD_KAFKA_RESP_ERR_NO_ERROR => headers,
        _ => ptr::null(),
    }
}

fn error_text(message: &sys::rd_kafka_message_t) -> String {
    // SAFETY: the message is live, and the text is copied.
    unsafe { text(sys::rd_kafka_message_errstr(message)) }.into_owned()
}

/// # Safety
/// `start` is null or points to `len` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller promises it.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, len) })
}
