//! Partitions whose position is not known yet: those that have just come, and all of them when a transaction was given
//! up. Nothing is taken from them before Kafka has said where the group stands, and nobody else waits for that.

use std::time::Instant;

use super::subscription::Subscription;
use crate::kafka::{Committed, Position, Question, TRANSACTION_TIMEOUT, TopicPartition};

/// What a partition waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsettled {
    question: u64,
    since: Instant,
    /// Kafka's client stands elsewhere.
    goes_back: bool,
}

/// What was asked and has no answer.
#[derive(Default)]
pub(super) struct Questions {
    asked: Vec<(u64, Question)>,
    last: u64,
    /// What the last attempt came to.
    trouble: Option<String>,
    /// Everybody was told that it takes long.
    told: bool,
}

impl Subscription {
    /// Asks where these partitions stand; with `goes_back`, Kafka's client is to go there.
    pub(super) fn ask(&mut self, which: &[TopicPartition], goes_back: bool, now: Instant) -> crate::kafka::Result<()> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        if which.is_empty() {
            return Ok(());
        }
        let asked = consumer.ask(which.to_vec(), self.inbox.wake())?;
        self.questions.last += 1;
        let question = self.questions.last;
        self.questions.asked.push((question, asked));
        for partition in self.partitions.values_mut().filter(|partition| which.contains(&partition.at)) {
            partition.unsettled = Some(Unsettled { question, since: now, goes_back });
        }
        Ok(())
    }

    /// Takes what Kafka has said of positions.
    pub(super) fn hear_positions(&mut self, now: Instant) {
        let mut answered = Vec::new();
        let trouble = &mut self.questions.trouble;
        self.questions.asked.retain(|(number, question)| {
            while let Some(answer) = question.answer() {
                match answer {
                    Ok(known) => {
                        answered.push((*number, known));
                        return false;
                    }
                    Err(error) => *trouble = Some(error.to_string()),
                }
            }
            true
        });
        if self.questions.asked.is_empty() {
            self.questions.trouble = None;
        }
        for (number, known) in answered {
            if let Err(error) = self.begin_at(number, &known) {
                tracing::error!(%error, "cannot go to the last commit; the consumer is made anew");
                self.drop_consumer(now);
            }
        }
    }

    fn begin_at(&mut self, number: u64, known: &[Committed]) -> crate::kafka::Result<()> {
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        for partition in self.partitions.values_mut() {
            // One that went and came again waits for another answer.
            let Some(unsettled) = partition.unsettled.filter(|one| one.question == number) else { continue };
            let committed = known.iter().find(|one| one.partition == partition.at);
            if unsettled.goes_back {
                // One without an offset appeared later than the function.
                let position = committed.map_or(Position::Beginning, |one| Position::Offset(one.offset));
                consumer.restart(partition.slot, position)?;
            }
            if let Some(committed) = committed {
                partition.begins_at(committed);
            }
            if partition.may_stray {
                // There is no such offset any more, and Kafka's client has begun elsewhere before we asked.
                partition.begins_anew();
            }
            if let Some(stretch) = &self.setup.stretch {
                stretch.limit(partition);
            }
            partition.unsettled = None;
            partition.has_more = true;
        }
        Ok(())
    }

    /// Nothing that was asked is of use any more.
    pub(super) fn forget_questions(&mut self) {
        self.questions.asked.clear();
    }

    /// Says so when it takes longer than any transaction of ours may.
    pub(super) fn show_unsettled(&mut self, now: Instant) {
        let partitions = &self.partitions;
        let waits = |question: &u64| {
            partitions.values().any(|partition| partition.unsettled.is_some_and(|one| one.question == *question))
        };
        self.questions.asked.retain(|(question, _)| waits(question));
        let waiting = self.partitions.values().filter(|partition| partition.unsettled.is_some());
        let overdue = |one: &Unsettled| now.saturating_duration_since(one.since) >= TRANSACTION_TIMEOUT;
        let mut late: Vec<String> = waiting
            .filter(|partition| partition.unsettled.as_ref().is_some_and(overdue))
            .map(|partition| partition.at.to_string())
            .collect();
        if late.is_empty() {
            if std::mem::take(&mut self.questions.told) {
                self.reporter.over();
            }
            return;
        }
        if !std::mem::replace(&mut self.questions.told, true) {
            late.sort();
            let trouble = self.questions.trouble.as_deref().unwrap_or("no answer");
            self.reporter.held_up(&format!(
                "Kafka does not say where the group stands on {} ({trouble}): perhaps a transaction with its offsets was \
                 left unfinished",
                late.join(", ")
            ));
        }
    }
}
