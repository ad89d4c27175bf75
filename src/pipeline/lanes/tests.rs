//! All lanes of a partition together, against a worker that settles each in order.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::protocol::control::Credit;

const WINDOW: Window = Window { records: 64, bytes: usize::MAX };

fn lanes(order: Order, concurrency: u32) -> Lanes {
    Lanes::new(5, &Delivery { order, concurrency, ..Delivery::default() })
}

fn send(lanes: &mut Lanes, now: Instant) -> Option<(u64, Vec<u64>)> {
    let mut items = Vec::new();
    let (id, _) = lanes.send(now, Grouping::SINGLE, WINDOW, &mut items)?;
    Some((id, items.iter().map(|item| item.seq.0).collect()))
}

fn succeed(lanes: &mut Lanes, id: u64) {
    let mut items = Vec::new();
    lanes.land(id, &mut items).unwrap();
    lanes.landed(&items);
}

#[test]
fn what_waits_behind_a_slow_one_goes_to_a_free_lane() {
    let mut lanes = lanes(Order::Key, 2);
    let now = Instant::now();
    [b"a", b"b", b"c"].into_iter().zip(0..).for_each(|(key, seq)| lanes.push(Seq(seq), 1, Some(key)));
    let (slow, _) = send(&mut lanes, now).unwrap();
    let (quick, _) = send(&mut lanes, now).unwrap();
    let (behind, _) = send(&mut lanes, now).unwrap();
    assert_eq!(Lane::of(behind), Lane::of(slow), "each lane has one, and this one is sent ahead");
    succeed(&mut lanes, quick);
    let mut recalled = Vec::new();
    lanes.recall_stalled(|lane, epoch| recalled.push((lane, epoch)));
    assert!(recalled.is_empty(), "it was not seen before");
    lanes.recall_stalled(|lane, epoch| recalled.push((lane, epoch)));
    assert_eq!(recalled, [(Lane::of(slow), 0)]);
    let mut items = Vec::new();
    lanes.land_unrun(behind, &mut items).unwrap();
    lanes.give_back(items[0]);
    lanes.landed(&items);
    let (again, seqs) = send(&mut lanes, now).unwrap();
    assert_eq!((Lane::of(again), seqs), (Lane::of(quick), vec![2]));
}

#[test]
fn long_invocations_are_not_queued_behind_each_other() {
    let mut lanes = lanes(Order::None, 2);
    (0..20).for_each(|seq| lanes.push(Seq(seq), 1, None));
    (0..100).for_each(|_| lanes.ran(Duration::from_millis(50)));
    let now = Instant::now();
    let sent: Vec<u64> =
        std::iter::from_fn(|| send(&mut lanes, now)).map(|(id, _)| Lane::of(id)).map(u64::from).collect();
    assert_eq!(sent, [5, 6]);
    (0..200).for_each(|_| lanes.ran(Duration::from_micros(1)));
    assert_eq!(std::iter::from_fn(|| send(&mut lanes, now)).count(), 18);
}

#[test]
fn each_lane_has_an_invocation_however_many_partitions_share_the_isolate() {
    let credit = Credit { records: 4096, bytes: 64 << 20 };
    let count = |grouping, size| {
        let (mut lanes, mut items) = (lanes(Order::None, 100), Vec::new());
        (0..4000).for_each(|seq| lanes.push(Seq(seq), size, None));
        let (window, now) = (Window::of(credit, grouping, 256), Instant::now());
        let ids: Vec<u64> =
            std::iter::from_fn(|| lanes.send(now, grouping, window, &mut items)).map(|sent| sent.0).collect();
        let busy: std::collections::HashSet<u32> = ids.iter().map(|id| Lane::of(*id)).collect();
        (ids.len(), busy.len(), items.len())
    };
    assert_eq!(count(Grouping { records: 10, bytes: 1 << 20 }, 100), (100, 100, 1000));
    assert_eq!(count(Grouping::SINGLE, 100 << 10), (100, 100, 100));
}

#[test]
fn an_invocation_of_another_partition_is_refused() {
    let mut lanes = lanes(Order::Key, 2);
    lanes.push(Seq(0), 1, None);
    let (id, _) = send(&mut lanes, Instant::now()).unwrap();
    let other = Lanes::new(7, &Delivery::default());
    assert!(lanes.owns(id) && !other.owns(id));
    assert!(other.landing(id).is_err());
}

#[derive(Debug, Clone)]
enum Step {
    Push {
        key: u8,
    },
    Send {
        records: u32,
    },
    /// The first of a lane ends, each of its records well or not.
    Settle {
        lane: usize,
        failing: u8,
    },
    Pass {
        time: u64,
    },
    Recall,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..5).prop_map(|key| Step::Push { key }),
        4 => (1u32..5).prop_map(|records| Step::Send { records }),
        4 => (0usize..3, any::<u8>()).prop_map(|(lane, failing)| Step::Settle { lane, failing: failing & (failing >> 3) }),
        1 => (0u64..20).prop_map(|time| Step::Pass { time }),
        1 => Just(Step::Recall),
    ];
    proptest::collection::vec(step, 0..200)
}

/// A worker as the protocol describes it: what is behind a failure or was recalled comes back unrun.
struct Worker {
    lanes: Lanes,
    queues: HashMap<u32, VecDeque<(u64, Vec<Item>)>>,
    keys: Vec<u8>,
    done: HashMap<u8, u64>,
    finished: usize,
    now: Instant,
}

impl Worker {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Push { key } => {
                self.lanes.push(Seq(self.keys.len() as u64), 1, Some(&[key]));
                self.keys.push(key);
            }
            Step::Send { records } => _ = self.send(records),
            Step::Settle { lane, failing } => self.settle(5 + lane as u32, failing),
            Step::Pass { time } => self.now += Duration::from_millis(time),
            Step::Recall => {
                let mut stopped = Vec::new();
                self.lanes.recall(|lane, _| stopped.push(lane));
                stopped.into_iter().for_each(|lane| self.give_back_unrun(lane, 1));
            }
        }
    }

    fn send(&mut self, records: u32) -> bool {
        let mut items = Vec::new();
        let grouping = Grouping { records, bytes: usize::MAX };
        let Some((id, _)) = self.lanes.send(self.now, grouping, WINDOW, &mut items) else { return false };
        self.queues.entry(Lane::of(id)).or_default().push_back((id, items));
        true
    }

    fn settle(&mut self, lane: u32, failing: u8) {
        let Some((id, _)) = self.queues.get_mut(&lane).and_then(VecDeque::pop_front) else { return };
        let mut items = Vec::new();
        self.lanes.land(id, &mut items).unwrap();
        let mut failed: Vec<u8> = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let key = self.keys[item.seq.0 as usize];
            let fails = failing >> (place % 8) & 1 == 1;
            if self.lanes.is_behind_its_key(item) {
                self.lanes.give_back(*item);
            } else if fails || failed.contains(&key) {
                failed.push(key);
                self.lanes.stop();
                self.lanes.block_until(item, self.now + Duration::from_millis(7));
                self.lanes.give_back(Item { attempts: item.attempts + 1, ..*item });
            } else {
                let before = self.done.insert(key, item.seq.0);
                assert!(before.is_none_or(|before| before < item.seq.0), "a key's records are done in their order");
                self.finished += 1;
            }
        }
        self.lanes.landed(&items);
        if !failed.is_empty() {
            self.give_back_unrun(lane, 0);
        }
    }

    fn give_back_unrun(&mut self, lane: u32, running: usize) {
        let Some(queue) = self.queues.get_mut(&lane) else { return };
        for (id, _) in queue.drain(running.min(queue.len())..) {
            let mut items = Vec::new();
            self.lanes.land_unrun(id, &mut items).unwrap();
            self.lanes.stop();
            items.iter().for_each(|item| self.lanes.give_back(*item));
            self.lanes.landed(&items);
        }
    }
}

proptest! {
    #[test]
    fn every_record_is_done_once_and_in_the_order_of_its_key(
        steps in steps(),
        by_key in any::<bool>(),
    ) {
        let lanes = if by_key { lanes(Order::Key, 3) } else { lanes(Order::Partition, 1) };
        let (queues, done, now) = (HashMap::new(), HashMap::new(), Instant::now());
        let mut worker = Worker { lanes, queues, keys: Vec::new(), done, finished: 0, now };
        steps.iter().for_each(|step| worker.step(step));
        for _ in 0..10_000 {
            if worker.finished == worker.keys.len() {
                break;
            }
            worker.now += Duration::from_millis(10);
            while worker.send(1) {}
            (5..8).for_each(|lane| worker.settle(lane, 0));
        }
        prop_assert_eq!(worker.finished, worker.keys.len(), "nothing waits for ever");
        prop_assert!(!worker.lanes.is_flying());
        prop_assert_eq!((worker.lanes.waiting(), worker.lanes.blocked_until()), (0, None));
    }
}

/// Nanoseconds for each record from taking it in to the end of its invocation.
fn cost(order: Order, concurrency: u32) -> f64 {
    const RECORDS: u64 = 512;
    const ROUNDS: u64 = 200;
    let mut lanes = lanes(order, concurrency);
    (0..100).for_each(|_| lanes.ran(Duration::from_micros(1)));
    let window = Window { records: 4096, bytes: usize::MAX };
    let (mut items, mut sent, now) = (Vec::new(), Vec::new(), Instant::now());
    let mut round = |first: u64| {
        let begun = Instant::now();
        for seq in first..first + RECORDS {
            lanes.push(Seq(seq), 100, Some(&(seq * 7919 % 10_000).to_le_bytes()));
        }
        while let Some((id, _)) = lanes.send(now, Grouping::SINGLE, window, &mut items) {
            items.clear();
            sent.push(id);
        }
        for id in sent.drain(..) {
            lanes.land(id, &mut items).unwrap();
            lanes.landed(&items);
            items.clear();
        }
        assert_eq!(lanes.waiting(), 0);
        begun.elapsed().as_nanos() as f64 / RECORDS as f64
    };
    (0..ROUNDS).map(|n| round(n * RECORDS)).fold(f64::INFINITY, f64::min)
}

/// Printed and not judged: run with `--nocapture`.
#[test]
fn the_cost_of_order_is_printed() {
    for (order, concurrency) in
        [(Order::Partition, 1), (Order::Key, 1), (Order::Key, 16), (Order::Key, 1000), (Order::None, 16)]
    {
        println!("{order:?}, {concurrency:4} at once: {:6.0} ns for each record", cost(order, concurrency));
    }
}
