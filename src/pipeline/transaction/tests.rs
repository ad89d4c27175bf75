//! The machine by itself, and against a Kafka that answers as badly as it may.

use proptest::prelude::*;

use super::*;

const PACE: Pace = Pace { interval: Duration::from_millis(100), bytes: 1000, patience: Duration::from_secs(30) };
const SOON: Duration = Duration::from_millis(100);
const OK: Result<(), Failure> = Ok(());

fn call(transaction: &mut Transaction, now: Instant) -> Option<Call> {
    match transaction.next(now, 0)? {
        Step::Call(call) => Some(call),
        other => panic!("{other:?}"),
    }
}

/// Everything that is to be done now and when Kafka has settled, with every call answered well.
fn run(transaction: &mut Transaction, now: Instant) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = transaction.next(now, 0).or_else(|| transaction.next(now + SETTLING, 0)) {
        match step {
            Step::Build => transaction.built(now, true),
            Step::Call(_) => transaction.answered(now, OK),
            Step::Seal | Step::Committed | Step::Rewind => {}
        }
        steps.push(step);
    }
    steps
}

fn open(now: Instant) -> Transaction {
    let mut transaction = Transaction::new(PACE, now);
    assert_eq!(run(&mut transaction, now), [Step::Build, Step::Call(Call::Init), Step::Call(Call::Begin)]);
    assert!(transaction.is_open());
    transaction
}

/// One that has something in it and whose commit is underway.
fn committing(now: Instant) -> Transaction {
    let mut transaction = open(now);
    transaction.fill(now, 1);
    transaction.hurry();
    seal(&mut transaction, now);
    transaction.answered(now, OK);
    assert_eq!(call(&mut transaction, now), Some(Call::Commit));
    transaction
}

/// Ends the time in which something comes in.
fn seal(transaction: &mut Transaction, now: Instant) {
    assert_eq!(transaction.next(now, 1), Some(Step::Seal));
    assert!(!transaction.is_open(), "what comes now belongs to the next one");
    assert_eq!(transaction.next(now, 1), Some(Step::Call(Call::Offsets)));
}

const COMMIT: [Step; 5] =
    [Step::Seal, Step::Call(Call::Offsets), Step::Call(Call::Commit), Step::Committed, Step::Call(Call::Begin)];

#[test]
fn it_is_committed_an_interval_after_the_first_thing_came_into_it() {
    let now = Instant::now();
    let mut transaction = open(now);
    assert_eq!(run(&mut transaction, now + SOON * 10), [], "nothing is in it");
    transaction.fill(now, 1);
    assert_eq!(transaction.due(), Some(now + PACE.interval));
    assert_eq!(run(&mut transaction, now), []);
    assert_eq!(run(&mut transaction, now + PACE.interval), COMMIT);
    assert!(!transaction.is_pending());
}

#[test]
fn the_next_one_begins_when_kafka_has_settled() {
    let now = Instant::now();
    let mut transaction = committing(now);
    transaction.answered(now, OK);
    assert_eq!(transaction.next(now, 0), Some(Step::Committed));
    assert_eq!(transaction.next(now, 0), None);
    assert_eq!(transaction.due(), Some(now + SETTLING));
    assert_eq!(call(&mut transaction, now + SETTLING), Some(Call::Begin));
}

#[test]
fn it_is_committed_earlier_when_it_is_large_or_somebody_waits() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fill(now, PACE.bytes);
    assert_eq!(run(&mut transaction, now), COMMIT);
    transaction.fill(now, 1);
    assert_eq!(run(&mut transaction, now), [], "it counts anew");
    transaction.hurry();
    assert_eq!(run(&mut transaction, now), COMMIT);
}

#[test]
fn nothing_is_committed_before_its_results_are_acknowledged() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fill(now, 1);
    transaction.hurry();
    seal(&mut transaction, now);
    transaction.answered(now, OK);
    assert_eq!(transaction.next(now, 1), None);
    assert_eq!(run(&mut transaction, now), COMMIT[2..]);
}

#[test]
fn it_is_not_sealed_between_the_results_of_one_record() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fill(now, 1);
    transaction.hurry();
    transaction.set_incomplete(true);
    assert_eq!(run(&mut transaction, now), []);
    assert!(transaction.is_open());
    transaction.set_incomplete(false);
    assert_eq!(run(&mut transaction, now), COMMIT);
}

#[test]
fn results_that_are_not_acknowledged_in_time_end_it() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fill(now, 1);
    transaction.hurry();
    seal(&mut transaction, now);
    transaction.answered(now, OK);
    assert_eq!(transaction.next(now, 1), None);
    assert_eq!(transaction.next(now + PACE.patience, 1), Some(Step::Call(Call::Abort)));
}

#[test]
fn what_is_spoilt_is_aborted_and_everything_goes_back() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fill(now, 1);
    transaction.spoil("for a reason");
    assert!(!transaction.is_open());
    assert_eq!(run(&mut transaction, now), [Step::Call(Call::Abort), Step::Rewind, Step::Call(Call::Begin)]);
    assert!(transaction.is_open() && !transaction.is_pending());
}

#[test]
fn offsets_that_kafka_refuses_are_turned_back_from() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fill(now, 1);
    transaction.hurry();
    seal(&mut transaction, now);
    transaction.answered(now, Err(Failure::Abortable));
    assert_eq!(run(&mut transaction, now), [Step::Call(Call::Abort), Step::Rewind, Step::Call(Call::Begin)]);
}

#[test]
fn a_result_that_fails_when_the_offsets_are_in_it_is_turned_back_from() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fill(now, 1);
    transaction.hurry();
    seal(&mut transaction, now);
    transaction.answered(now, OK);
    assert_eq!(transaction.next(now, 1), None);
    transaction.spoil("a result was not delivered");
    assert_eq!(run(&mut transaction, now), [Step::Call(Call::Abort), Step::Rewind, Step::Call(Call::Begin)]);
}

#[test]
fn a_commit_that_timed_out_is_only_resumed() {
    let now = Instant::now();
    let mut transaction = committing(now);
    transaction.answered(now, Err(Failure::Retriable));
    transaction.spoil("too late");
    assert_eq!(call(&mut transaction, now), None);
    assert_eq!(call(&mut transaction, now + SOON), Some(Call::Commit));
}

#[test]
fn a_commit_without_an_answer_is_settled_by_a_new_producer_and_positions_are_read_again() {
    let now = Instant::now();
    let anew = [Step::Build, Step::Call(Call::Init), Step::Rewind, Step::Call(Call::Begin)];
    for failure in [Failure::Abortable, Failure::Fenced, Failure::Fatal] {
        let mut transaction = committing(now);
        transaction.answered(now, Err(failure));
        assert_eq!(run(&mut transaction, now), anew, "{failure:?}");
    }
    let mut stuck = committing(now);
    assert_eq!(run(&mut stuck, now + PACE.patience - SOON), []);
    assert_eq!(run(&mut stuck, now + PACE.patience), anew);
}

#[test]
fn an_end_that_was_not_answered_at_once_is_the_last_of_its_producer() {
    let now = Instant::now();
    let later = now + DOUBTFUL;
    let anew = [Step::Build, Step::Call(Call::Init), Step::Rewind, Step::Call(Call::Begin)];
    let mut committed = committing(now);
    committed.answered(later, OK);
    assert_eq!(run(&mut committed, later), [&[Step::Committed], &anew[..]].concat());
    assert!(committed.is_open() && !committed.is_pending());

    let mut aborted = open(now);
    aborted.fill(now, 1);
    aborted.spoil("for a reason");
    assert_eq!(call(&mut aborted, now), Some(Call::Abort));
    aborted.answered(later, OK);
    assert_eq!(run(&mut aborted, later + FIRST_WAIT), anew);
}

#[test]
fn repeating_a_call_does_not_make_it_patient_for_ever() {
    let now = Instant::now();
    let mut transaction = committing(now);
    let mut later = now;
    let step = loop {
        transaction.answered(later, Err(Failure::Retriable));
        later += Duration::from_secs(5);
        match transaction.next(later, 0) {
            Some(Step::Call(Call::Commit)) if later < now + PACE.patience * 2 => {}
            other => break other,
        }
        if later > now + PACE.patience {
            // The watchdog looks while the call is underway.
            break transaction.next(later, 0);
        }
    };
    assert_eq!(step, Some(Step::Build));
}

#[test]
fn who_is_fenced_again_leaves_the_id_alone_for_a_while_whatever_was_committed_meanwhile() {
    let now = Instant::now();
    let mut transaction = committing(now);
    transaction.answered(now, Err(Failure::Fenced));
    assert!(!transaction.is_fenced_again());
    run(&mut transaction, now);
    transaction.fill(now, PACE.bytes);
    assert_eq!(run(&mut transaction, now), COMMIT);
    transaction.fill(now, PACE.bytes);
    seal(&mut transaction, now);
    transaction.answered(now, Err(Failure::Fenced));
    assert!(transaction.is_fenced_again());
    assert!(transaction.due().unwrap() > now + AFTER_FENCE);
}

#[test]
fn who_is_fenced_while_it_writes_is_fenced_all_the_same() {
    let now = Instant::now();
    let mut transaction = open(now);
    transaction.fenced(now);
    assert!(!transaction.is_fenced_again());
    run(&mut transaction, now);
    assert!(transaction.is_open());
    transaction.fenced(now);
    assert!(transaction.is_fenced_again());
    let due = transaction.due();
    transaction.fenced(now);
    assert_eq!(transaction.due(), due, "without a producer there is nothing to be fenced");
}

#[test]
fn failures_in_a_row_wait_longer_and_longer() {
    let now = Instant::now();
    let mut transaction = Transaction::new(PACE, now);
    let mut waits = Vec::new();
    let mut at = now;
    for _ in 0..20 {
        assert_eq!(transaction.next(at, 0), Some(Step::Build));
        transaction.built(at, false);
        let due = transaction.due().unwrap();
        waits.push(due - at);
        at = due;
    }
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!((waits[0], waits[19]), (Duration::ZERO, LONGEST_WAIT));
}

/// A Kafka with one group and one transactional id, and a function that writes the numbers that it reads.
#[derive(Default)]
struct Kafka {
    /// Where the group stands.
    committed: u64,
    /// What readers of committed records see.
    seen: Vec<u64>,
    /// Results of the open transaction, by the producer that is alive, and how many of them it has acknowledged.
    open: Vec<u64>,
    acknowledged: usize,
    offset: Option<u64>,
}

impl Kafka {
    fn commit(&mut self) {
        if let Some(offset) = self.offset.take() {
            self.committed = offset;
            self.seen.append(&mut self.open);
            self.acknowledged = 0;
        }
    }

    fn abort(&mut self) {
        (self.offset, self.open, self.acknowledged) = (None, Vec::new(), 0);
    }

    fn unacknowledged(&self) -> usize {
        self.open.len() - self.acknowledged
    }
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// The function handles a record, if it may.
    Record,
    /// Kafka has what was written so far.
    Acknowledge,
    Spoil,
    Hurry,
    /// Time goes on, by less than the watchdog's patience or more.
    Wait {
        long: bool,
    },
    /// A call has this answer; a commit has been done or not, whatever the answer says, unless that is success.
    Answer {
        answer: Result<(), Failure>,
        done: bool,
    },
    /// The producer fails by itself.
    Break,
}

fn event() -> impl Strategy<Value = Event> {
    let failures =
        prop_oneof![Just(Failure::Retriable), Just(Failure::Abortable), Just(Failure::Fenced), Just(Failure::Fatal)];
    let answer = prop_oneof![4 => Just(Ok(())), 1 => failures.prop_map(Err)];
    prop_oneof![
        6 => Just(Event::Record),
        6 => Just(Event::Acknowledge),
        1 => Just(Event::Spoil),
        2 => Just(Event::Hurry),
        3 => any::<bool>().prop_map(|long| Event::Wait { long }),
        12 => (answer, any::<bool>()).prop_map(|(answer, done)| Event::Answer { answer, done }),
        1 => Just(Event::Break),
    ]
}

proptest! {
    #[test]
    fn readers_see_every_record_once_and_in_order(events in prop::collection::vec(event(), 0..200)) {
        let mut now = Instant::now();
        let mut transaction = Transaction::new(PACE, now);
        let mut kafka = Kafka::default();
        let (mut next, mut underway, mut committing, mut sealed) = (0, None, false, 0);
        for event in events {
            match event {
                Event::Record if transaction.is_open() => {
                    kafka.open.push(next);
                    next += 1;
                    transaction.fill(now, 1);
                }
                Event::Record => {}
                Event::Acknowledge => kafka.acknowledged = kafka.open.len(),
                Event::Spoil => transaction.spoil("for a reason"),
                Event::Hurry => transaction.hurry(),
                Event::Wait { long } => now += if long { PACE.patience } else { SOON },
                Event::Break => transaction.broke(now),
                Event::Answer { answer, done } => {
                    let Some(call) = underway.take() else { continue };
                    match (call, answer) {
                        (Call::Commit, Ok(())) => kafka.commit(),
                        (Call::Commit, Err(_)) if done => kafka.commit(),
                        (Call::Init | Call::Abort, Ok(())) => kafka.abort(),
                        (Call::Offsets, Ok(())) => kafka.offset = Some(sealed),
                        _ => {}
                    }
                    transaction.answered(now, answer);
                }
            }
            while let Some(step) = transaction.next(now, kafka.unacknowledged()) {
                match step {
                    Step::Seal => sealed = next,
                    Step::Build => {
                        (underway, committing) = (None, false);
                        transaction.built(now, true);
                    }
                    Step::Call(call) => {
                        prop_assert_eq!(underway.replace(call), None, "one call at a time");
                        prop_assert!(!committing || matches!(call, Call::Commit | Call::Begin), "{:?}", call);
                        committing = call == Call::Commit;
                        prop_assert!(!committing || kafka.unacknowledged() == 0, "something may still fail");
                    }
                    Step::Committed => prop_assert_eq!(kafka.committed, next),
                    Step::Rewind => next = kafka.committed,
                }
            }
            prop_assert!(kafka.seen.iter().copied().eq(0..kafka.committed), "{:?}", kafka.seen);
        }
    }
}
