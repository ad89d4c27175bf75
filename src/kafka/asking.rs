//! Asking where a group stands, on a thread of its own: while a transaction of a partition's former owner is not
//! finished, Kafka does not say it, and nobody else is to wait for that.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::consumer::committed_entries;
use super::native::Entry;
use super::{Committed, Consumer, Error, Result, TopicPartition, Wake};

/// How long one attempt may take. Kafka's client asks again by itself meanwhile, and goes on with what it was asked for even
/// when nobody waits for that, so that attempts must not be many.
const ATTEMPT: Duration = Duration::from_secs(5);
/// What lies between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// A question that is asked until it has an answer, or until nobody waits for that any more.
pub struct Question {
    answers: Receiver<Result<Vec<Committed>>>,
}

impl Question {
    /// Why there is no answer so far, or the answer. Partitions without an offset are not in it.
    pub fn answer(&self) -> Option<Result<Vec<Committed>>> {
        self.answers.try_recv().ok()
    }
}

impl Consumer {
    /// Where the group stands on these partitions, with the notes that were committed along. `wake` is called when
    /// something is known.
    pub fn ask(&self, partitions: Vec<TopicPartition>, wake: Wake) -> Result<Question> {
        let (told, answers) = channel();
        let client = self.client();
        let ask = move || {
            loop {
                let known = committed_entries(&client, &partitions, ATTEMPT).map(known);
                let done = known.is_ok();
                let is_heard = told.send(known).is_ok();
                if is_heard {
                    wake();
                }
                if done || !is_heard {
                    return;
                }
                thread::sleep(PAUSE);
            }
        };
        let spawned = thread::Builder::new().name("positions".to_owned()).spawn(ask);
        spawned.map_err(|error| Error::Client(format!("no thread to ask for positions: {error}")))?;
        Ok(Question { answers })
    }
}

pub(super) fn known(entries: Vec<Entry>) -> Vec<Committed> {
    let known = |entry: Entry| Some(Committed { offset: entry.known()?, partition: entry.partition, note: entry.note });
    entries.into_iter().filter_map(known).collect()
}
