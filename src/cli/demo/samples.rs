//! The first records of each feed, followed through the functions, so that people see what these do.

use std::{collections::BTreeMap, time::Duration};

use anyhow::bail;
use serde::Serialize;

use super::stage::Stage;
use crate::{
    cli::traffic::{Reader, Writer},
    kafka::TopicInfo,
    shutdown::Shutdown,
};

/// Lines of each feed that are written first.
pub(super) const SAMPLE_LINES: usize = 20;
const KAFKA_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// A minute.
const LOOKS: u32 = 3000;

/// A record and what a function made of it.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) function: String,
    pub(super) source: String,
    pub(super) input: String,
    pub(super) sink: String,
    pub(super) output: String,
}

/// The values of a topic by their timestamps, which results inherit from their records.
type Values = BTreeMap<String, BTreeMap<i64, String>>;

/// Sends the first lines, waits for what becomes of them, and pairs inputs with outputs.
pub(super) fn take(stage: &Stage, shutdown: &Shutdown) -> anyhow::Result<Vec<Sample>> {
    let mut writer = Writer::new(&stage.node.settings)?;
    let now = jiff::Timestamp::now().as_millisecond();
    for feed in &stage.feeds {
        for (line, timestamp) in feed.lines.iter().take(SAMPLE_LINES).zip(now..) {
            writer.write(&feed.topic, line, Some(timestamp))?;
        }
        stage.flow.count_fed(&feed.topic, feed.lines.len().min(SAMPLE_LINES) as u64);
    }
    writer.finish(KAFKA_TIMEOUT)?;
    wait(stage, shutdown)?;
    let values = values(stage)?;
    Ok(stage
        .flow
        .functions()
        .iter()
        .filter_map(|function| pair(&function.name, &function.reads, &function.writes, &values))
        .collect())
}

fn wait(stage: &Stage, shutdown: &Shutdown) -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        if stage.flow.is_quiet() {
            return Ok(());
        }
        if shutdown.wait_for(LOOK_INTERVAL) {
            bail!("stopped before the first records were handled");
        }
    }
    bail!("the first records were not handled within a minute");
}

fn values(stage: &Stage) -> anyhow::Result<Values> {
    let functions = stage.flow.functions().iter();
    let mut names: Vec<&str> =
        functions.flat_map(|one| one.reads.iter().chain(&one.writes)).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let infos: Vec<TopicInfo> = stage.node.topics.describe(&names, KAFKA_TIMEOUT)?.into_iter().flatten().collect();
    let mut values = Values::new();
    Reader::from_beginning(&stage.node.settings, &infos)?.read(KAFKA_TIMEOUT, |record| {
        let value = record.value().map_or_else(|| "(null)".to_owned(), shown);
        if let Some(timestamp) = record.timestamp() {
            values.entry(record.topic().to_owned()).or_default().entry(timestamp).or_insert(value);
        }
        true
    })?;
    Ok(values)
}

/// A value as people can read it: bytes that are no text would garble their terminal.
fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace()) => text.to_owned(),
        _ => format!("0x{}", hex::encode(value)),
    }
}

fn pair(function: &str, reads: &[String], writes: &[String], values: &Values) -> Option<Sample> {
    for source in reads {
        for (timestamp, input) in values.get(source)? {
            let output = writes.iter().find_map(|sink| Some((sink, values.get(sink)?.get(timestamp)?)));
            if let Some((sink, output)) = output {
                return Some(Sample {
                    function: function.to_owned(),
                    source: source.clone(),
                    input: input.clone(),
                    sink: sink.clone(),
                    output: output.clone(),
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_shown_as_numbers() {
        assert_eq!(shown("{\n  \"ä\": 1\n}".as_bytes()), "{\n  \"ä\": 1\n}");
        assert_eq!((&shown(b"WX\x01\x02")[..], &shown(b"\xff")[..]), ("0x57580102", "0xff"));
    }

    #[test]
    fn a_result_is_found_by_the_timestamp_that_it_inherits() {
        let topic = |values: &[(i64, &str)]| values.iter().map(|(time, text)| (*time, (*text).to_owned())).collect();
        let values = Values::from([
            ("in".to_owned(), topic(&[(1, "dropped"), (2, "kept")])),
            ("out".to_owned(), topic(&[(2, "result"), (3, "other")])),
        ]);
        let sample = pair("f", &["in".to_owned()], &["none".to_owned(), "out".to_owned()], &values).unwrap();
        assert_eq!((sample.input.as_str(), sample.output.as_str(), sample.sink.as_str()), ("kept", "result", "out"));
        assert!(pair("f", &["out".to_owned()], &["in2".to_owned()], &values).is_none());
    }
}
