//! What a lane sends, and what it makes of what comes back.

use std::time::Duration;

use super::*;

const WIDE: Window = Window { records: 100, bytes: usize::MAX };

fn lane_with(records: u64) -> Lane {
    let mut lane = Lane::new(3);
    (0..records).for_each(|seq| lane.push(Seq(seq), 10));
    lane
}

fn send(lane: &mut Lane, now: Instant, grouping: Grouping) -> Option<(u64, Vec<u64>)> {
    let mut items = Vec::new();
    let id = lane.send(now, grouping, WIDE, &mut items)?;
    Some((id, items.iter().map(|item| item.seq.0).collect()))
}

fn land(lane: &mut Lane, id: u64) -> Vec<Item> {
    let mut items = Vec::new();
    lane.land(id, &mut items).unwrap();
    items
}

#[test]
fn many_partitions_together_send_no_more_ahead_than_a_few() {
    let credit = Credit { records: 4096, bytes: 64 << 20 };
    let window = |grouping, sharing| Window::of(credit, grouping, sharing);
    for few in 0..=4 {
        assert_eq!(window(Grouping::SINGLE, few).records, 4096, "{few}");
    }
    assert_eq!(window(Grouping::SINGLE, 1).bytes, 32 << 20, "half the credit");
    let of_64 = window(Grouping::SINGLE, 64);
    assert_eq!((of_64.records, of_64.bytes), (256, 1 << 20));
    assert_eq!(window(Grouping::SINGLE, 1_000_000), LEAST);
    let batch = Grouping { records: 1000, bytes: 4 << 20 };
    assert_eq!(window(batch, 64), Window { records: 2000, bytes: 8 << 20 }, "whole batches fit");
}

#[test]
fn records_are_sent_in_order_up_to_the_window() {
    let mut lane = lane_with(5);
    let window = Window { records: 100, bytes: 25 };
    let mut items = Vec::new();
    let now = Instant::now();
    while lane.send(now, Grouping::SINGLE, window, &mut items).is_some() {}
    assert_eq!(items.iter().map(|item| item.seq.0).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_record_larger_than_the_window_goes_alone() {
    let mut lane = Lane::new(1);
    lane.push(Seq(0), 1000);
    lane.push(Seq(1), 1);
    let window = Window { records: 100, bytes: 25 };
    let mut items = Vec::new();
    let now = Instant::now();
    assert!(lane.send(now, Grouping::SINGLE, window, &mut items).is_some());
    assert!(lane.send(now, Grouping::SINGLE, window, &mut items).is_none());
}

#[test]
fn a_failed_record_runs_again_before_all_behind_it() {
    let mut lane = lane_with(4);
    let now = Instant::now();
    let ids: Vec<u64> = (0..3).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().0).collect();
    let failed = land(&mut lane, ids[0])[0];
    lane.stop();
    lane.give_back(Item { attempts: 1, ..failed });
    lane.block_until(now + Duration::from_secs(1));
    for id in &ids[1..] {
        assert_eq!(send(&mut lane, now, Grouping::SINGLE), None, "nothing is sent while the lane drains");
        for item in land(&mut lane, *id) {
            lane.give_back(item);
        }
        lane.landed();
    }
    assert_eq!(send(&mut lane, now, Grouping::SINGLE), None, "the lane is blocked until the retry is due");
    let later = now + Duration::from_secs(2);
    let order: Vec<u64> = (0..4).map(|_| send(&mut lane, later, Grouping::SINGLE).unwrap().1[0]).collect();
    assert_eq!(order, [0, 1, 2, 3]);
    assert_eq!(lane.epoch(), 1);
}

#[test]
fn what_is_sifted_out_is_waited_for_no_more() {
    let mut lane = lane_with(4);
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    let (id, _) = send(&mut lane, now, Grouping::SINGLE).unwrap();
    let failed = land(&mut lane, id)[0];
    lane.give_back(Item { attempts: 1, ..failed });
    lane.landed();
    lane.block_until(later);
    lane.sift(|seq| seq != Seq(2));
    assert_eq!(send(&mut lane, now, Grouping::SINGLE), None, "the first still waits for its retry");
    lane.sift(|seq| seq != Seq(0));
    assert_eq!(send(&mut lane, now, Grouping::SINGLE).unwrap().1, [1]);
    assert_eq!(send(&mut lane, now, Grouping::SINGLE).unwrap().1, [3]);
}

#[test]
fn an_invocation_that_settles_out_of_order_is_refused() {
    let mut lane = lane_with(2);
    let now = Instant::now();
    send(&mut lane, now, Grouping::SINGLE).unwrap();
    let second = send(&mut lane, now, Grouping::SINGLE).unwrap().0;
    assert!(lane.land(second, &mut Vec::new()).is_err());
    assert!(lane.land(12345, &mut Vec::new()).is_err());
}

#[test]
fn what_is_recalled_comes_back_before_what_still_runs_and_keeps_its_place() {
    let mut lane = lane_with(4);
    let now = Instant::now();
    let ids: Vec<u64> = (0..3).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().0).collect();
    let mut items = Vec::new();
    assert!(lane.land_unrun(ids[1], &mut items).is_err(), "nobody has asked for it");
    lane.stop();
    lane.land_unrun(ids[1], &mut items).unwrap();
    lane.land_unrun(ids[2], &mut items).unwrap();
    assert!(lane.land_unrun(ids[2], &mut items).is_err());
    items.drain(..).for_each(|item| lane.give_back(item));
    lane.landed();
    assert_eq!(send(&mut lane, now, Grouping::SINGLE), None, "one still runs");
    land(&mut lane, ids[0]).into_iter().for_each(|failed| lane.give_back(failed));
    lane.landed();
    let order: Vec<u64> = (0..4).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().1[0]).collect();
    assert_eq!(order, [0, 1, 2, 3]);
}

#[test]
fn batches_keep_to_records_bytes_and_shrunken_groups() {
    let mut lane = lane_with(6);
    let now = Instant::now();
    let three = Grouping { records: 3, bytes: usize::MAX };
    let (id, seqs) = send(&mut lane, now, three).unwrap();
    assert_eq!(seqs, [0, 1, 2]);
    assert_eq!(send(&mut lane, now, Grouping { records: 3, bytes: 20 }).unwrap().1, [3, 4]);
    let failed = land(&mut lane, id);
    lane.stop();
    failed.into_iter().for_each(|item| lane.give_back(Item { group: 2, ..item }));
    lane.landed();
    let second = lane.flights().next().unwrap();
    land(&mut lane, second).into_iter().for_each(|item| lane.give_back(item));
    lane.landed();
    assert_eq!(send(&mut lane, now, three).unwrap().1, [0, 1]);
    assert_eq!(send(&mut lane, now, three).unwrap().1, [2, 3]);
}

#[test]
fn a_record_that_is_singled_out_runs_with_nothing_beside_it() {
    let mut lane = lane_with(4);
    let now = Instant::now();
    let three = Grouping { records: 3, bytes: usize::MAX };
    let ids: Vec<u64> = (0..3).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().0).collect();
    lane.single_out(Some(ids[1]));
    for id in ids {
        land(&mut lane, id).into_iter().for_each(|item| lane.give_back(item));
        lane.landed();
    }
    assert!(!lane.next_is_alone());
    let before = send(&mut lane, now, three).unwrap();
    assert_eq!(before.1, [0], "no batch goes beyond it");
    assert!(lane.next_is_alone());
    assert_eq!(send(&mut lane, now, three), None, "it waits until those before it have landed");
    land(&mut lane, before.0);
    let (alone, seqs) = send(&mut lane, now, three).unwrap();
    assert_eq!((seqs, lane.flies_alone(), lane.next_is_alone()), (vec![1], true, false));
    assert_eq!(send(&mut lane, now, three), None, "and those behind it wait for it");
    assert_eq!(lane.flight(alone).map(|(item, count)| (item.seq, count)), Some((Seq(1), 1)));
    assert!(lane.flight(12345).is_none());
    land(&mut lane, alone);
    assert_eq!(send(&mut lane, now, three).unwrap().1, [2, 3]);
}

#[test]
fn all_that_flies_can_be_singled_out() {
    let mut lane = lane_with(3);
    let now = Instant::now();
    let ids: Vec<u64> = (0..2).map(|_| send(&mut lane, now, Grouping::SINGLE).unwrap().0).collect();
    lane.single_out(None);
    for id in ids {
        land(&mut lane, id).into_iter().for_each(|item| lane.give_back(item));
    }
    lane.landed();
    for seq in 0..2 {
        assert!(lane.next_is_alone());
        let (id, seqs) = send(&mut lane, now, Grouping::SINGLE).unwrap();
        assert_eq!(seqs, [seq]);
        assert_eq!(send(&mut lane, now, Grouping::SINGLE), None);
        land(&mut lane, id);
    }
    assert!(!lane.next_is_alone());
}

#[test]
fn stopping_an_empty_lane_does_not_hold_it() {
    let mut lane = lane_with(1);
    lane.stop();
    assert!(send(&mut lane, Instant::now(), Grouping::SINGLE).is_some());
}

#[test]
fn ids_name_their_lane() {
    let mut lane = lane_with(1);
    let (id, _) = send(&mut lane, Instant::now(), Grouping::SINGLE).unwrap();
    assert_eq!(Lane::of(id), 3);
    assert_ne!(id, 0);
}

#[test]
fn a_record_ages_from_its_first_run_and_not_while_others_run_before_it() {
    let mut lane = lane_with(2);
    let now = Instant::now();
    let first = send(&mut lane, now, Grouping::SINGLE).unwrap().0;
    let second = send(&mut lane, now, Grouping::SINGLE).unwrap().0;
    let failed = land(&mut lane, first)[0];
    lane.stop();
    lane.give_back(Item { attempts: 1, ..failed });
    land(&mut lane, second).into_iter().for_each(|item| lane.give_back(item.unrun()));
    lane.landed();
    let later = now + Duration::from_secs(3600);
    let ids = [(); 2].map(|()| send(&mut lane, later, Grouping::SINGLE).unwrap().0);
    let begun = ids.map(|id| land(&mut lane, id)[0].first_run);
    assert_eq!(begun, [Some(now), Some(later)]);
}

#[test]
fn of_several_records_that_wait_the_longest_wait_counts() {
    let mut lane = lane_with(1);
    let now = Instant::now();
    lane.block_until(now + Duration::from_secs(10));
    lane.block_until(now + Duration::from_secs(1));
    assert_eq!(send(&mut lane, now + Duration::from_secs(5), Grouping::SINGLE), None);
    assert!(send(&mut lane, now + Duration::from_secs(10), Grouping::SINGLE).is_some());
}
