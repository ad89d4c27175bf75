//! Texts as a handler would see them: unescaped, and compared without regard to case.

/// Decodes the content of a JSON string whose escapes [`super::scan`] has found to be right.
///
/// A surrogate without its other half, which JavaScript allows and UTF-8 does not, becomes three bytes that no text of
/// a pattern has.
pub(super) fn unescape(raw: &[u8], decoded: &mut Vec<u8>) {
    decoded.clear();
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        decoded.extend_from_slice(&rest[..at]);
        let (taken, code) = escape(&rest[at..]);
        push(code, decoded);
        rest = &rest[at + taken..];
    }
    decoded.extend_from_slice(rest);
}

/// The escape at the beginning of `text`: its length and what it stands for.
fn escape(text: &[u8]) -> (usize, u32) {
    let plain = |code: u8| (2, u32::from(code));
    match text.get(1) {
        Some(b'u') => {
            let first = unit(&text[2..]);
            let is_pair = (0xd800..0xdc00).contains(&first) && text.get(6..8) == Some(b"\\u");
            match is_pair.then(|| unit(&text[8..])) {
                Some(second @ 0xdc00..=0xdfff) => (12, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)),
                _ => (6, first),
            }
        }
        Some(b'b') => plain(8),
        Some(b'f') => plain(12),
        Some(b'n') => plain(b'\n'),
        Some(b'r') => plain(b'\r'),
        Some(b't') => plain(b'\t'),
        Some(other) => plain(*other),
        None => (1, u32::from(b'\\')),
    }
}

/// Four hexadecimal digits.
fn unit(text: &[u8]) -> u32 {
    let digit = |sum: u32, byte: &u8| sum << 4 | char::from(*byte).to_digit(16).unwrap_or(0);
    text.iter().take(4).fold(0, digit)
}

fn push(code: u32, decoded: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(character) => decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            decoded.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8])
        }
    }
}

/// The form in which texts are compared without regard to case: each character's small form.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a text is the same as `folded`, which was folded before.
pub(super) fn equals_folded(text: &[u8], folded: &str) -> bool {
    if text.is_ascii() {
        return text.len() == folded.len() && text.eq_ignore_ascii_case(folded.as_bytes());
    }
    std::str::from_utf8(text).is_ok_and(|text| text.chars().flat_map(char::to_lowercase).eq(folded.chars()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn unescaped(raw: &str) -> Vec<u8> {
        let mut decoded = b"before".to_vec();
        unescape(raw.as_bytes(), &mut decoded);
        decoded
    }

    #[test]
    fn every_escape_is_decoded() {
        assert_eq!(unescaped(r#"a\"\\\/\b\f\n\r\tz"#), b"a\"\\/\x08\x0c\n\r\tz");
        assert_eq!(unescaped(r"\u0041\u00e9\u20AC\ud83d\uDE00!"), "Aé€😀!".as_bytes());
        assert_eq!(unescaped("grüße"), "grüße".as_bytes());
    }

    #[test]
    fn a_surrogate_alone_is_no_text_that_a_pattern_has() {
        for raw in [r"\ud83d", r"\ude00", r"\ud83dx", r"\ud83d\n", r"\ud83dA", r"\ude00\ud83d"] {
            assert!(std::str::from_utf8(&unescaped(raw)).is_err(), "{raw}");
        }
        assert_eq!(unescaped(r"\ud83d\ud83d\ude00"), [&[0xed, 0xa0, 0xbd][..], "😀".as_bytes()].concat());
    }

    #[test]
    fn case_is_folded_beyond_ascii() {
        for (text, other) in [("PAID", "paid"), ("GRÜN", "grün"), ("ΑΣ", "ας".to_uppercase().as_str())] {
            assert!(equals_folded(text.as_bytes(), &fold(other)), "{text} {other}");
        }
        for (text, other) in [("paid", "pai"), ("grün", "grun"), ("", "a")] {
            assert!(!equals_folded(text.as_bytes(), &fold(other)), "{text} {other}");
        }
        assert!(!equals_folded(b"\xff", &fold("\u{fffd}")));
    }
}
