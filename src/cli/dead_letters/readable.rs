//! Bytes that anybody may have written, so that a person can read them and a terminal takes no orders from them.

use std::fmt::Write;

/// Bytes of a value that are shown in hexadecimal.
const MOST_HEX: usize = 1024;
const HEX_LINE: usize = 16;

/// Text with its control characters written out. New lines stay where `lines` says so.
pub(super) fn harmless(text: &str, lines: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let stays = !character.is_control() || (lines && matches!(character, '\n' | '\t'));
        if stays {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// The first line of a text, cut to so many characters.
pub(super) fn line(text: &str, most: usize) -> String {
    let line = harmless(text.lines().next().unwrap_or_default(), false);
    match line.char_indices().nth(most) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

/// A value: JSON indented, other text as it is, anything else in hexadecimal.
pub(super) fn value(value: Option<&[u8]>) -> String {
    let Some(bytes) = value else { return "null (a tombstone)".to_owned() };
    if bytes.is_empty() {
        return "empty".to_owned();
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return hexadecimal(bytes) };
    let json = serde_json::from_str::<serde_json::Value>(text).ok().filter(|json| json.is_object() || json.is_array());
    let indented = json.and_then(|json| serde_json::to_string_pretty(&json).ok());
    harmless(indented.as_deref().unwrap_or(text), true)
}

/// A key, or a header's name or value.
pub(super) fn short(bytes: Option<&[u8]>) -> String {
    match bytes.map(std::str::from_utf8) {
        None => "null".to_owned(),
        Some(Ok(text)) => format!("\"{}\"", harmless(text, false)),
        Some(Err(_)) => format!("0x{}", hex::encode(bytes.unwrap_or_default())),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = format!("{} bytes, no text", bytes.len());
    for (number, line) in bytes[..bytes.len().min(MOST_HEX)].chunks(HEX_LINE).enumerate() {
        let _ = write!(text, "\n{:06x} ", number * HEX_LINE);
        for byte in line {
            let _ = write!(text, " {byte:02x}");
        }
        let letters = line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' });
        let gap = (HEX_LINE - line.len()) * 3 + 2;
        let _ = write!(text, "{:gap$}{}", "", letters.collect::<String>());
    }
    if bytes.len() > MOST_HEX {
        let _ = write!(text, "\n… {} more; --output json has all of them", bytes.len() - MOST_HEX);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_given_no_orders() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc\u{7f}", true), "a\\u{1b}[2Jb\nc\\u{7f}");
        assert_eq!(line("first\u{7}\nsecond", 100), "first\\u{7}");
        assert_eq!(line("größer", 3), "grö…");
        assert_eq!(short(Some(b"a\nb")), "\"a\\nb\"");
    }

    #[test]
    fn values_are_shown_as_what_they_are() {
        assert_eq!(value(None), "null (a tombstone)");
        assert_eq!(value(Some(b"")), "empty");
        assert_eq!(value(Some(b"{\"a\":1}")), "{\n  \"a\": 1\n}");
        assert_eq!(value(Some(b"12")), "12");
        assert_eq!(
            value(Some(b"\xff\x00ab")),
            "4 bytes, no text\n000000  ff 00 61 62                                      ..ab"
        );
        assert!(value(Some(&[0xff; 2000])).ends_with("… 976 more; --output json has all of them"));
        assert_eq!(
            (short(None), short(Some(b"")), short(Some(b"\xff"))),
            ("null".into(), "\"\"".into(), "0xff".into())
        );
    }
}
