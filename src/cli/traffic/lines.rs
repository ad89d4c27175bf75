//! Records from the lines of files.

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// One record to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Line {
    pub(in crate::cli) key: Option<String>,
    pub(in crate::cli) value: Vec<u8>,
}

/// One record for each line; the key is a field of the object in it, if that can be found.
pub(super) fn read_ndjson(text: &str, key: Option<&str>) -> Vec<Line> {
    let key_of = |line: &str| match serde_json::from_str::<Value>(line).ok()?.get(key?)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    text.lines().filter(|line| !line.is_empty()).map(|line| Line { key: key_of(line), value: line.into() }).collect()
}

/// One record for each line but the first, which names the columns; the key is one of them.
pub(super) fn read_csv(text: &str, key: Option<&str>) -> anyhow::Result<Vec<Line>> {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let names = columns(lines.next().context("there is no line with the names of columns")?);
    let index = key.map(|key| names.iter().position(|name| name == key));
    ensure!(index != Some(None), "no column is called {:?}", key.unwrap_or_default());
    let key_of = |line: &str| columns(line).into_iter().nth(index.flatten()?);
    Ok(lines.map(|line| Line { key: key_of(line), value: line.into() }).collect())
}

/// One record for each line, which is its key, a tab, and its value in base64, for bytes that are no text.
pub(super) fn read_base64(text: &str) -> anyhow::Result<Vec<Line>> {
    let line = |(number, line): (usize, &str)| {
        let (key, value) = line.split_once('\t').with_context(|| format!("line {number} has no tab"))?;
        let value = STANDARD.decode(value).with_context(|| format!("line {number} is not base64"))?;
        Ok(Line { key: Some(key.to_owned()), value })
    };
    (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()).map(line).collect()
}

/// The columns of a line; quotes hold commas, and two of them stand for one.
fn columns(line: &str) -> Vec<String> {
    let (mut columns, mut column, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                column.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(std::mem::take(&mut column)),
            other => column.push(other),
        }
    }
    columns.push(column);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(lines: &[Line]) -> Vec<Option<&str>> {
        lines.iter().map(|line| line.key.as_deref()).collect()
    }

    #[test]
    fn a_key_that_cannot_be_found_is_null() {
        let lines = read_ndjson("{\"id\":\"a\"}\n{\"id\":7}\n{\"id\":null}\n{cut short\n\n{}", Some("id"));
        assert_eq!(keys(&lines), [Some("a"), Some("7"), None, None, None]);
        assert_eq!(lines[3].value, b"{cut short");
    }

    #[test]
    fn bytes_come_in_base64() {
        let lines = read_base64("a\tAP8=\n\nb\t\n").unwrap();
        assert_eq!(keys(&lines), [Some("a"), Some("b")]);
        assert_eq!((&lines[0].value[..], &lines[1].value[..]), (&b"\0\xff"[..], &b""[..]));
        assert!(read_base64("a\tAP8=\nAP8=").unwrap_err().to_string().contains("line 2 has no tab"));
        assert!(read_base64("a\t?").unwrap_err().to_string().contains("line 1 is not base64"));
    }

    #[test]
    fn a_csv_file_names_its_columns_first() {
        let lines = read_csv("place,size\n\"Here, there\",1\nshort\n", Some("place")).unwrap();
        assert_eq!(keys(&lines), [Some("Here, there"), Some("short")]);
        assert_eq!(lines[0].value, b"\"Here, there\",1");
        assert!(read_csv("a,b\n1,2", Some("c")).unwrap_err().to_string().contains("\"c\""));
    }
}
