//! Lists of partitions with offsets.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;

use rdkafka_sys as sys;

use super::text::{code, text};
use crate::kafka::{Code, Position, TopicPartition};

/// One line of a list as librdkafka filled it in.
#[derive(Clone, Debug)]
pub(in crate::kafka) struct Entry {
    pub(in crate::kafka) partition: TopicPartition,
    /// As librdkafka gives it, negative where it knows none.
    pub(in crate::kafka) offset: i64,
    pub(in crate::kafka) code: Code,
    /// The text that was committed with the offset; empty where there is none.
    pub(in crate::kafka) note: String,
}

impl Entry {
    /// The offset, where there is one.
    pub(in crate::kafka) fn known(&self) -> Option<i64> {
        (self.offset >= 0).then_some(self.offset)
    }
}

pub(in crate::kafka) struct PartitionList(NonNull<sys::rd_kafka_topic_partition_list_t>);

impl PartitionList {
    pub(in crate::kafka) fn new(capacity: usize) -> Self {
        let capacity = i32::try_from(capacity).unwrap_or(0);
        // SAFETY: the list is ours; librdkafka aborts rather than return null.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(capacity) };
        Self(NonNull::new(list).expect("librdkafka never returns a null list"))
    }

    pub(in crate::kafka) fn add(&mut self, topic: &CStr, partition: i32, offset: i64) {
        // SAFETY: the list is ours, the name is copied, the new element is ours to fill.
        unsafe {
            let element = sys::rd_kafka_topic_partition_list_add(self.0.as_ptr(), topic.as_ptr(), partition);
            (*element).offset = offset;
        }
    }

    /// Has a text committed with the offset of the partition that was added last.
    pub(in crate::kafka) fn note(&mut self, note: &str) {
        // SAFETY: the list is ours and its elements are ours to fill; the text is copied into memory of the allocator
        // that librdkafka frees it with.
        unsafe {
            let list = self.0.as_ref();
            let Some(last) = usize::try_from(list.cnt - 1).ok() else { return };
            let element = list.elems.add(last);
            let copy = sys::rd_kafka_mem_malloc(std::ptr::null_mut(), note.len());
            if (*element).metadata.is_null() && !copy.is_null() {
                std::ptr::copy_nonoverlapping(note.as_ptr(), copy.cast(), note.len());
                (*element).metadata = copy;
                (*element).metadata_size = note.len();
            }
        }
    }

    /// Adds a partition whose topic Kafka itself named, or that was checked before.
    pub(in crate::kafka) fn add_partition(&mut self, partition: &TopicPartition, offset: i64) {
        let topic = CString::new(partition.topic.as_bytes()).unwrap_or_default();
        self.add(&topic, partition.partition, offset);
    }

    pub(in crate::kafka) fn is_empty(&self) -> bool {
        // SAFETY: the list is live.
        unsafe { self.0.as_ref().cnt == 0 }
    }

    pub(super) fn raw(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }

    pub(in crate::kafka) fn entries(&self) -> Vec<Entry> {
        // SAFETY: the list is live.
        unsafe { read(self.0.as_ptr()) }
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: the list is ours.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) }
    }
}

/// Copies a list out of librdkafka's memory.
///
/// # Safety
/// `list` is null or a live list.
pub(super) unsafe fn read(list: *const sys::rd_kafka_topic_partition_list_t) -> Vec<Entry> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: a live list holds `cnt` elements at `elems`.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        (0..count).map(|i| read_one(&*(*list).elems.add(i))).collect()
    }
}

/// # Safety
/// The element's topic is a terminated string, and its metadata as long as it says.
pub(super) unsafe fn read_one(element: &sys::rd_kafka_topic_partition_t) -> Entry {
    Entry {
        // SAFETY: the caller promises a terminated string; it is copied.
        partition: TopicPartition::new(unsafe { text(element.topic) }.as_ref(), element.partition),
        offset: element.offset,
        code: code(element.err),
        // SAFETY: as above.
        note: unsafe { read_note(element) },
    }
}

/// # Safety
/// The element's metadata is as long as it says.
unsafe fn read_note(element: &sys::rd_kafka_topic_partition_t) -> String {
    if element.metadata.is_null() || element.metadata_size == 0 {
        return String::new();
    }
    // SAFETY: the caller promises so; the text is copied.
    let bytes = unsafe { std::slice::from_raw_parts(element.metadata.cast::<u8>(), element.metadata_size) };
    String::from_utf8_lossy(bytes).into_owned()
}

impl Position {
    pub(in crate::kafka) fn as_offset(self) -> i64 {
        match self {
            Position::Committed => sys::RD_KAFKA_OFFSET_STORED.into(),
            Position::Beginning => sys::RD_KAFKA_OFFSET_BEGINNING.into(),
            Position::End => sys::RD_KAFKA_OFFSET_END.into(),
            Position::Offset(offset) => offset,
        }
    }
}
