//! Going through dead-letter topics, without a group and without committing anything.

use std::collections::BTreeMap;

use indicatif::ProgressBar;

use super::{
    desk::{Desk, READ, TIMEOUT, partitions_of},
    head::{Head, Place},
    select::Wanted,
};
use crate::{
    cli::{exit, failure::Failure, traffic::Reader},
    kafka::{Message, Position, Start, TopicPartition},
};

/// Hands over each letter that is wanted, up to the ends of the topics as they are now, until `each` has seen enough.
/// Those of one partition come in their order. Returns how many records were seen that are no letters.
pub(super) fn scan(
    desk: &Desk<'_>,
    wanted: &Wanted,
    bar: &ProgressBar,
    mut each: impl FnMut(Head, &Message) -> anyhow::Result<bool>,
) -> anyhow::Result<u64> {
    let begins = begins(desk, wanted)?;
    if begins.is_empty() {
        return Ok(0);
    }
    let positions: Vec<(TopicPartition, Position)> =
        begins.iter().map(|(at, begin)| (at.clone(), Position::Offset(*begin))).collect();
    let mut reader = Reader::new(&desk.settings, &positions)?;
    let ends = reader.ends(TIMEOUT)?;
    let total: i64 = ends.iter().zip(begins.values()).map(|(ends, begin)| (ends.high - begin).max(0)).sum();
    bar.set_length(u64::try_from(total).unwrap_or(0));
    let (mut others, mut found, mut failed) = (0, 0, None);
    reader.read(READ, |message| {
        bar.inc(1);
        let Some(head) = Head::of(message) else {
            others += 1;
            return true;
        };
        if !wanted.takes(&head) {
            return true;
        }
        found += 1;
        match each(head, message) {
            // Nothing else is looked for once all places were seen.
            Ok(more) => more && (wanted.places.is_empty() || found < wanted.places.len()),
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    })?;
    failed.map_or(Ok(others), Err)
}

/// Where to begin in each partition that may hold something.
fn begins(desk: &Desk<'_>, wanted: &Wanted) -> anyhow::Result<BTreeMap<TopicPartition, i64>> {
    let mut partitions: Vec<TopicPartition> = wanted.topics.iter().flat_map(partitions_of).collect();
    // Sorted as the result is, so that both can be gone through side by side.
    partitions.sort();
    if !wanted.places.is_empty() {
        partitions.retain(|at| wanted.places.iter().any(|place| place.at == *at));
    }
    let ask = |at: Start| desk.topics.offsets(&partitions, at, TIMEOUT);
    let (lows, highs) = (ask(Start::Earliest)?, ask(Start::Latest)?);
    let times = match wanted.since {
        Some(since) => ask(Start::Time(since.as_millisecond()))?,
        None => lows.clone(),
    };
    let mut begins = BTreeMap::new();
    for (((at, low), (_, high)), (_, time)) in lows.into_iter().zip(highs).zip(times) {
        let places = wanted.places.iter().filter(|place| place.at == at);
        let first = places.map(|place| place.offset).min();
        let begin = first.unwrap_or(0).max(time).max(low);
        if begin < high {
            begins.insert(at, begin);
        }
    }
    Ok(begins)
}

/// What to say where a letter was asked for by its place and there is none.
pub(super) fn no_letter(place: &Place) -> Failure {
    Failure::new(exit::FAILURE, format!("there is no dead letter at {place}"))
        .with_hint("`eddyline dead-letters list --all` shows those that there are")
}
