//! The checker finds each kind of breach, and nothing where there is none.

use super::checker::{Findings, Guarantee, Order, Seen, Written, check};

const COUNT: u64 = 6;

/// Two keys in one partition, by turns.
fn written() -> Vec<Written> {
    let key = |n: u64| Some(if n.is_multiple_of(2) { "a" } else { "b" }.to_owned());
    (0..COUNT).map(|n| Written { n, key: key(n), partition: 0, offset: 10 + n as i64 }).collect()
}

/// Results of these numbers, in this order.
fn results(numbers: &[u64]) -> Vec<Seen> {
    let written = written();
    let seen = |(offset, n): (i64, &u64)| Seen { of: written[*n as usize].clone(), partition: 0, offset };
    (0..).zip(numbers).map(seen).collect()
}

fn of(guarantee: Guarantee, order: Order, numbers: &[u64], dead: &[u64]) -> Findings {
    check(guarantee, order, COUNT, &written(), &results(numbers), &results(dead))
}

#[test]
fn what_is_complete_and_in_order_is_clean() {
    for guarantee in [Guarantee::AtLeastOnce, Guarantee::ExactlyOnce] {
        for order in [Order::Partition, Order::Key, Order::None] {
            assert_eq!(of(guarantee, order, &[0, 1, 2, 4], &[3, 5]), Findings::default());
        }
    }
}

#[test]
fn a_record_without_result_and_dead_letter_is_lost() {
    assert_eq!(of(Guarantee::AtLeastOnce, Order::Key, &[0, 1, 2, 5], &[3]).lost, [4]);
}

#[test]
fn a_repeat_is_no_fault_unless_exactly_once_was_promised() {
    // A new owner began again, and the one before it was late with what it had begun.
    let numbers = [0, 1, 2, 3, 1, 2, 3, 4, 2, 5];
    let findings = of(Guarantee::AtLeastOnce, Order::Partition, &numbers, &[]);
    assert!(findings.is_clean() && findings.repeats == 4, "{findings}");
    assert_eq!(of(Guarantee::ExactlyOnce, Order::Partition, &numbers, &[]).doubled.len(), 3);
    assert_eq!(of(Guarantee::ExactlyOnce, Order::Partition, &[0, 1, 2, 3, 4, 5], &[3]).doubled.len(), 1);
}

#[test]
fn what_first_appears_behind_a_later_record_is_disordered() {
    let swapped = [0, 2, 1, 3, 4, 5];
    assert_eq!(of(Guarantee::AtLeastOnce, Order::Partition, &swapped, &[]).disordered.len(), 1);
    assert!(of(Guarantee::AtLeastOnce, Order::Key, &swapped, &[]).is_clean(), "they have different keys");
    let overtaken = [0, 1, 4, 3, 2, 5];
    assert_eq!(of(Guarantee::AtLeastOnce, Order::Key, &overtaken, &[]).disordered.len(), 1);
    assert!(of(Guarantee::AtLeastOnce, Order::None, &overtaken, &[]).is_clean());
}

#[test]
fn a_record_with_a_dead_letter_and_a_result_has_no_place_among_the_results() {
    let late = [0, 2, 3, 1, 4, 5];
    assert_eq!(of(Guarantee::AtLeastOnce, Order::Partition, &late, &[]).disordered.len(), 1);
    assert!(of(Guarantee::AtLeastOnce, Order::Partition, &late, &[1]).is_clean(), "its dead letter came first");
    assert_eq!(of(Guarantee::AtLeastOnce, Order::Partition, &late, &[4]).disordered.len(), 1, "that is another one");
}

#[test]
fn a_key_in_two_partitions_has_no_order() {
    let mut results = results(&[0, 1, 2, 3, 4, 5]);
    results[4].partition = 1;
    let findings = check(Guarantee::AtLeastOnce, Order::Key, COUNT, &written(), &results, &[]);
    assert_eq!(findings.disordered.len(), 1, "{findings}");
}

#[test]
fn a_result_that_is_of_no_record_is_invented() {
    for change in [
        |seen: &mut Seen| seen.of.n = 77,
        |seen: &mut Seen| seen.of.key = Some("b".to_owned()),
        |seen: &mut Seen| seen.of.offset = 3,
    ] {
        let mut results = results(&[0, 1, 2, 3, 4, 5, 4]);
        change(&mut results[6]);
        let findings = check(Guarantee::AtLeastOnce, Order::None, COUNT, &written(), &results, &[]);
        assert_eq!((findings.invented.len(), findings.lost.len()), (1, 0), "{findings}");
    }
}

#[test]
fn a_source_that_does_not_hold_what_the_client_wrote_is_said() {
    let mut source = written();
    source[2].n = 3;
    let findings = check(Guarantee::AtLeastOnce, Order::None, COUNT, &source, &[], &[]);
    assert_eq!(findings.miswritten, [2, 3]);
}
