//! Offsets of many partitions and of many groups, asked and written by one client, with many requests underway at once.

use std::ffi::CString;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_admin_op_t as op;

use super::admin::{Options, array};
use super::group::timed_out;
use super::list::{read, read_one};
use super::text::code;
use super::{Client, Entry, Event, PartitionList, Queue};
use crate::kafka::{Code, Error, Result, TopicPartition};

/// Partitions asked about in one call: librdkafka compares each answer with all that were asked for.
const CHUNK: usize = 256;
/// Requests underway at once.
const WINDOW: usize = 128;

/// Which offset of a partition is asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::kafka) enum Spec {
    Earliest,
    Latest,
    /// The first record at or after this time.
    Time(i64),
}

impl Client {
    /// Offsets of many partitions, -1 where no record is late enough. In the given order, none twice.
    pub(in crate::kafka) fn list_offsets(
        self: &Arc<Self>,
        partitions: &[TopicPartition],
        spec: Spec,
        timeout: Duration,
    ) -> Result<Vec<Entry>> {
        let parts: Vec<Vec<Entry>> =
            self.list_offsets_in_parts(partitions, spec, timeout).into_iter().collect::<Result<_>>()?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The same, where a part that cannot be asked for says so of each of its partitions.
    pub(in crate::kafka) fn list_known_offsets(
        self: &Arc<Self>,
        partitions: &[TopicPartition],
        spec: Spec,
        timeout: Duration,
    ) -> Result<Vec<Entry>> {
        let parts = self.list_offsets_in_parts(partitions, spec, timeout);
        if let Some(Err(error)) = parts.iter().find(|part| part.is_err())
            && parts.iter().all(Result::is_err)
        {
            return Err(error.clone());
        }
        let failed = |partition: &TopicPartition, error: &Error| Entry {
            partition: partition.clone(),
            offset: -1,
            code: error.code().unwrap_or(Code::TIMED_OUT),
            note: String::new(),
        };
        let each = partitions.chunks(CHUNK).zip(parts).flat_map(|(asked, part)| match part {
            Ok(entries) => entries,
            Err(error) => asked.iter().map(|partition| failed(partition, &error)).collect(),
        });
        Ok(each.collect())
    }

    fn list_offsets_in_parts(
        self: &Arc<Self>,
        partitions: &[TopicPartition],
        spec: Spec,
        timeout: Duration,
    ) -> Vec<Result<Vec<Entry>>> {
        let wanted = match spec {
            Spec::Earliest => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
            Spec::Latest => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64,
            Spec::Time(time) => time.max(0),
        };
        let chunks: Vec<&[TopicPartition]> = partitions.chunks(CHUNK).collect();
        let request = Request { what: "asking for offsets", operation: op::RD_KAFKA_ADMIN_OP_LISTOFFSETS };
        let ask = |number: usize, options: &Options, answers: &Queue| {
            let mut list = PartitionList::new(CHUNK);
            chunks[number].iter().for_each(|partition| list.add_partition(partition, wanted));
            // SAFETY: everything lives through the call, which copies the list.
            unsafe { sys::rd_kafka_ListOffsets(self.raw(), list.raw(), options.0, answers.raw()) }
        };
        request.many(self, chunks.len(), timeout, ask, |event| {
            // SAFETY: the event holds this answer, which is copied.
            unsafe {
                let result = sys::rd_kafka_event_ListOffsets_result(event.raw());
                let mut count = 0;
                let infos = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
                let entry = |&info: &_| read_one(&*sys::rd_kafka_ListOffsetsResultInfo_topic_partition(info));
                Ok(array(infos, count).iter().map(entry).collect())
            }
        })
    }

    /// What groups have committed: of these partitions, or of all that they have an offset for.
    pub(in crate::kafka) fn group_offsets(
        self: &Arc<Self>,
        asked: &[(CString, Option<PartitionList>)],
        timeout: Duration,
    ) -> Vec<Result<Vec<Entry>>> {
        let request =
            Request { what: "asking for committed offsets", operation: op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS };
        let ask = |number: usize, options: &Options, answers: &Queue| {
            let (group, partitions) = &asked[number];
            let partitions = partitions.as_ref().map_or(ptr::null_mut(), PartitionList::raw);
            // SAFETY: everything lives through the calls, which copy what they are given; the errors are ours.
            unsafe {
                let mut one = sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), partitions);
                sys::rd_kafka_ListConsumerGroupOffsets(self.raw(), &raw mut one, 1, options.0, answers.raw());
                sys::rd_kafka_ListConsumerGroupOffsets_destroy(one);
            }
        };
        request.many(self, asked.len(), timeout, ask, |event| {
            // SAFETY: the event holds this answer, which is copied.
            unsafe {
                let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.raw());
                let mut count = 0;
                let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
                group_entries(request.what, groups, count)
            }
        })
    }

    /// Commits for groups that have no members; of those that have, each partition says that only they may.
    pub(in crate::kafka) fn alter_group_offsets(
        self: &Arc<Self>,
        wanted: &[(CString, PartitionList)],
        timeout: Duration,
    ) -> Vec<Result<Vec<Entry>>> {
        let request =
            Request { what: "committing offsets", operation: op::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS };
        let ask = |number: usize, options: &Options, answers: &Queue| {
            let (group, partitions) = &wanted[number];
            // SAFETY: everything lives through the calls, which copy what they are given.
            unsafe {
                let mut one = sys::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), partitions.raw());
                sys::rd_kafka_AlterConsumerGroupOffsets(self.raw(), &raw mut one, 1, options.0, answers.raw());
                sys::rd_kafka_AlterConsumerGroupOffsets_destroy(one);
            }
        };
        request.many(self, wanted.len(), timeout, ask, |event| {
            // SAFETY: the event holds this answer, which is copied.
            unsafe {
                let result = sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event.raw());
                let mut count = 0;
                let groups = sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &raw mut count);
                group_entries(request.what, groups, count)
            }
        })
    }
}

/// A kind of request that is made many times.
#[derive(Clone, Copy)]
struct Request {
    what: &'static str,
    operation: op,
}

impl Request {
    /// Asks so many times, some at once, and reads the answers, which are in the order of asking.
    fn many<T>(
        self,
        client: &Arc<Client>,
        count: usize,
        timeout: Duration,
        ask: impl Fn(usize, &Options, &Queue),
        read: impl Fn(&Event) -> Result<T>,
    ) -> Vec<Result<T>> {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        let answers = Queue::new(client);
        let mut results: Vec<Option<Result<T>>> = (0..count).map(|_| None).collect();
        let (mut next, mut underway) = (0, 0);
        loop {
            while next < count && underway < WINDOW && !left().is_zero() {
                let mut options = Options::new(client, self.operation, left());
                options.number(next);
                ask(next, &options, &answers);
                (next, underway) = (next + 1, underway + 1);
            }
            if underway == 0 {
                break;
            }
            // The requests have the same limit; a little more lets their own errors arrive.
            let Some(event) = answers.poll(left() + Duration::from_secs(1)) else { break };
            underway -= 1;
            if let Some(place) = results.get_mut(event.number()) {
                *place = Some(event.result(self.what).and_then(|()| read(&event)));
            }
        }
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(timed_out(self.what)))).collect()
    }
}

/// The one group of an answer.
///
/// # Safety
/// `groups` points to `count` results that are live.
unsafe fn group_entries(
    what: &'static str,
    groups: *mut *const sys::rd_kafka_group_result_t,
    count: usize,
) -> Result<Vec<Entry>> {
    // SAFETY: the caller promises live results; what they hold is copied.
    unsafe {
        let Some(&group) = array(groups.cast_const(), count).first() else {
            return Err(timed_out(what));
        };
        let error = sys::rd_kafka_group_result_error(group);
        if !error.is_null() {
            let code = code(sys::rd_kafka_error_code(error));
            return Err(Error::Kafka { operation: what, code, reason: code.to_string() });
        }
        Ok(read(sys::rd_kafka_group_result_partitions(group)))
    }
}
