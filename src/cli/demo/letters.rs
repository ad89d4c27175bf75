//! Which records went to dead-letter topics, and why.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::stage::Stage;
use crate::{cli::traffic::Reader, kafka::Message};

const KAFKA_TIMEOUT: Duration = Duration::from_secs(30);
const CODE: &[u8] = b"eddyline.error.code";
const MESSAGE: &[u8] = b"eddyline.error.message";

/// Dead letters of one topic with one code.
#[derive(Debug, Serialize)]
pub(super) struct Letters {
    pub(super) topic: String,
    pub(super) code: String,
    pub(super) records: u64,
    /// Each message with the number of its records, the most frequent first.
    pub(super) reasons: Vec<(String, u64)>,
}

/// Reads all dead-letter topics through.
pub(super) fn read(stage: &Stage) -> anyhow::Result<Vec<Letters>> {
    let mut names: Vec<&str> =
        stage.flow.functions().iter().filter_map(|function| function.dead_letter.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    let infos = stage.node.topics.describe(&names, KAFKA_TIMEOUT)?;
    let mut reader = Reader::from_beginning(&stage.node.settings, infos.iter().flatten())?;
    let mut found: BTreeMap<(String, String), BTreeMap<String, u64>> = BTreeMap::new();
    reader.read(KAFKA_TIMEOUT, |letter| {
        let place = (letter.topic().to_owned(), header(letter, CODE));
        *found.entry(place).or_default().entry(header(letter, MESSAGE)).or_default() += 1;
        true
    })?;
    Ok(found.into_iter().map(|((topic, code), reasons)| letters(topic, code, reasons)).collect())
}

fn letters(topic: String, code: String, reasons: BTreeMap<String, u64>) -> Letters {
    let records = reasons.values().sum();
    let mut reasons: Vec<(String, u64)> = reasons.into_iter().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.1));
    Letters { topic, code, records, reasons }
}

fn header(letter: &Message, name: &[u8]) -> String {
    let value = letter.headers().filter(|(found, _)| *found == name).last().and_then(|(_, value)| value);
    value.map_or_else(|| "(unknown)".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
}
