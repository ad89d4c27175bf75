//! Queues of events and of fetched records.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;

use super::{Client, Event, Message};
use crate::kafka::{Error, Result};

/// Messages taken by one call into librdkafka.
const CHUNK: usize = 256;

type Callback = Box<dyn Fn() + Send + Sync>;

pub(in crate::kafka) struct Queue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    client: Arc<Client>,
    /// Boxed twice, because librdkafka carries a thin pointer.
    callback: Option<Box<Callback>>,
}

// SAFETY: queues are as thread-safe as their client, except for taking batches,
// which needs `&mut self`.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// A queue for answers to requests of one's own.
    pub(in crate::kafka) fn new(client: &Arc<Client>) -> Self {
        // SAFETY: the client is live; the reference is ours.
        Self::own(client, unsafe { sys::rd_kafka_queue_new(client.raw()) })
            .expect("librdkafka never returns a null new queue")
    }

    /// Delivery reports and errors of a producer.
    pub(in crate::kafka) fn main(client: &Arc<Client>) -> Self {
        // SAFETY: as above.
        Self::own(client, unsafe { sys::rd_kafka_queue_get_main(client.raw()) }).expect("every client has a main queue")
    }

    /// Rebalances, errors and answers of a group consumer.
    pub(in crate::kafka) fn consumer(client: &Arc<Client>) -> Result<Self> {
        // SAFETY: as above; what goes to the main queue is redirected to the consumer's.
        let queue = unsafe {
            sys::rd_kafka_poll_set_consumer(client.raw());
            sys::rd_kafka_queue_get_consumer(client.raw())
        };
        Self::own(client, queue).ok_or_else(|| Error::Client("the consumer has no group".to_owned()))
    }

    /// The records of one partition, cut off from the consumer's queue for good.
    ///
    /// Done before the partition is assigned, no record of it appears on the consumer's queue:
    /// librdkafka does not forward again a queue that the application has forwarded, even to nowhere.
    pub(in crate::kafka) fn partition(client: &Arc<Client>, topic: &CStr, partition: i32) -> Result<Self> {
        // SAFETY: the client is live, the name terminated, the reference ours.
        let queue = unsafe { sys::rd_kafka_queue_get_partition(client.raw(), topic.as_ptr(), partition) };
        let queue = Self::own(client, queue)
            .ok_or_else(|| Error::Client(format!("no queue for {}/{partition}", topic.to_string_lossy())))?;
        // SAFETY: the queue is live; a null target ends forwarding.
        unsafe { sys::rd_kafka_queue_forward(queue.raw(), ptr::null_mut()) }
        Ok(queue)
    }

    fn own(client: &Arc<Client>, queue: *mut sys::rd_kafka_queue_t) -> Option<Self> {
        Some(Self { queue: NonNull::new(queue)?, client: Arc::clone(client), callback: None })
    }

    pub(super) fn raw(&self) -> *mut sys::rd_kafka_queue_t {
        self.queue.as_ptr()
    }

    /// Calls back on librdkafka's threads, with the queue locked, when it turns non-empty.
    pub(in crate::kafka) fn on_nonempty(&mut self, callback: Callback) {
        let callback = Box::new(callback);
        let opaque = ptr::from_ref::<Callback>(&callback).cast_mut().cast::<c_void>();
        // SAFETY: the callback runs only under the queue's lock, which this call takes too,
        // so an earlier callback is not running any more when it is freed below.
        unsafe { sys::rd_kafka_queue_cb_event_enable(self.raw(), Some(on_event), opaque) }
        self.callback = Some(callback);
    }

    pub(in crate::kafka) fn poll(&self, timeout: Duration) -> Option<Event> {
        // SAFETY: the queue is live, and the event is ours.
        let event = unsafe { sys::rd_kafka_queue_poll(self.raw(), millis(timeout)) };
        Event::own(&self.client, event)
    }

    /// Makes a waiting `poll` return.
    pub(in crate::kafka) fn interrupt(&self) {
        // SAFETY: the queue is live.
        unsafe { sys::rd_kafka_queue_yield(self.raw()) }
    }

    /// Appends up to `max` records without waiting; the first error that lay between them, if any.
    pub(in crate::kafka) fn take(&mut self, max: usize, out: &mut Vec<Message>) -> Result<usize> {
        let before = out.len();
        let mut failure = Ok(());
        let mut left = max;
        while left > 0 {
            let mut pointers = [ptr::null_mut(); CHUNK];
            let room = left.min(CHUNK);
            // SAFETY: the queue is live and the buffer has room for that many pointers.
            let count = unsafe { sys::rd_kafka_consume_batch_queue(self.raw(), 0, pointers.as_mut_ptr(), room) };
            let count = usize::try_from(count).unwrap_or(0);
            for &pointer in &pointers[..count] {
                // SAFETY: each of the first `count` pointers is a message that is ours from now on.
                match unsafe { Message::own(&self.client, pointer) } {
                    Ok(message) => out.push(message),
                    Err(error) => failure = failure.and(Err(error)),
                }
            }
            if count < room {
                break;
            }
            left -= count;
        }
        failure.map(|()| out.len() - before)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: without its callback no thread of librdkafka comes back to us;
        // the reference is ours to give up.
        unsafe {
            if self.callback.is_some() {
                sys::rd_kafka_queue_cb_event_enable(self.raw(), None, ptr::null_mut());
            }
            sys::rd_kafka_queue_destroy(self.raw());
        }
    }
}

unsafe extern "C" fn on_event(_: *mut sys::rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: the opaque pointer leads to the callback that the queue keeps until it is disabled.
    let callback = unsafe { &*opaque.cast::<Callback>() };
    callback();
}

pub(super) fn millis(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX)
}
