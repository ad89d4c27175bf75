//! The small language in which attacks describe files: texts with escapes, repeated by `*` and joined by `+`.

/// The bytes that a description stands for: `"a\xff" * 3 + "b"`.
pub fn parse(text: &str) -> Result<Vec<u8>, String> {
    let mut rest = text.trim_start();
    let mut all = Vec::new();
    loop {
        let (piece, after) = quoted(rest)?;
        rest = after.trim_start();
        let mut times = 1;
        if let Some(after) = rest.strip_prefix('*') {
            let after = after.trim_start();
            let end = after.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(after.len());
            times = after[..end].parse().map_err(|_| format!("no number behind * in {text:.60}"))?;
            rest = after[end..].trim_start();
        }
        all.extend(piece.repeat(times));
        match rest.strip_prefix('+') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => return Ok(all),
            None => return Err(format!("{rest:.20} where + or the end should be")),
        }
    }
}

/// A text in quotes at the beginning, and what is behind it.
fn quoted(text: &str) -> Result<(Vec<u8>, &str), String> {
    let inside = text.strip_prefix('"').ok_or_else(|| format!("{text:.20} does not begin with a quote"))?;
    let mut bytes = Vec::new();
    let mut rest = inside;
    loop {
        let next = rest.chars().next().ok_or("a quote is missing")?;
        rest = &rest[next.len_utf8()..];
        match next {
            '"' => return Ok((bytes, rest)),
            '\\' => {
                let (byte, len) = match rest.chars().next() {
                    Some('n') => (b'\n', 1),
                    Some('t') => (b'\t', 1),
                    Some(same @ ('"' | '\\')) => (same as u8, 1),
                    Some('x') => {
                        let hex = rest.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                        (hex.ok_or("\\x needs two digits")?, 3)
                    }
                    other => return Err(format!("\\{} is no escape", other.unwrap_or(' '))),
                };
                bytes.push(byte);
                rest = &rest[len..];
            }
            next => bytes.extend(next.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[test]
fn descriptions_become_bytes() {
    assert_eq!(parse(r#""a\xff" * 2 + "\"\n""#), Ok(b"a\xffa\xff\"\n".to_vec()));
    assert!(parse(r#""a" "b""#).is_err());
    assert!(parse(r#""a"#).is_err());
}
