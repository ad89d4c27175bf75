//! What keeps order: the ledger, and which record may run when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use eddyline::manifest::{Delivery, Guarantee, Order};
use eddyline::pipeline::measured::{Grouping, Lanes, Ledger, Seq, Window};

use crate::case::{Case, RECORDS};

const KEYS: u64 = 10_000;
const WINDOW: Window = Window { records: 4096, bytes: 32 << 20 };

pub fn cases() -> Vec<Case> {
    // In an order that repeats only after all of them.
    let keys = |count: u64| (0..RECORDS).map(move |n| format!("customer {}", n * 7919 % count)).collect::<Vec<_>>();
    let (many, few) = (keys(KEYS), keys(8));
    vec![
        Case::new("ledger, one after the other", || ledger(0)),
        Case::new("ledger, the first last", || ledger(1)),
        Case::new("dispatch by partition", || dispatch(Order::Partition, 1, |_| None)),
        Case::new("dispatch by key", move || dispatch(Order::Key, 16, |n| Some(many[n].as_bytes()))),
        Case::new("dispatch by key, 8 keys", move || dispatch(Order::Key, 16, |n| Some(few[n].as_bytes()))),
        Case::new("dispatch without order", || dispatch(Order::None, 16, |_| None)),
    ]
}

/// All records are settled and acknowledged, the first `late` ones behind all others.
fn ledger(late: usize) -> i64 {
    let mut ledger = Ledger::default();
    let seqs: Vec<Seq> = (0..RECORDS as i64).map(|offset| ledger.add(offset, (), 100)).collect();
    let mut behind = 0;
    let (last, first) = seqs.split_at(late);
    for seq in first.iter().chain(last) {
        ledger.expect(*seq);
        ledger.settle(*seq);
        ledger.acknowledge(*seq);
        behind = ledger.advance(|()| {}).unwrap_or(behind);
    }
    assert_eq!(behind, RECORDS as i64);
    behind
}

/// Every record is sent to the isolate and lands again, in the order of sending.
fn dispatch<'k>(order: Order, concurrency: u32, key: impl Fn(usize) -> Option<&'k [u8]>) -> usize {
    let guarantee = Guarantee::AtLeastOnce;
    let mut lanes = Lanes::new(1, &Delivery { guarantee, order, concurrency, commit_interval: Duration::ZERO });
    for n in 0..RECORDS {
        lanes.push(Seq(n), 100, key(n as usize));
    }
    let (now, mut flights, mut items, mut landed) = (Instant::now(), VecDeque::new(), Vec::new(), 0);
    loop {
        while let Some((id, _)) = lanes.send(now, Grouping::SINGLE, WINDOW, &mut items) {
            flights.push_back(id);
            items.clear();
        }
        let Some(id) = flights.pop_front() else { break };
        lanes.land(id, &mut items).expect("in order");
        landed += items.len();
        lanes.landed(&items);
        lanes.ran(Duration::from_micros(10));
        items.clear();
    }
    assert_eq!(landed as u64, RECORDS);
    landed
}
