//! Which record a result belongs to, by a number small enough to travel through librdkafka.

use super::ledger::Seq;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub lane: u32,
    pub seq: Seq,
    pub dead_letter: bool,
}

/// Numbers are used again once redeemed; each is redeemed once.
#[derive(Debug, Default)]
pub struct Tickets {
    issued: Vec<Option<Ticket>>,
    free: Vec<u32>,
}

impl Tickets {
    pub fn issue(&mut self, ticket: Ticket) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.issued[number as usize] = Some(ticket);
                number
            }
            None => {
                self.issued.push(Some(ticket));
                (self.issued.len() - 1) as u32
            }
        }
    }

    pub fn redeem(&mut self, number: u32) -> Option<Ticket> {
        let ticket = self.issued.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(ticket)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tickets that were issued and not redeemed.
    pub fn len(&self) -> usize {
        self.issued.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_redeemed_once_and_its_number_used_again() {
        let mut tickets = Tickets::default();
        let ticket = Ticket::result(1, Seq(2));
        let number = tickets.issue(ticket);
        assert_eq!(tickets.redeem(number), Some(ticket));
        assert_eq!(tickets.redeem(number), None);
        assert_eq!(tickets.issue(ticket), number);
        assert_eq!(tickets.len(), 1);
    }
}
