//! The thread that makes the calls of one producer's transactions, one after the other: they may block, and one that
//! never returns must hold up nobody else.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::kafka::{GroupMetadata, Producer, TopicPartition, TransactionError};

/// How long one call waits for Kafka before it says that it has to be made again.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A call with what it needs.
pub enum Job {
    Init,
    Begin,
    Offsets { next: Vec<(TopicPartition, i64)>, group: GroupMetadata },
    Commit,
    Abort,
}

pub type Answer = Result<(), TransactionError>;

/// What became of a call.
pub struct Done {
    pub answer: Answer,
    /// It was a commit, and the next transaction has begun as well: that takes no exchange with Kafka, and nobody need
    /// be asked about it.
    pub begun: bool,
}

/// Without it, the thread ends after the call that it is in.
pub struct Conductor {
    producer: Producer,
    jobs: Sender<Job>,
    answers: Receiver<Done>,
}

impl Conductor {
    /// `wake` is called when there is an answer.
    pub fn start(producer: Producer, wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Conductor> {
        let (jobs, todo) = channel();
        let (told, answers) = channel();
        let own = producer.clone();
        std::thread::Builder::new().name("transactions".to_owned()).spawn(move || {
            for job in todo {
                let answer = make(&own, &job);
                let begun = matches!(job, Job::Commit) && answer.is_ok() && own.begin_transaction().is_ok();
                if told.send(Done { answer, begun }).is_err() {
                    return;
                }
                wake();
            }
        })?;
        Ok(Conductor { producer, jobs, answers })
    }

    pub fn producer(&self) -> Producer {
        self.producer.clone()
    }

    pub fn make(&self, job: Job) {
        let _ = self.jobs.send(job);
    }

    pub fn answer(&self) -> Option<Done> {
        self.answers.try_recv().ok()
    }

    /// Waits for an answer, on the way out.
    pub fn wait(&self, within: Duration) -> Option<Answer> {
        self.answers.recv_timeout(within).ok().map(|done| done.answer)
    }

    /// Leaves the producer to itself, with whatever call it is in.
    pub fn abandon(self) {
        self.producer.abandon();
    }
}

fn make(producer: &Producer, job: &Job) -> Answer {
    match job {
        Job::Init => producer.init_transactions(ATTEMPT),
        Job::Begin => producer.begin_transaction(),
        Job::Offsets { next, group } => producer.send_offsets(next, group, ATTEMPT),
        Job::Commit => producer.commit_transaction(ATTEMPT),
        Job::Abort => producer.abort_transaction(ATTEMPT),
    }
}
