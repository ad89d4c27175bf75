//! Records from before where the group stands, which Kafka's client brings where it was not told of the position.

use super::partition::Partition;
use crate::kafka::Error;

impl Partition {
    /// Where a transaction keeps Kafka's client from hearing where the group stands, it may begin at the earliest record as
    /// if there were no position. It is sent back once. `first` is the offset of what it brings first.
    pub(super) fn stray(&mut self, first: Option<i64>) -> Option<Error> {
        let at = self.in_group.filter(|_| self.taken_to.is_none() && !self.may_stray)?;
        let offset = first.filter(|offset| *offset < at)?;
        self.may_stray = true;
        Some(Error::Client(format!("records come from offset {offset} on, and the group stands at {at}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::{Committed, Slot, TopicPartition};
    use crate::manifest::Delivery;
    use crate::pipeline::lanes::Lanes;

    /// A partition in which the group stands at this offset, as is known by now.
    fn standing_at(offset: i64) -> Partition {
        let at = TopicPartition::new("t", 0);
        let mut partition = Partition::new(at.clone(), Slot::of_nobody(), Lanes::new(1, &Delivery::default()));
        partition.begins_at(&Committed { partition: at, offset, note: String::new() });
        partition
    }

    #[test]
    fn who_begins_before_the_position_is_sent_back_there_once() {
        let mut partition = standing_at(100);
        let error = partition.stray(Some(0)).expect("an error").to_string();
        assert!(error.contains("offset 0") && error.contains("stands at 100"), "{error}");
        assert_eq!(partition.resume_at(), Some(100));
        assert!(partition.stray(Some(0)).is_none(), "there is nothing else, or it would not come again");
    }

    #[test]
    fn what_comes_from_the_position_on_is_taken_and_so_is_all_that_follows() {
        for first in [None, Some(100), Some(107)] {
            assert!(standing_at(100).stray(first).is_none(), "{first:?}");
        }
        let mut partition = standing_at(100);
        partition.taken_to = Some(101);
        assert!(partition.stray(Some(50)).is_none(), "its log has been made anew since");
    }

    #[test]
    fn a_position_that_does_not_exist_any_more_sends_nobody_back() {
        let mut partition = standing_at(100);
        partition.begins_anew();
        assert!(partition.stray(Some(0)).is_none());
    }
}
