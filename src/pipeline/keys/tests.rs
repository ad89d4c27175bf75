//! Keys in lanes, against a model that knows what each key may do.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn item(seq: u64, key: u64) -> Item {
    Item { key: Key(key), ..Item::new(Seq(seq), 1) }
}

fn take(keys: &mut Keys, lane: usize, now: Instant) -> Option<u64> {
    keys.take(lane, now).map(|item| item.seq.0)
}

#[test]
fn a_key_goes_on_in_its_lane_while_it_is_out_and_in_any_afterwards() {
    let (mut keys, now) = (Keys::new(2), Instant::now());
    [(0, 7), (1, 7), (2, 8), (3, 7)].into_iter().for_each(|(seq, key)| keys.push(item(seq, key)));
    assert_eq!(take(&mut keys, 0, now), Some(0));
    assert_eq!(take(&mut keys, 1, now), Some(2), "the next of key 7 has to stay behind the first");
    assert_eq!(take(&mut keys, 1, now), None);
    assert_eq!(take(&mut keys, 0, now), Some(1));
    keys.done(Key(7));
    assert_eq!(take(&mut keys, 1, now), None, "one of two is still out");
    keys.done(Key(7));
    assert_eq!(take(&mut keys, 1, now), Some(3));
}

#[test]
fn a_retry_holds_up_its_key_alone() {
    let (mut keys, now) = (Keys::new(1), Instant::now());
    let later = now + Duration::from_secs(1);
    [(0, 7), (1, 7), (2, 8), (3, 0), (4, 0)].into_iter().for_each(|(seq, key)| keys.push(item(seq, key)));
    let out: Vec<Item> = std::iter::from_fn(|| keys.take(0, now)).collect();
    assert_eq!(out.len(), 5);
    keys.hold(&out[0], later);
    keys.hold(&out[3], later);
    out.iter().rev().for_each(|item| keys.give_back(*item));
    assert_eq!(keys.due(), Some(later));
    let at_once: Vec<u64> = std::iter::from_fn(|| take(&mut keys, 0, now)).collect();
    assert_eq!(at_once, [2, 4]);
    let then: Vec<u64> = std::iter::from_fn(|| take(&mut keys, 0, later)).collect();
    assert_eq!(then, [0, 1, 3]);
}

#[test]
fn beside_a_suspect_nothing_is_given_out() {
    let (mut keys, now) = (Keys::new(1), Instant::now());
    (0..3).for_each(|seq| keys.push(item(seq, seq)));
    let first = keys.take(0, now).unwrap();
    let second = keys.take(0, now).unwrap();
    keys.give_back(Item { alone: true, ..second });
    keys.give_back(first);
    assert_eq!(take(&mut keys, 0, now), None);
    assert_eq!(keys.take_suspect(0).map(|item| item.seq), Some(Seq(1)));
    assert_eq!(take(&mut keys, 0, now), Some(0));
}

#[test]
fn what_is_sifted_out_holds_up_nothing() {
    let (mut keys, now) = (Keys::new(1), Instant::now());
    [(0, 7), (1, 7), (2, 8), (3, 8)].into_iter().for_each(|(seq, key)| keys.push(item(seq, key)));
    let out: Vec<Item> = std::iter::from_fn(|| keys.take(0, now)).collect();
    let later = now + Duration::from_secs(1);
    [0, 2].into_iter().for_each(|failed: usize| keys.hold(&out[failed], later));
    out.iter().rev().for_each(|item| keys.give_back(*item));
    keys.sift(|seq| seq != Seq(0));
    let at_once: Vec<u64> = std::iter::from_fn(|| take(&mut keys, 0, now)).collect();
    assert_eq!(at_once, [1], "the other key's retry is still waited for");
    keys.unblock();
    assert_eq!(take(&mut keys, 0, now), Some(2));
}

#[test]
fn equal_keys_have_equal_numbers_and_no_key_has_none() {
    let hasher = Hasher::default();
    assert_eq!(hasher.key(None), Key::NONE);
    assert_ne!(hasher.key(Some(b"")), Key::NONE);
    assert_eq!(hasher.key(Some(b"a")), hasher.key(Some(b"a")));
    assert_ne!(hasher.key(Some(b"a")), hasher.key(Some(b"b")));
}

const LANES: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Push { key: u64 },
    Take { lane: usize },
    Succeed { lane: usize },
    Fail { lane: usize, wait: u64 },
    Recall { lane: usize },
    Pass { time: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u64..5).prop_map(|key| Step::Push { key }),
        4 => (0..LANES).prop_map(|lane| Step::Take { lane }),
        3 => (0..LANES).prop_map(|lane| Step::Succeed { lane }),
        1 => (0..LANES, 0u64..20).prop_map(|(lane, wait)| Step::Fail { lane, wait }),
        1 => (0..LANES).prop_map(|lane| Step::Recall { lane }),
        1 => (0u64..10).prop_map(|time| Step::Pass { time }),
    ];
    proptest::collection::vec(step, 0..300)
}

/// Lanes that settle one record after the other, and what each key may do, kept in the simplest way.
struct Model {
    keys: Keys,
    now: Instant,
    pushed: u64,
    lanes: Vec<VecDeque<Item>>,
    /// The youngest of each key that is done with.
    done: HashMap<u64, u64>,
    held: HashMap<Seq, Instant>,
    finished: u64,
}

impl Model {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Push { key } => {
                self.keys.push(item(self.pushed, key));
                self.pushed += 1;
            }
            Step::Take { lane } => _ = self.take(lane),
            Step::Succeed { lane } => self.succeed(lane),
            Step::Fail { lane, wait } => {
                let Some(failed) = self.lanes[lane].front() else { return };
                let until = self.now + Duration::from_millis(wait);
                self.keys.hold(failed, until);
                self.held.insert(failed.seq, until);
                self.give_back(lane);
            }
            Step::Recall { lane } => self.recall(lane),
            Step::Pass { time } => self.now += Duration::from_millis(time),
        }
    }

    fn take(&mut self, lane: usize) -> bool {
        let Some(item) = self.keys.take(lane, self.now) else { return false };
        assert!(self.held.remove(&item.seq).is_none_or(|until| until <= self.now), "held until later");
        if item.key != Key::NONE {
            for (other, out) in self.lanes.iter().enumerate() {
                let same = || out.iter().filter(|one| one.key == item.key);
                assert!(other == lane || same().next().is_none(), "one key in two lanes");
                assert!(same().all(|one| one.seq < item.seq), "overtaken in its lane");
            }
            let older = self.held.keys().any(|seq| *seq < item.seq && self.key_of(*seq) == Some(item.key));
            assert!(!older, "overtook one that waits for its retry");
        }
        self.lanes[lane].push_back(item);
        true
    }

    /// The key of a record that is not out, found by its number in the simplest place.
    fn key_of(&self, seq: Seq) -> Option<Key> {
        self.keys.later.values().find(|item| item.seq == seq).map(|item| item.key).filter(|key| *key != Key::NONE)
    }

    fn succeed(&mut self, lane: usize) {
        let Some(item) = self.lanes[lane].pop_front() else { return };
        if item.key != Key::NONE {
            let before = self.done.insert(item.key.0, item.seq.0);
            assert!(before.is_none_or(|before| before < item.seq.0), "a key's records are done in their order");
        }
        self.finished += 1;
        self.keys.done(item.key);
    }

    /// All but the first, which goes on.
    fn recall(&mut self, lane: usize) {
        while self.lanes[lane].len() > 1 {
            self.lanes[lane].pop_back().into_iter().for_each(|item| self.keys.give_back(item));
        }
    }

    fn give_back(&mut self, lane: usize) {
        while let Some(item) = self.lanes[lane].pop_front() {
            self.keys.give_back(item);
        }
    }
}

proptest! {
    #[test]
    fn keys_keep_their_order_whatever_fails_and_nothing_is_left_behind(steps in steps()) {
        let mut model = Model {
            keys: Keys::new(LANES),
            now: Instant::now(),
            pushed: 0,
            lanes: vec![VecDeque::new(); LANES],
            done: HashMap::new(),
            held: HashMap::new(),
            finished: 0,
        };
        steps.iter().for_each(|step| model.step(step));
        model.now += Duration::from_secs(1);
        (0..LANES).for_each(|lane| while !model.lanes[lane].is_empty() { model.succeed(lane) });
        while model.keys.waiting() > 0 {
            prop_assert!(model.take(0), "what waits can be taken once nothing is out and no time is waited for");
            model.succeed(0);
        }
        prop_assert_eq!(model.finished, model.pushed);
        prop_assert_eq!((model.keys.known(), model.keys.due()), (0, None), "nothing is remembered");
    }
}
