//! Writing records exactly as they are given.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::time::Duration;

use rdkafka::producer::{BaseProducer, Producer};
use rdkafka_sys as sys;
use sys::rd_kafka_vtype_t as kind;

use super::client::config;
use super::record::Record;

const FLUSH: Duration = Duration::from_secs(60);

/// Writes records to topics and waits for all of them.
pub struct Writer {
    producer: BaseProducer,
}

fn field(vtype: kind, set: impl FnOnce(&mut sys::rd_kafka_vu_s__bindgen_ty_1)) -> sys::rd_kafka_vu_t {
    let mut u = sys::rd_kafka_vu_s__bindgen_ty_1 { _pad: [0; 64] };
    set(&mut u);
    sys::rd_kafka_vu_t { vtype, u }
}

fn memory(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    // An empty value has an address and a null one has none: that is the difference between them.
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr() as *mut c_void, bytes.len()))
}

impl Writer {
    pub fn new(brokers: &str) -> Writer {
        let producer = config(brokers)
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", "100000000")
            .set("compression.codec", "lz4")
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .create()
            .expect("a producer");
        Writer { producer }
    }

    #[track_caller]
    pub fn write(&self, topic: &str, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.queue(topic, &record);
        }
        self.producer.flush(FLUSH).expect("the broker takes the records");
    }

    /// Lets go of what the broker has taken; who hands over many records without waiting calls it now and then.
    pub fn poll(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Hands one record over without waiting for the broker.
    #[track_caller]
    pub fn queue(&self, topic: &str, record: &Record) {
        loop {
            match self.offer(topic, record) {
                Ok(()) => return,
                Err(sys::RDKafkaRespErr::RD_KAFKA_RESP_ERR__QUEUE_FULL) => {
                    self.producer.poll(Duration::from_millis(10));
                }
                Err(code) => panic!("cannot write to {topic}: {code:?}"),
            }
        }
    }

    fn offer(&self, topic: &str, record: &Record) -> Result<(), sys::RDKafkaRespErr> {
        let topic = CString::new(topic).expect("a topic without NUL");
        let (key, value) = (memory(record.key.as_deref()), memory(record.value.as_deref()));
        let mut fields = vec![
            field(kind::RD_KAFKA_VTYPE_TOPIC, |u| u.cstr = topic.as_ptr()),
            field(kind::RD_KAFKA_VTYPE_PARTITION, |u| u.i32_ = record.partition.unwrap_or(-1)),
            field(kind::RD_KAFKA_VTYPE_MSGFLAGS, |u| u.i = sys::RD_KAFKA_MSG_F_COPY),
            field(kind::RD_KAFKA_VTYPE_TIMESTAMP, |u| u.i64_ = record.timestamp.unwrap_or(0)),
            field(kind::RD_KAFKA_VTYPE_KEY, |u| {
                u.mem = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: key.0, size: key.1 };
            }),
            field(kind::RD_KAFKA_VTYPE_VALUE, |u| {
                u.mem = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: value.0, size: value.1 };
            }),
        ];
        // SAFETY: plain constructor; what it returns is given to the record, or destroyed, below.
        let headers = unsafe { sys::rd_kafka_headers_new(record.headers.len()) };
        for (name, value) in &record.headers {
            let (data, size) = memory(value.as_deref());
            // SAFETY: name and value live through the call, which copies them.
            unsafe {
                let name_size = name.len() as isize;
                sys::rd_kafka_header_add(headers, name.as_ptr().cast::<c_char>(), name_size, data, size as isize);
            }
        }
        fields.push(field(kind::RD_KAFKA_VTYPE_HEADERS, |u| u.headers = headers));
        // SAFETY: every field points to something that lives through the call; the payload is copied by the flag.
        let error =
            unsafe { sys::rd_kafka_produceva(self.producer.client().native_ptr(), fields.as_ptr(), fields.len()) };
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: the error is ours to read and to destroy, and the headers stay ours where producing failed.
        unsafe {
            let code = sys::rd_kafka_error_code(error);
            let text = CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy().into_owned();
            sys::rd_kafka_error_destroy(error);
            sys::rd_kafka_headers_destroy(headers);
            if code != sys::RDKafkaRespErr::RD_KAFKA_RESP_ERR__QUEUE_FULL {
                eprintln!("librdkafka refuses a record: {text}");
            }
            Err(code)
        }
    }
}
