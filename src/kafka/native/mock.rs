//! librdkafka's in-process broker.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;

use super::Client;
use super::queue::millis;
use super::text::{c_name, check, text};
use crate::kafka::{Error, Result};

pub(in crate::kafka) struct MockCluster {
    cluster: NonNull<sys::rd_kafka_mock_cluster_t>,
    _client: Arc<Client>,
}

// SAFETY: calls on a mock cluster are handed to its own thread or take its lock.
unsafe impl Send for MockCluster {}
// SAFETY: as above.
unsafe impl Sync for MockCluster {}

impl MockCluster {
    pub(in crate::kafka) fn new(client: Arc<Client>, brokers: usize) -> Result<Self> {
        let brokers = c_int::try_from(brokers).unwrap_or(1);
        // SAFETY: the client is live and outlives the cluster.
        let cluster = unsafe { sys::rd_kafka_mock_cluster_new(client.raw(), brokers) };
        let cluster =
            NonNull::new(cluster).ok_or_else(|| Error::Client("the embedded broker did not start".to_owned()))?;
        Ok(Self { cluster, _client: client })
    }

    pub(in crate::kafka) fn bootstrap_servers(&self) -> String {
        // SAFETY: the cluster is live, and the text is copied.
        unsafe { text(sys::rd_kafka_mock_cluster_bootstraps(self.cluster.as_ptr())) }.into_owned()
    }

    /// How long a new group waits for more members.
    pub(in crate::kafka) fn set_initial_rebalance_delay(&self, delay: Duration) {
        // SAFETY: the cluster is live.
        unsafe {
            sys::rd_kafka_mock_group_initial_rebalance_delay_ms(self.cluster.as_ptr(), millis(delay));
        }
    }

    /// How long answers take from now on.
    #[cfg(test)]
    pub(super) fn answer_after(&self, delay: Duration) {
        // SAFETY: the cluster is live; -1 stands for all of its brokers.
        unsafe { sys::rd_kafka_mock_broker_set_rtt(self.cluster.as_ptr(), -1, millis(delay)) };
    }

    pub(in crate::kafka) fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let name = c_name(name)?;
        // SAFETY: the cluster is live and the name terminated.
        check("creating a topic on the embedded broker", unsafe {
            sys::rd_kafka_mock_topic_create(self.cluster.as_ptr(), name.as_ptr(), partitions, 1)
        })
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        // SAFETY: the cluster is ours, and its client is still alive.
        unsafe { sys::rd_kafka_mock_cluster_destroy(self.cluster.as_ptr()) }
    }
}
