//! Strings and error numbers across the border to C.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char};

use rdkafka_sys as sys;

use crate::kafka::{Code, Error, Result};

/// A name as C wants it.
pub(in crate::kafka) fn c_name(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::Name(name.to_owned()))
}

/// Reads a C string; null is the empty string.
///
/// # Safety
/// `text` is null or points to a string that ends in a zero byte and lives for `'a`.
pub(super) unsafe fn text<'a>(text: *const c_char) -> Cow<'a, str> {
    if text.is_null() {
        return Cow::Borrowed("");
    }
    // SAFETY: the caller promises a terminated string that lives for 'a.
    unsafe { CStr::from_ptr(text) }.to_string_lossy()
}

/// A buffer for librdkafka's error texts.
pub(super) struct ErrorText([c_char; 512]);

impl ErrorText {
    pub(super) fn new() -> Self {
        Self([0; 512])
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for ErrorText {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: the buffer begins as zeros and librdkafka terminates what it writes within `len`.
        out.write_str(&unsafe { text(self.0.as_ptr()) })
    }
}

/// What librdkafka says about an error number.
pub(super) fn describe(err: sys::rd_kafka_resp_err_t) -> String {
    // SAFETY: takes any number and returns a static or thread-local string.
    unsafe { text(sys::rd_kafka_err2str(err)) }.into_owned()
}

pub(super) fn code(err: sys::rd_kafka_resp_err_t) -> Code {
    Code(err as i32)
}

pub(super) fn failure(operation: &'static str, err: sys::rd_kafka_resp_err_t) -> Error {
    Error::Kafka { operation, code: code(err), reason: describe(err) }
}

/// Turns a plain answer into a result.
pub(super) fn check(operation: &'static str, err: sys::rd_kafka_resp_err_t) -> Result<()> {
    match err {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        err => Err(failure(operation, err)),
    }
}

/// Turns an error object into a result and frees it.
///
/// # Safety
/// `error` is null or an error object that librdkafka gave to us to own.
pub(super) unsafe fn check_error(operation: &'static str, error: *mut sys::rd_kafka_error_t) -> Result<()> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the object is ours until it is destroyed below, and its text is copied before.
    unsafe {
        let failure = Error::Kafka {
            operation,
            code: code(sys::rd_kafka_error_code(error)),
            reason: text(sys::rd_kafka_error_string(error)).into_owned(),
        };
        sys::rd_kafka_error_destroy(error);
        Err(failure)
    }
}
