//! `seed.toml`: which files of sample data feed which topics.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use toml_edit::{DocumentMut, Table};

use super::lines::{Line, read_base64, read_csv, read_ndjson};

const FILE: &str = "seed.toml";
const KEYS: [&str; 5] = ["file", "format", "topic", "partitions", "key"];

/// One file of records and the topic that they belong to.
#[derive(Debug)]
pub(in crate::cli) struct Feed {
    pub(in crate::cli) topic: String,
    pub(in crate::cli) partitions: i32,
    pub(in crate::cli) lines: Vec<Line>,
}

/// Reads `seed.toml` of a folder and the files that it names.
pub(in crate::cli) fn load_feeds(folder: &Path) -> anyhow::Result<Vec<Feed>> {
    let path = folder.join(FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text, folder).with_context(|| format!("{} has a mistake", path.display()))
}

fn parse(text: &str, folder: &Path) -> anyhow::Result<Vec<Feed>> {
    let document: DocumentMut = text.parse()?;
    let tables = document.get("feed").and_then(|item| item.as_array_of_tables()).context("there is no [[feed]]")?;
    tables.iter().map(|table| feed(table, folder)).collect()
}

fn feed(table: &Table, folder: &Path) -> anyhow::Result<Feed> {
    if let Some((unknown, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
        bail!("unknown key {unknown:?}; known are {}", KEYS.join(", "));
    }
    let text = |key: &str| {
        let value = table.get(key).with_context(|| format!("a feed has no {key:?}"))?;
        value.as_str().with_context(|| format!("{key:?} is no text"))
    };
    let (file, topic) = (text("file")?, text("topic")?);
    let partitions = table.get("partitions").map_or(Some(1), |value| value.as_integer());
    let partitions = partitions.and_then(|count| i32::try_from(count).ok()).filter(|count| *count > 0);
    let partitions = partitions.with_context(|| format!("the partitions of {topic:?} are no number above 0"))?;
    let key = table.get("key").and_then(|value| value.as_str());

    let path: PathBuf = folder.join(file);
    let content = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = match text("format")? {
        "ndjson" => read_ndjson(&content, key),
        "csv" => read_csv(&content, key)?,
        "base64" => read_base64(&content).with_context(|| format!("{} has a mistake", path.display()))?,
        other => bail!("format {other:?} of {topic:?} is none of \"ndjson\", \"csv\" and \"base64\""),
    };
    ensure!(!lines.is_empty(), "{} holds no records", path.display());
    Ok(Feed { topic: topic.to_owned(), partitions, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_data_of_the_repository_can_be_read() {
        let feeds = load_feeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data")).unwrap();
        let counts: Vec<(&str, i32, usize)> =
            feeds.iter().map(|feed| (feed.topic.as_str(), feed.partitions, feed.lines.len())).collect();
        let expected = [
            ("quakes.raw", 4, 1716),
            ("flights.raw", 4, 10005),
            ("weather.raw", 2, 2924),
            ("stations.raw", 2, 421),
            ("orders.raw", 4, 1000),
        ];
        assert_eq!(counts, expected);
        assert_eq!(feeds[1].lines[0].key.as_deref(), Some("DTW"));
    }

    #[test]
    fn mistakes_name_what_is_wrong() {
        let mistake = |text: &str| format!("{:#}", parse(text, Path::new(".")).unwrap_err());
        assert!(mistake("").contains("[[feed]]"));
        assert!(mistake("[[feed]]\nfiles = 1").contains("\"files\""));
        assert!(mistake("[[feed]]\nfile = \"x\"").contains("\"topic\""));
        assert!(mistake("[[feed]]\nfile = \"x\"\ntopic = \"t\"\npartitions = 0").contains("above 0"));
    }
}
