//! Secrets are blanked out of a text before any diagnostic may quote it.
//!
//! Masking keeps byte offsets, so that spans of the original text fit the masked one.

use std::ops::Range;

/// Blanks the given spans.
pub(super) fn mask_spans(text: &str, spans: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        let end = span.end.min(bytes.len());
        let start = span.start.min(end);
        for (index, byte) in bytes[start..end].iter_mut().enumerate() {
            if *byte != b'\n' && *byte != b'\r' {
                *byte = if index < 3 { b'*' } else { b' ' };
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Blanks what stands behind secret keys of a text that is not valid TOML, judging line by line.
pub(super) fn mask_lines(text: &str, is_secret: &dyn Fn(&str) -> bool) -> String {
    let mut spans = Vec::new();
    let mut section = String::new();
    let mut hidden_until: Option<&str> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        if let Some(end) = hidden_until {
            spans.push(start..offset);
            if line.contains(end) {
                hidden_until = None;
            }
            continue;
        }
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            section = plain_key(trimmed.trim_matches(['[', ']']));
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let key = plain_key(key);
        let dotted = if section.is_empty() { key } else { format!("{section}.{key}") };
        if is_secret(&dotted) {
            spans.push(start + line.len() - value.len()..offset);
            hidden_until = opened(value.trim());
        }
    }
    mask_spans(text, spans)
}

/// What closes the value, if it goes on in the next line.
fn opened(value: &str) -> Option<&'static str> {
    for (open, close) in [("\"\"\"", "\"\"\""), ("'''", "'''"), ("[", "]"), ("{", "}")] {
        if let Some(rest) = value.strip_prefix(open) {
            return (!rest.contains(close)).then_some(close);
        }
    }
    None
}

fn plain_key(key: &str) -> String {
    let plain = |part: &str| part.trim().trim_matches(['"', '\'']).to_owned();
    key.split('.').map(plain).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_keeps_every_offset() {
        let text = "a = \"grüße\"\nb = 1\n";
        let value = text.find('"').unwrap()..text.find('\n').unwrap();
        let masked = mask_spans(text, std::iter::once(value));
        assert_eq!(masked, "a = ***      \nb = 1\n");
        assert_eq!(masked.len(), text.len());
    }

    #[test]
    fn secrets_of_a_broken_text_are_blanked_line_by_line() {
        let is_secret = |key: &str| key.contains("password") || key.contains(".pem");
        let text = "[kafka.properties]\n\
                    \"sasl.password\" = hunter2\n\
                    ssl.key.pem = \"\"\"-----BEGIN\nMIIE==\n-----END\"\"\"\n\
                    client.id = \"a\n";
        let masked = mask_lines(text, &is_secret);
        assert_eq!(masked.len(), text.len());
        for secret in ["hunter2", "BEGIN", "MIIE", "END"] {
            assert!(!masked.contains(secret), "{masked}");
        }
        assert!(masked.contains("client.id = \"a"));
    }
}
