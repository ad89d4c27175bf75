//! Records that are done with before all ahead of them are: what they write waits for its turn, so that it stands in their
//! order, and so that a transaction holds nothing of a record behind the offset that is committed with it.

use super::lane::Item;
use super::ledger::Seq;
use super::outbox::Kept;
use super::partition::Partition;
use super::settling::Settling;
use super::tickets::Ticket;
use super::unwritable::Doom;
use crate::outcome::Outcome;
use crate::protocol::settled::FailureView;

/// What became of a record, with bytes of its own.
pub(super) enum Withheld {
    /// It is not to run.
    Doomed(Doom),
    Succeeded {
        outcome: Outcome,
        results: Vec<Kept>,
    },
    /// It failed for good.
    Failed {
        outcome: Outcome,
        message: String,
        stack: String,
        attempts: u32,
    },
}

impl Partition {
    /// Whether what this record writes has to wait for others. Where records may overtake each other, nothing has to.
    pub(super) fn waits(&self, seq: Seq) -> bool {
        !self.lanes.may_overtake() && !self.ledger.leads(seq)
    }

    /// Whether something has waited and need not any more.
    pub fn may_release(&self) -> bool {
        self.stopped.is_none() && self.withheld.first_key_value().is_some_and(|(seq, _)| self.ledger.leads(*seq))
    }

    /// Writes what has waited for its turn, as far as that has come.
    pub(super) fn release(&mut self, ran: &mut Settling<'_>) {
        while self.may_release()
            && let Some((seq, withheld)) = self.withheld.pop_first()
        {
            match withheld {
                Withheld::Doomed(doom) => {
                    if !self.skip(seq, &doom, ran) {
                        // Those behind it are in the lane already.
                        let size = self.ledger.get(seq).map_or(0, |entry| entry.size);
                        self.held_back = Some(Item { group: 1, ..Item::new(seq, size) });
                    }
                }
                Withheld::Succeeded { outcome, results } => {
                    let ticket = Ticket::result(self.lanes.number(), seq);
                    for kept in results {
                        ran.sink.write_kept(ticket, kept);
                        self.ledger.expect(seq);
                    }
                    self.ledger.settle(seq);
                    ran.metrics.settled(outcome, 1);
                }
                Withheld::Failed { outcome, message, stack, attempts } => {
                    let failure = FailureView { outcome, message: &message, stack: &stack };
                    ran.metrics.settled(outcome, 1);
                    self.bury(seq, &failure, attempts, ran);
                    self.ledger.settle(seq);
                }
            }
        }
    }
}
