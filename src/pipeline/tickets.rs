//! Which record a result belongs to, by a number small enough to travel through librdkafka.

use super::ledger::Seq;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub lane: u32,
    pub seq: Seq,
    pub dead_letter: bool,
}

impl Ticket {
    pub fn result(lane: u32, seq: Seq) -> Ticket {
        Ticket { lane, seq, dead_letter: false }
    }

    pub fn dead_letter(lane: u32, seq: Seq) -> Ticket {
        Ticket { lane, seq, dead_letter: true }
    }
}

/// Numbers are used again once redeemed; each is redeemed once. What was issued earlier has the lower order.
#[derive(Debug, Default)]
pub struct Tickets {
    issued: Vec<Option<(Ticket, u64)>>,
    free: Vec<u32>,
    orders: u64,
}

impl Tickets {
    pub fn issue(&mut self, ticket: Ticket) -> u32 {
        self.orders += 1;
        let entry = Some((ticket, self.orders));
        match self.free.pop() {
            Some(number) => {
                self.issued[number as usize] = entry;
                number
            }
            None => {
                self.issued.push(entry);
                (self.issued.len() - 1) as u32
            }
        }
    }

    /// When a ticket was issued, among all others.
    pub fn order(&self, number: u32) -> Option<u64> {
        self.issued.get(number as usize)?.map(|(_, order)| order)
    }

    pub fn redeem(&mut self, number: u32) -> Option<Ticket> {
        let (ticket, _) = self.issued.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(ticket)
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
        let order = tickets.order(number);
        assert_eq!(tickets.redeem(number), Some(ticket));
        assert_eq!(tickets.redeem(number), None);
        assert_eq!(tickets.issue(ticket), number);
        assert!(tickets.order(number) > order, "what is issued later comes later, whatever its number");
        assert_eq!(tickets.len(), 1);
    }
}
