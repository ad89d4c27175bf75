//! Which records of a partition are underway, and up to where all of them are finished.
//!
//! A record is finished when it has settled (no further result will come) and Kafka has acknowledged every result of
//! it, or its dead letter. Only the contiguous finished prefix may be committed. Offsets need not be consecutive:
//! compaction and transaction markers leave gaps.

use std::collections::VecDeque;

/// A record's place in the ledger; grows by one for each record of the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

#[derive(Debug)]
pub struct Entry<R> {
    pub offset: i64,
    pub record: R,
    pub size: usize,
    /// Results that were handed to Kafka and not yet acknowledged.
    unacknowledged: u32,
    settled: bool,
}

impl<R> Entry<R> {
    fn finished(&self) -> bool {
        self.settled && self.unacknowledged == 0
    }
}

#[derive(Debug)]
pub struct Ledger<R> {
    entries: VecDeque<Entry<R>>,
    /// The place of `entries[0]`.
    first: u64,
    bytes: usize,
    next_offset: Option<i64>,
}

impl<R> Default for Ledger<R> {
    fn default() -> Self {
        Ledger { entries: VecDeque::new(), first: 0, bytes: 0, next_offset: None }
    }
}

impl<R> Ledger<R> {
    /// Adds the next record of the partition.
    pub fn add(&mut self, offset: i64, record: R, size: usize) -> Seq {
        let seq = Seq(self.first + self.entries.len() as u64);
        self.bytes += size;
        self.entries.push_back(Entry { offset, record, size, unacknowledged: 0, settled: false });
        seq
    }

    pub fn get(&self, seq: Seq) -> Option<&Entry<R>> {
        self.entries.get(self.index(seq)?)
    }

    fn index(&self, seq: Seq) -> Option<usize> {
        seq.0.checked_sub(self.first).map(|index| index as usize)
    }

    pub fn get_mut(&mut self, seq: Seq) -> Option<&mut Entry<R>> {
        let index = self.index(seq)?;
        self.entries.get_mut(index)
    }

    /// One more result of this record is on its way to Kafka.
    pub fn expect(&mut self, seq: Seq) {
        if let Some(entry) = self.get_mut(seq) {
            entry.unacknowledged += 1;
        }
    }

    /// Kafka has one of this record's results.
    pub fn acknowledge(&mut self, seq: Seq) {
        if let Some(entry) = self.get_mut(seq) {
            debug_assert!(entry.unacknowledged > 0, "more acknowledged than expected");
            entry.unacknowledged = entry.unacknowledged.saturating_sub(1);
        }
    }

    /// No further result of this record will come.
    pub fn settle(&mut self, seq: Seq) {
        if let Some(entry) = self.get_mut(seq) {
            entry.settled = true;
        }
    }

    /// A settled record turns out to need another result, its dead letter.
    pub fn reopen(&mut self, seq: Seq) {
        if let Some(entry) = self.get_mut(seq) {
            entry.settled = false;
        }
    }

    /// Forgets the finished prefix, showing each record to `finished`. Returns the offset to commit, if it has moved.
    pub fn advance(&mut self, mut finished: impl FnMut(&R)) -> Option<i64> {
        let before = self.first;
        while self.entries.front().is_some_and(Entry::finished) {
            if let Some(entry) = self.entries.pop_front() {
                self.first += 1;
                self.bytes -= entry.size;
                self.next_offset = Some(entry.offset + 1);
                finished(&entry.record);
            }
        }
        if self.first == before { None } else { self.next_offset }
    }

    /// Records underway.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the records underway.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether every record that has settled is finished, so that waiting longer would gain nothing.
    pub fn is_acknowledged(&self) -> bool {
        self.entries.iter().all(|entry| entry.unacknowledged == 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_offset_moves_only_over_a_finished_prefix() {
        let mut ledger = Ledger::default();
        let first = ledger.add(10, (), 1);
        let second = ledger.add(15, (), 1);
        ledger.expect(second);
        ledger.settle(second);
        ledger.acknowledge(second);
        assert_eq!(ledger.advance(|()| {}), None, "the first has not settled");
        ledger.expect(first);
        ledger.settle(first);
        assert_eq!(ledger.advance(|()| {}), None, "the first is not acknowledged");
        ledger.acknowledge(first);
        assert_eq!(ledger.advance(|()| {}), Some(16));
        assert!(ledger.is_empty());
        assert_eq!(ledger.bytes(), 0);
    }

    #[test]
    fn an_acknowledgement_that_comes_late_changes_nothing() {
        let mut ledger = Ledger::default();
        let seq = ledger.add(1, (), 1);
        ledger.settle(seq);
        assert_eq!(ledger.advance(|()| {}), Some(2));
        ledger.acknowledge(seq);
        assert_eq!(ledger.advance(|()| {}), None);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add { gap: i64 },
        Settle { which: usize, results: u32 },
        Acknowledge { which: usize },
        Advance,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0i64..5).prop_map(|gap| Step::Add { gap }),
            (any::<usize>(), 0u32..4).prop_map(|(which, results)| Step::Settle { which, results }),
            any::<usize>().prop_map(|which| Step::Acknowledge { which }),
            Just(Step::Advance),
        ];
        proptest::collection::vec(step, 0..200)
    }

    /// The model keeps every record for ever and looks through all of them each time.
    #[derive(Debug)]
    struct Model {
        offset: i64,
        unsettled: bool,
        missing: u32,
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_model_that_never_forgets(steps in steps()) {
            let mut ledger = Ledger::default();
            let mut model: Vec<Model> = Vec::new();
            let mut offset = 0;
            let mut committed = None;
            for step in steps {
                match step {
                    Step::Add { gap } => {
                        offset += 1 + gap;
                        let seq = ledger.add(offset, (), 3);
                        prop_assert_eq!(seq, Seq(model.len() as u64));
                        model.push(Model { offset, unsettled: true, missing: 0 });
                    }
                    Step::Settle { which, results } if !model.is_empty() => {
                        let which = which % model.len();
                        if model[which].unsettled {
                            model[which] = Model { offset: model[which].offset, unsettled: false, missing: results };
                            (0..results).for_each(|_| ledger.expect(Seq(which as u64)));
                            ledger.settle(Seq(which as u64));
                        }
                    }
                    Step::Acknowledge { which } if !model.is_empty() => {
                        let which = which % model.len();
                        if model[which].missing > 0 {
                            model[which].missing -= 1;
                            ledger.acknowledge(Seq(which as u64));
                        }
                    }
                    _ => { committed = ledger.advance(|()| {}).or(committed); }
                }
            }
            committed = ledger.advance(|()| {}).or(committed);
            let prefix = model.iter().take_while(|record| !record.unsettled && record.missing == 0).count();
            prop_assert_eq!(committed, prefix.checked_sub(1).map(|last| model[last].offset + 1));
            prop_assert_eq!(ledger.len(), model.len() - prefix);
            prop_assert_eq!(ledger.bytes(), 3 * ledger.len());
        }
    }
}
