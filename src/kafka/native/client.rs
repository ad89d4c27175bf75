//! One librdkafka instance: its configuration, its log, its end.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

use super::text::{ErrorText, c_name, check_error, describe, text};
use crate::kafka::{Code, Error, Result};

/// Receives librdkafka's log lines: syslog level, facility, text. Called on any of its threads.
pub(in crate::kafka) type Log = Box<dyn Fn(i32, &str, &str) + Send + Sync>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::kafka) enum Kind {
    Consumer,
    Producer,
}

/// Ended when the last object that came from it is dropped.
pub(in crate::kafka) struct Client {
    handle: NonNull<sys::rd_kafka_t>,
    /// Whether nobody waits for the end.
    abandoned: AtomicBool,
    /// librdkafka's opaque pointer leads here, so it goes after the handle.
    log: Option<Box<Log>>,
}

// SAFETY: librdkafka documents its instances as thread-safe; what is not (batch consumption)
// is kept to one thread by `&mut self` in `Consumer`.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub(in crate::kafka) fn new<'p>(
        kind: Kind,
        properties: impl IntoIterator<Item = (&'p str, &'p str)>,
        events: i32,
        log: Log,
    ) -> Result<Arc<Self>> {
        let mut conf = Conf::new();
        let mut background_sasl = false;
        for (name, value) in properties {
            conf.set(name, value)?;
            background_sasl |= name == "sasl.oauthbearer.method" && value == "oidc";
        }
        let log = Box::new(log);
        let opaque = ptr::from_ref::<Log>(&log).cast_mut().cast::<c_void>();
        // SAFETY: `conf` is live; the opaque pointer leads to the box that the client keeps.
        unsafe {
            sys::rd_kafka_conf_set_opaque(conf.0, opaque);
            sys::rd_kafka_conf_set_log_cb(conf.0, Some(on_log));
            sys::rd_kafka_conf_set_events(conf.0, events);
            sys::rd_kafka_conf_enable_sasl_queue(conf.0, c_int::from(background_sasl));
        }
        let kind = match kind {
            Kind::Consumer => sys::rd_kafka_type_t::RD_KAFKA_CONSUMER,
            Kind::Producer => sys::rd_kafka_type_t::RD_KAFKA_PRODUCER,
        };
        let mut reason = ErrorText::new();
        // SAFETY: on success librdkafka owns `conf`, on failure it stays ours.
        let handle = unsafe { sys::rd_kafka_new(kind, conf.0, reason.as_mut_ptr(), reason.len()) };
        let handle = NonNull::new(handle).ok_or_else(|| Error::Client(reason.to_string()))?;
        conf.0 = ptr::null_mut();
        let client = Self { handle, abandoned: AtomicBool::new(false), log: Some(log) };
        if background_sasl {
            // Fetching tokens takes HTTP requests, which must not hold up the polling thread.
            // SAFETY: the client is live, and the error object is ours.
            unsafe {
                let error = sys::rd_kafka_sasl_background_callbacks_enable(client.raw());
                check_error("fetching tokens in the background", error)?;
            }
        }
        Ok(Arc::new(client))
    }

    pub(super) fn raw(&self) -> *mut sys::rd_kafka_t {
        self.handle.as_ptr()
    }

    /// A number in the configuration of a client that runs, as librdkafka has understood it.
    pub(in crate::kafka) fn configured(&self, name: &str) -> Option<usize> {
        let property = CString::new(name).ok()?;
        let mut value: [c_char; 32] = [0; 32];
        let mut length = value.len();
        // SAFETY: the client is live, and so is its own configuration; the name is terminated, the buffer is as long as
        // stated, and what is written to it is terminated.
        let value = unsafe {
            let conf = sys::rd_kafka_conf(self.raw());
            let answer = sys::rd_kafka_conf_get(conf, property.as_ptr(), value.as_mut_ptr(), &raw mut length);
            (answer == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK).then(|| text(value.as_ptr()))?
        };
        value.parse().ok()
    }

    /// Changes a number in the configuration of a client that runs. Says whether it was taken; if not, it stays as it was.
    ///
    /// For properties that librdkafka reads anew for each fetch.
    pub(in crate::kafka) fn reconfigure(&self, name: &str, number: usize) -> bool {
        let (Ok(property), Ok(value)) = (CString::new(name), CString::new(number.to_string())) else { return false };
        let mut reason = ErrorText::new();
        // SAFETY: the client is live, and so is its own configuration, which is no constant and has no locks; the names and
        // values are terminated, the buffer is as long as stated. Our callers name properties that are plain numbers: to
        // set one stores an aligned `int`, which librdkafka's threads load whole, the old or the new one. Only one thread
        // reconfigures a client, for a consumer is used by one at a time.
        let answer = unsafe {
            let conf = sys::rd_kafka_conf(self.raw()).cast_mut();
            sys::rd_kafka_conf_set(conf, property.as_ptr(), value.as_ptr(), reason.as_mut_ptr(), reason.len())
        };
        let taken = answer == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK;
        if !taken {
            tracing::debug!(target: "kafka", name, number, %reason, "not reconfigured");
        }
        taken
    }

    /// Lets the client end on a thread of its own, because its broker or its group may not answer.
    pub(in crate::kafka) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// The error after which this client does nothing more.
    pub(in crate::kafka) fn fatal(&self) -> Option<Error> {
        let mut reason = ErrorText::new();
        // SAFETY: the client is live and the buffer is as long as stated.
        let err = unsafe { sys::rd_kafka_fatal_error(self.raw(), reason.as_mut_ptr(), reason.len()) };
        (err != RD_KAFKA_RESP_ERR_NO_ERROR).then(|| Error::Kafka {
            operation: "the Kafka client",
            code: Code(err as i32),
            reason: format!("{}: {reason}", describe(err)),
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let ending = Ending { handle: self.handle, _log: self.log.take() };
        if !self.abandoned.load(Ordering::Acquire) {
            ending.run(0);
            return;
        }
        let end = move || ending.run(sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        // Without a thread to spare, librdkafka's own threads stay until the process ends.
        let _ = thread::Builder::new().name("kafka-end".to_owned()).spawn(end);
    }
}

/// A client that nobody uses any more, and the log that it still writes.
struct Ending {
    handle: NonNull<sys::rd_kafka_t>,
    _log: Option<Box<Log>>,
}

// SAFETY: the handle's last user is gone, and librdkafka's instances are thread-safe.
unsafe impl Send for Ending {}

impl Ending {
    fn run(self, flags: c_int) {
        // SAFETY: every object of this client held an `Arc` of it, so none is left.
        unsafe { sys::rd_kafka_destroy_flags(self.handle.as_ptr(), flags) }
    }
}

/// Tries properties without starting a client.
pub(in crate::kafka) fn check_properties<'p>(properties: impl IntoIterator<Item = (&'p str, &'p str)>) -> Result<()> {
    let conf = Conf::new();
    properties.into_iter().try_for_each(|(name, value)| conf.set(name, value))
}

struct Conf(*mut sys::rd_kafka_conf_t);

impl Conf {
    fn new() -> Self {
        // SAFETY: no arguments; the result is ours.
        Self(unsafe { sys::rd_kafka_conf_new() })
    }

    fn set(&self, name: &str, value: &str) -> Result<()> {
        let c_key = c_name(name)?;
        // The value may be a secret, so it is not part of the error.
        let c_value = CString::new(value).map_err(|_| Error::Property {
            name: name.to_owned(),
            reason: "the value contains a zero byte".to_owned(),
        })?;
        let mut reason = ErrorText::new();
        // SAFETY: `self` is live, the strings are terminated, the buffer is as long as stated.
        let answer = unsafe {
            sys::rd_kafka_conf_set(self.0, c_key.as_ptr(), c_value.as_ptr(), reason.as_mut_ptr(), reason.len())
        };
        match answer {
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            _ => Err(Error::Property { name: name.to_owned(), reason: reason.to_string() }),
        }
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: no client has taken it over.
            unsafe { sys::rd_kafka_conf_destroy(self.0) }
        }
    }
}

unsafe extern "C" fn on_log(
    client: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    if client.is_null() {
        return;
    }
    // SAFETY: librdkafka passes its own live instance and terminated strings;
    // the opaque pointer leads to the `Log` that outlives the instance.
    unsafe {
        let log = sys::rd_kafka_opaque(client).cast::<Log>();
        if let Some(log) = log.as_ref() {
            log(level, &text(facility), &text(line));
        }
    }
}
