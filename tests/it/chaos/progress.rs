//! Says now and then how far a run is.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;

use super::subject::Subject;
use crate::support::reading;

const EVERY: Duration = Duration::from_secs(10);
/// A broker that is down says nothing, and the run is not to wait for it.
const CALL: Duration = Duration::from_secs(2);

/// It ends when it is dropped.
pub struct Progress {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    pub fn start(brokers: &str, input: &str, subjects: &[Subject]) -> Progress {
        let groups: Vec<String> = subjects.iter().map(|subject| subject.function.group.clone()).collect();
        let (brokers, input, begun) = (brokers.to_owned(), input.to_owned(), Instant::now());
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let state = state(&brokers, &input, &groups).unwrap_or_else(|| "the broker does not answer".to_owned());
                println!("{:7.2} s  ... {state}", begun.elapsed().as_secs_f64());
            }
        });
        Progress { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn state(brokers: &str, input: &str, groups: &[String]) -> Option<String> {
    let watcher = reading::consumer(brokers, "eddyline-tests");
    let metadata = watcher.fetch_metadata(Some(input), CALL).ok()?;
    let partitions = metadata.topics().first()?.partitions().len() as i32;
    let mut written = 0;
    for partition in 0..partitions {
        written += watcher.fetch_watermarks(input, partition, CALL).ok()?.1;
    }
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(input, 0, partitions - 1);
    let mut done = Vec::new();
    for group in groups {
        let committed = reading::consumer(brokers, group).committed_offsets(asked.clone(), CALL).ok()?;
        let offsets = committed.elements().into_iter().filter_map(|one| one.offset().to_raw());
        done.push(offsets.filter(|offset| *offset > 0).sum::<i64>().to_string());
    }
    Some(format!("{written} records written, {} done", done.join(" and ")))
}
