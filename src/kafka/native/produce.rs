//! Handing records to a producer.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_vtype_t as vtype;

use super::Client;
use super::queue::millis;
use super::text::{c_name, check, code, failure, text};
use crate::kafka::{Code, Result};

/// A topic looked up once, so that no record is looked up by name.
pub(in crate::kafka) struct TopicHandle {
    topic: NonNull<sys::rd_kafka_topic_t>,
    client: Arc<Client>,
}

// SAFETY: librdkafka's topic objects are reference-counted and thread-safe.
unsafe impl Send for TopicHandle {}
// SAFETY: as above.
unsafe impl Sync for TopicHandle {}

/// Why a record was not queued.
pub(in crate::kafka) struct Refusal {
    pub(in crate::kafka) code: Code,
    pub(in crate::kafka) reason: String,
}

impl TopicHandle {
    pub(in crate::kafka) fn new(client: &Arc<Client>, name: &str) -> Result<Self> {
        let name = c_name(name)?;
        // SAFETY: the client is live, the name terminated; the topic takes the client's defaults.
        let topic = unsafe { sys::rd_kafka_topic_new(client.raw(), name.as_ptr(), ptr::null_mut()) };
        let topic = NonNull::new(topic).ok_or_else(|| {
            // SAFETY: reads this thread's last error of librdkafka.
            failure("looking up a topic", unsafe { sys::rd_kafka_last_error() })
        })?;
        Ok(Self { topic, client: Arc::clone(client) })
    }

    pub(in crate::kafka) fn name(&self) -> &str {
        // SAFETY: the name lives as long as the topic and never changes.
        let name = unsafe { std::ffi::CStr::from_ptr(sys::rd_kafka_topic_name(self.raw())) };
        name.to_str().unwrap_or_default()
    }

    fn raw(&self) -> *mut sys::rd_kafka_topic_t {
        self.topic.as_ptr()
    }

    /// Copies the record into the producer's queue.
    pub(in crate::kafka) fn produce<'h>(
        &self,
        partition: Option<i32>,
        timestamp: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
        opaque: usize,
    ) -> Result<(), Refusal> {
        let mut headers = HeaderList::collect(headers);
        let arguments = [
            argument(vtype::RD_KAFKA_VTYPE_RKT, |u| u.rkt = self.raw()),
            argument(vtype::RD_KAFKA_VTYPE_MSGFLAGS, |u| {
                u.i = sys::RD_KAFKA_MSG_F_COPY;
            }),
            argument(vtype::RD_KAFKA_VTYPE_PARTITION, |u| {
                u.i32_ = partition.unwrap_or(-1);
            }),
            argument(vtype::RD_KAFKA_VTYPE_TIMESTAMP, |u| {
                u.i64_ = timestamp.unwrap_or(0);
            }),
            argument(vtype::RD_KAFKA_VTYPE_KEY, |u| u.mem = memory(key)),
            argument(vtype::RD_KAFKA_VTYPE_VALUE, |u| u.mem = memory(value)),
            argument(vtype::RD_KAFKA_VTYPE_OPAQUE, |u| {
                u.ptr = ptr::without_provenance_mut(opaque);
            }),
            argument(vtype::RD_KAFKA_VTYPE_HEADERS, |u| u.headers = headers.0),
        ];
        let count = arguments.len() - usize::from(headers.0.is_null());
        // SAFETY: each argument has the union field of its type set, and lives through the call;
        // key and value are copied.
        let error = unsafe { sys::rd_kafka_produceva(self.client.raw(), arguments.as_ptr(), count) };
        if error.is_null() {
            // The queued record owns the headers now.
            headers.0 = ptr::null_mut();
            return Ok(());
        }
        // SAFETY: the error object is ours until it is destroyed, and its text is copied.
        unsafe {
            let refusal = Refusal {
                code: code(sys::rd_kafka_error_code(error)),
                reason: text(sys::rd_kafka_error_string(error)).into_owned(),
            };
            sys::rd_kafka_error_destroy(error);
            Err(refusal)
        }
    }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and the client is still alive.
        unsafe { sys::rd_kafka_topic_destroy(self.raw()) }
    }
}

type Argument = sys::rd_kafka_vu_s__bindgen_ty_1;

fn argument(vtype: vtype, set: impl FnOnce(&mut Argument)) -> sys::rd_kafka_vu_t {
    let mut u = Argument { ptr: ptr::null_mut() };
    set(&mut u);
    sys::rd_kafka_vu_t { vtype, u }
}

/// Null stays null; empty keeps an address, by which librdkafka tells them apart.
fn memory(bytes: Option<&[u8]>) -> sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
        ptr: address(bytes).cast_mut(),
        size: bytes.map_or(0, <[u8]>::len),
    }
}

fn address(bytes: Option<&[u8]>) -> *const c_void {
    bytes.map_or(ptr::null(), |bytes| bytes.as_ptr().cast())
}

/// Headers that are ours until a record takes them over. Null while there are none.
struct HeaderList(*mut sys::rd_kafka_headers_t);

impl HeaderList {
    fn collect<'h>(headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>) -> Self {
        let mut list = Self(ptr::null_mut());
        let expected = headers.size_hint().0.max(4);
        for (name, value) in headers {
            // SAFETY: the list is live once made; name and value are copied with their lengths,
            // and a null value is told by its address.
            unsafe {
                if list.0.is_null() {
                    list.0 = sys::rd_kafka_headers_new(expected);
                }
                sys::rd_kafka_header_add(
                    list.0,
                    name.as_ptr().cast(),
                    name.len().cast_signed(),
                    address(value),
                    value.map_or(0, <[u8]>::len).cast_signed(),
                );
            }
        }
        list
    }
}

impl Drop for HeaderList {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: no record took the list over.
            unsafe { sys::rd_kafka_headers_destroy(self.0) }
        }
    }
}

impl Client {
    /// Sends without lingering until nothing is outstanding. Another thread must poll meanwhile.
    pub(in crate::kafka) fn flush(&self, timeout: Duration) -> Result<()> {
        // SAFETY: the client is live.
        check("flushing the producer", unsafe { sys::rd_kafka_flush(self.raw(), millis(timeout)) })
    }

    /// Fails everything that is queued or on its way.
    pub(in crate::kafka) fn purge(&self) {
        let what = sys::RD_KAFKA_PURGE_F_QUEUE | sys::RD_KAFKA_PURGE_F_INFLIGHT;
        // SAFETY: the client is live. It fails only for consumers and unknown flags.
        let _ = unsafe { sys::rd_kafka_purge(self.raw(), what) };
    }

    /// Records, reports and requests that are not finished.
    pub(in crate::kafka) fn outstanding(&self) -> usize {
        // SAFETY: the client is live.
        usize::try_from(unsafe { sys::rd_kafka_outq_len(self.raw()) }).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread::sleep;
    use std::time::Instant;

    use super::super::{Kind, MockCluster};
    use super::*;

    fn client<'p>(properties: impl IntoIterator<Item = (&'p str, &'p str)>) -> Arc<Client> {
        Client::new(Kind::Producer, properties, 0, Box::new(|_, _, _| {})).unwrap()
    }

    /// CPU time of the threads that talk to brokers.
    fn spent() -> Duration {
        let nanos = |task: &Path| {
            let name = std::fs::read_to_string(task.join("comm")).ok()?;
            let times = std::fs::read_to_string(task.join("schedstat")).ok()?;
            name.starts_with("rdk:broker").then(|| times.split(' ').next()?.parse::<u64>().ok())?
        };
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        Duration::from_nanos(tasks.flatten().filter_map(|task| nanos(&task.path())).sum())
    }

    #[test]
    fn a_producer_that_waits_for_an_answer_does_not_spend_the_time_asking_whether_it_may_send() {
        let broker = MockCluster::new(client([]), 1).unwrap();
        broker.create_topic("t", 1).unwrap();
        let servers = broker.bootstrap_servers();
        let client = client([("bootstrap.servers", &servers[..]), ("enable.idempotence", "true"), ("linger.ms", "5")]);
        let topic = TopicHandle::new(&client, "t").unwrap();
        let produce = || {
            for _ in 0..10 {
                let queued = topic.produce(None, None, None, Some(b"x"), std::iter::empty(), 0);
                assert!(queued.is_ok());
            }
        };
        produce();
        client.flush(Duration::from_secs(30)).unwrap();
        broker.answer_after(Duration::from_secs(1));
        produce();
        sleep(Duration::from_millis(100));
        produce();
        // The first are underway and the others are due.
        sleep(Duration::from_millis(50));
        let (begun, before) = (Instant::now(), spent());
        sleep(Duration::from_millis(500));
        let share = (spent() - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        assert!(client.outstanding() >= 20, "no answer has come yet");
        assert!(share < 0.5, "{share} of the time");
    }
}
