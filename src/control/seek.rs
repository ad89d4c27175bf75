//! Moving a function's positions: all nodes pause it, its group is moved once it has no members, and it goes on.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::service::Surroundings;
use super::wishes::{Cause, Moved, Run, Unwritten, Wishes};
use crate::commands::Refusal;
use crate::kafka::{self, Outsider, Settings, Start, TopicPartition, Topics};
use crate::moves::{Move, Plan, Seek, Standing, TARGET_HINT, Target};
use crate::status::{Board, FunctionState, FunctionStatus};

/// How long one question to Kafka may take.
const CALL: Duration = Duration::from_secs(10);
/// How long the group may take to have no members any more: functions finish what is in flight within half a minute, and
/// a node that is gone without a word is a member for 45 s more.
const EMPTY: Duration = Duration::from_secs(90);
const AGAIN: Duration = Duration::from_millis(200);

pub(super) struct Seeker {
    settings: Settings,
    topics: Arc<Topics>,
    board: Arc<Board>,
    pub(super) wishes: Wishes,
    /// The embedded broker cannot look up records by time.
    embedded: bool,
}

/// The group of one function, and which of its partitions are to move.
struct Group {
    outsider: Outsider,
    partitions: Vec<TopicPartition>,
    to: Target,
}

impl Seeker {
    pub(super) fn new(around: &Surroundings, embedded: bool) -> Seeker {
        Seeker {
            settings: around.settings.clone(),
            topics: Arc::clone(&around.topics),
            board: Arc::clone(&around.board),
            wishes: around.wishes.clone(),
            embedded,
        }
    }

    /// Says what a seek means, and does it unless that is all that was asked for. It takes as long as pausing does.
    pub(super) fn seek(&self, function: &str, seek: &Seek) -> Result<Plan, Refusal> {
        let status = self.board.function(function).unwrap_or_default();
        let group = self.group(&status, seek)?;
        let moves = group.moves().map_err(failed)?;
        if seek.dry_run {
            return Ok(Plan::new(function, &status.group, group.to, moves));
        }
        // A seek that was interrupted has left a pause that is nobody's wish.
        let wished = self.wishes.of(function).and_then(|wish| wish.run).filter(Run::is_paused);
        let by_seek = wished.as_ref().is_some_and(|run| run.is_for(Cause::Seek));
        // A pause for what one version did says nothing of another that runs now.
        let holds = wished.is_some_and(|run| run.digest.is_none());
        let paused = !by_seek && (holds || status.state == FunctionState::Paused);
        if !paused {
            let run = Run::paused(Cause::Seek, self.wishes.node(), None, None);
            self.wishes.wish(function, |wish| wish.run = Some(run.clone())).map_err(unwritten)?;
        }
        let moved = self.move_when_empty(&group);
        let done = moved.as_ref().is_ok().then(|| Moved::new(&group.to.to_string(), self.wishes.node()));
        let resumed = self.wishes.wish(function, |wish| {
            if let Some(done) = &done {
                wish.moved = Some(done.clone());
            }
            // Whoever has paused it in the meantime wants it to stay so.
            if wish.run.as_ref().is_some_and(|run| run.is_paused() && run.is_for(Cause::Seek)) {
                wish.run = Some(Run::running(self.wishes.node()));
            }
        });
        let paused = self.wishes.of(function).and_then(|wish| wish.run).map_or(paused, |run| run.is_paused());
        let moves = moved?;
        tracing::info!(function, to = %group.to, "the function's positions were moved");
        match resumed {
            Err(error) if !paused => {
                let message = format!("the positions of {function:?} were moved, but it is still paused: {error}");
                return Err(Refusal::new("not_resumed", message, format!("eddyline resume {function}")));
            }
            Err(error) => tracing::warn!(function, %error, "that its positions were moved is not written down"),
            Ok(()) => {}
        }
        Ok(Plan { applied: true, paused, ..Plan::new(function, &status.group, group.to, moves) })
    }

    fn group(&self, status: &FunctionStatus, seek: &Seek) -> Result<Group, Refusal> {
        let Some(to) = Target::parse(&seek.to, Timestamp::now()) else {
            return Err(Refusal::new("bad_place", format!("{:?} is no place to go to", seek.to), TARGET_HINT));
        };
        if self.embedded && matches!(to, Target::Time(_)) {
            let message = "the embedded broker cannot look up records by time";
            return Err(Refusal::new("not_supported", message, "use earliest, latest or an offset, or a real Kafka"));
        }
        let names: Vec<&str> = status.topics.iter().map(String::as_str).collect();
        let found = self.topics.describe(&names, CALL).map_err(failed)?;
        let wanted = |topic: &str| seek.topic.as_ref().is_none_or(|only| only == topic);
        let partitions: Vec<TopicPartition> = found
            .iter()
            .flatten()
            .filter(|topic| wanted(&topic.name))
            .flat_map(|topic| (0..topic.partitions).map(|number| TopicPartition::new(topic.name.as_str(), number)))
            .filter(|one| seek.partition.is_none_or(|only| only == one.partition))
            .collect();
        if partitions.is_empty() {
            let message = format!("{:?} reads no such partition", status.name);
            let hint = match names.is_empty() {
                true => "the node does not know its topics yet; try again when it runs".to_owned(),
                false => format!("it reads {}", names.join(", ")),
            };
            return Err(Refusal::new("no_partitions", message, hint));
        }
        let outsider = Outsider::new(&self.settings, &status.group).map_err(failed)?;
        Ok(Group { outsider, partitions, to })
    }

    /// Kafka itself refuses to move a group that has members, so nothing can come in between.
    fn move_when_empty(&self, group: &Group) -> Result<Vec<Move>, Refusal> {
        let deadline = Instant::now() + EMPTY;
        loop {
            // Anew each time: until the last member has left, it commits.
            let moves = group.moves().map_err(failed)?;
            if group.commit(&moves).map_err(failed)? {
                return Ok(moves);
            }
            if self.wishes.is_stopping() {
                return Err(Refusal::new("stopping", "the node is shutting down", "ask another node"));
            }
            if Instant::now() >= deadline {
                let message = format!("the function's group still has members after {EMPTY:?}; nothing was moved");
                let hint = "something else may be in this group, or a node that does not answer: \
                            `kafka-consumer-groups --describe --members` lists them";
                return Err(Refusal::new("has_members", message, hint));
            }
            thread::sleep(AGAIN);
        }
    }
}

impl Group {
    fn moves(&self) -> kafka::Result<Vec<Move>> {
        let offsets = |place| self.outsider.offsets(&self.partitions, place, CALL);
        let committed = self.outsider.committed(&self.partitions, CALL)?;
        let (low, high) = (offsets(Start::Earliest)?, offsets(Start::Latest)?);
        let at_time = match self.to {
            Target::Time(time) => offsets(Start::Time(time.as_millisecond()))?,
            _ => Vec::new(),
        };
        let moves = self.partitions.iter().enumerate().map(|(index, partition)| {
            let standing = Standing {
                topic: partition.topic.to_string(),
                partition: partition.partition,
                committed: committed[index],
                low: low[index],
                high: high[index],
            };
            let wanted = match self.to {
                Target::Earliest => standing.low,
                Target::Latest => standing.high,
                Target::Offset(offset) => offset,
                // Records may have come since the ends were asked for.
                Target::Time(_) => at_time[index].min(standing.high),
            };
            Move::new(&standing, wanted)
        });
        Ok(moves.collect())
    }

    fn commit(&self, moves: &[Move]) -> kafka::Result<bool> {
        let positions: Vec<(TopicPartition, i64)> =
            self.partitions.iter().cloned().zip(moves.iter().map(|one| one.to)).collect();
        self.outsider.commit(&positions, CALL)
    }
}

fn failed(error: kafka::Error) -> Refusal {
    Refusal::new("kafka", error.to_string(), "check the brokers, and what the node may do there")
}

fn unwritten(error: Unwritten) -> Refusal {
    let message = format!("the function cannot be paused on all nodes, so nothing was moved: {error}");
    Refusal::new(
        "wishes_unavailable",
        message,
        "the node has to be able to make, read and write _eddyline.functions (E3003)",
    )
}
