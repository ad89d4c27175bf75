//! Being in a group for a moment, so that Kafka does not forget it.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::{Consumer, ConsumerEvent, Error, Groups, Result, Settings};

/// How long asking and leaving may take.
const CALL: Duration = Duration::from_secs(10);

/// Joins the group and leaves it as soon as it is a member, without taking or committing anything.
///
/// Kafka forgets the offsets of a group a while after its last member has left, and committing them again does not
/// change that: only members do. Whoever was in the group meanwhile finds it as it was. Returns whether there was
/// anything to keep.
pub fn visit(settings: &Settings, groups: &Groups, group: &str, patience: Duration) -> Result<bool> {
    let mut topics: Vec<String> =
        groups.partitions_of(group, CALL)?.into_iter().map(|partition| partition.topic.to_string()).collect();
    topics.sort_unstable();
    topics.dedup();
    if topics.is_empty() {
        return Ok(false);
    }
    let (bell, rung) = sync_channel(1);
    // A member of that name would be taken for the one that is away.
    let settings = Settings { group_instance_id: None, ..settings.clone() };
    let mut consumer = Consumer::new(&settings, group, Arc::new(move || _ = bell.try_send(())))?;
    consumer.subscribe(&topics)?;
    let deadline = Instant::now() + patience;
    loop {
        while let Some(event) = consumer.poll() {
            match event {
                ConsumerEvent::Assign(_) => {
                    consumer.assign(&[])?;
                    return consumer.close(CALL).map(|()| true);
                }
                ConsumerEvent::Fatal(error) => return Err(error),
                _ => {}
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || rung.recv_timeout(left) == Err(RecvTimeoutError::Disconnected) {
            return Err(Error::Client(format!("{group} did not let us in within {patience:?}")));
        }
    }
}
