//! Which records of a partition are underway, and up to where all of them are finished.
//!
//! A record is finished when it has settled (no further result will come) and Kafka has acknowledged every result of
//! it, or its dead letter. Only the contiguous finished prefix may be committed. Offsets need not be consecutive:
//! compaction and transaction markers leave gaps, and so do records that nothing is to be done with.

use std::collections::VecDeque;
use std::ops::Range;

/// A record's place in the ledger; grows by one for each record of the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

#[derive(Debug)]
pub struct Entry<R> {
    pub offset: i64,
    pub record: R,
    pub size: usize,
    /// The offset to commit once it is finished: behind it, and behind all that was passed after it.
    next: i64,
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
    /// Before this place every record has settled.
    settled_to: u64,
    bytes: usize,
    next_offset: Option<i64>,
    /// `next_offset` has moved without an entry.
    passed: bool,
}

impl<R> Default for Ledger<R> {
    fn default() -> Self {
        Ledger { entries: VecDeque::new(), first: 0, settled_to: 0, bytes: 0, next_offset: None, passed: false }
    }
}

impl<R> Ledger<R> {
    /// Adds the next record of the partition.
    pub fn add(&mut self, offset: i64, record: R, size: usize) -> Seq {
        let seq = Seq(self.first + self.entries.len() as u64);
        self.bytes += size;
        self.entries.push_back(Entry { offset, record, size, next: offset + 1, unacknowledged: 0, settled: false });
        seq
    }

    /// Nothing is to be done with the next record of the partition; it is finished with all that came before it.
    pub fn pass(&mut self, offset: i64) {
        match self.entries.back_mut() {
            Some(entry) => entry.next = offset + 1,
            None => {
                self.next_offset = Some(offset + 1);
                self.passed = true;
            }
        }
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
            while self.get(Seq(self.settled_to)).is_some_and(|entry| entry.settled) {
                self.settled_to += 1;
            }
        }
    }

    /// A settled record turns out to need another result, its dead letter.
    pub fn reopen(&mut self, seq: Seq) {
        if let Some(entry) = self.get_mut(seq) {
            entry.settled = false;
            self.settled_to = self.settled_to.min(seq.0);
        }
    }

    /// Whether every record before this one has settled.
    pub fn leads(&self, seq: Seq) -> bool {
        seq.0 <= self.settled_to
    }

    /// The offset behind the records underway that have settled with all before them, whatever Kafka has acknowledged.
    pub fn settled_offset(&self) -> Option<i64> {
        let last = self.settled_to.checked_sub(self.first + 1)?;
        self.entries.get(last as usize).map(|entry| entry.next)
    }

    /// Forgets the finished prefix, showing each record to `finished`. Returns the offset to commit, if it has moved.
    pub fn advance(&mut self, mut finished: impl FnMut(&R)) -> Option<i64> {
        let mut moved = std::mem::take(&mut self.passed);
        while self.entries.front().is_some_and(Entry::finished) {
            if let Some(entry) = self.entries.pop_front() {
                self.first += 1;
                self.bytes -= entry.size;
                self.next_offset = Some(entry.next);
                moved = true;
                finished(&entry.record);
            }
        }
        if moved { self.next_offset } else { None }
    }

    /// What is finished although something before it is not: ranges of offsets, in order.
    pub fn finished_beyond(&self) -> impl Iterator<Item = Range<i64>> {
        let mut entries = self.entries.iter().peekable();
        std::iter::from_fn(move || {
            let first = entries.find(|entry| entry.finished())?;
            let mut end = first.next;
            while let Some(entry) = entries.next_if(|entry| entry.finished()) {
                end = entry.next;
            }
            Some(first.offset..end)
        })
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

    #[test]
    fn a_record_that_needs_nothing_is_committed_with_those_before_it() {
        let mut ledger = Ledger::default();
        ledger.pass(3);
        assert_eq!(ledger.advance(|()| {}), Some(4));
        assert_eq!(ledger.advance(|()| {}), None);
        let first = ledger.add(4, (), 1);
        ledger.pass(5);
        let second = ledger.add(6, (), 1);
        ledger.pass(9);
        assert_eq!(ledger.advance(|()| {}), None);
        ledger.settle(second);
        assert_eq!(ledger.advance(|()| {}), None);
        ledger.settle(first);
        assert_eq!(ledger.advance(|()| {}), Some(10));
        assert!(ledger.is_empty());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add { gap: i64 },
        Pass { gap: i64 },
        Settle { which: usize, results: u32 },
        Acknowledge { which: usize },
        Advance,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0i64..5).prop_map(|gap| Step::Add { gap }),
            (0i64..5).prop_map(|gap| Step::Pass { gap }),
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
        /// Nothing where it was passed.
        seq: Option<Seq>,
        unsettled: bool,
        missing: u32,
    }

    #[test]
    fn a_record_leads_once_all_before_it_have_settled() {
        let mut ledger = Ledger::default();
        let [first, second, third] = [1, 2, 3].map(|offset| ledger.add(offset, (), 1));
        assert!(ledger.leads(first) && !ledger.leads(second));
        ledger.settle(second);
        assert!(!ledger.leads(third));
        ledger.expect(first);
        ledger.settle(first);
        assert!(ledger.leads(third), "what Kafka has acknowledged is another matter");
        ledger.reopen(second);
        assert!(ledger.leads(second) && !ledger.leads(third));
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
                        prop_assert_eq!(seq, Seq(model.iter().filter(|record| record.seq.is_some()).count() as u64));
                        model.push(Model { offset, seq: Some(seq), unsettled: true, missing: 0 });
                    }
                    Step::Pass { gap } => {
                        offset += 1 + gap;
                        ledger.pass(offset);
                        model.push(Model { offset, seq: None, unsettled: false, missing: 0 });
                    }
                    Step::Settle { which, results } if !model.is_empty() => {
                        let which = which % model.len();
                        let record = &mut model[which];
                        if let (Some(seq), true) = (record.seq, record.unsettled) {
                            (record.unsettled, record.missing) = (false, results);
                            (0..results).for_each(|_| ledger.expect(seq));
                            ledger.settle(seq);
                        }
                    }
                    Step::Acknowledge { which } if !model.is_empty() => {
                        let which = which % model.len();
                        let record = &mut model[which];
                        if let (Some(seq), true) = (record.seq, record.missing > 0) {
                            record.missing -= 1;
                            ledger.acknowledge(seq);
                        }
                    }
                    _ => { committed = ledger.advance(|()| {}).or(committed); }
                }
            }
            committed = ledger.advance(|()| {}).or(committed);
            let prefix = model.iter().take_while(|record| !record.unsettled && record.missing == 0).count();
            prop_assert_eq!(committed, prefix.checked_sub(1).map(|last| model[last].offset + 1));
            let settled = model.iter().take_while(|record| !record.unsettled).count();
            let behind = settled.checked_sub(1).map(|last| model[last].offset + 1);
            prop_assert_eq!(ledger.settled_offset().or(committed), behind);
            prop_assert_eq!(ledger.len(), model[prefix..].iter().filter(|record| record.seq.is_some()).count());
            prop_assert_eq!(ledger.bytes(), 3 * ledger.len());
            let beyond: Vec<Range<i64>> = ledger.finished_beyond().collect();
            prop_assert!(beyond.windows(2).all(|pair| pair[0].end <= pair[1].start));
            for record in model[prefix..].iter().filter(|record| record.seq.is_some()) {
                let finished = !record.unsettled && record.missing == 0;
                prop_assert_eq!(beyond.iter().any(|range| range.contains(&record.offset)), finished);
            }
        }
    }
}
