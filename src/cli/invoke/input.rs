//! Records from a file of lines.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::Context as _;

use super::record::Given;
use crate::cli::{exit, failure::Failure};

/// The records of a file; their offsets count its lines, unless a line says another.
pub(super) fn read(file: &Path, raw: bool, defaults: &Given) -> anyhow::Result<Vec<Given>> {
    let text = text(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(&text, raw, defaults)
        .map_err(|(line, reason)| Failure::new(exit::USAGE, format!("{}:{line}: {reason}", file.display())).into())
}

fn text(file: &Path) -> io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(file)
}

fn parse(text: &str, raw: bool, defaults: &Given) -> Result<Vec<Given>, (usize, String)> {
    let lines = text.lines().enumerate().filter(|(_, line)| raw || !line.trim().is_empty());
    lines
        .zip(0..)
        .map(|((number, line), offset)| {
            let defaults = Given { offset, ..defaults.clone() };
            if raw {
                return Ok(Given { value: Some(line.as_bytes().to_vec()), ..defaults });
            }
            Given::parse(line, &defaults).map_err(|reason| (number + 1, reason))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_records_and_mistakes_name_their_line() {
        let records = parse("{\"value\":1}\n\n{\"value\":2}\n", false, &Given::default()).unwrap();
        assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1]);
        let (line, reason) = parse("{\"value\":1}\n\n{\"value\"", false, &Given::default()).unwrap_err();
        assert_eq!(line, 3, "{reason}");
    }

    #[test]
    fn raw_lines_are_values_even_when_they_are_empty() {
        let records = parse("a,b\n\nc,d", true, &Given::default()).unwrap();
        let values: Vec<&[u8]> = records.iter().map(|record| record.value.as_deref().unwrap()).collect();
        assert_eq!(values, [&b"a,b"[..], b"", b"c,d"]);
    }
}
