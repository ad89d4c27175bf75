//! The bytes of a JSON text, taken piece by piece: told apart, but checked no further than that needs.

/// The text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoJson;

/// The content of a string, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raw<'v> {
    pub(super) bytes: &'v [u8],
    /// Something in it has to be decoded.
    pub(super) escaped: bool,
}

pub(super) struct Scanner<'v> {
    rest: &'v [u8],
}

impl<'v> Scanner<'v> {
    pub(super) fn new(text: &'v [u8]) -> Self {
        Scanner { rest: text }
    }

    pub(super) fn peek(&self) -> Result<u8, NoJson> {
        self.rest.first().copied().ok_or(NoJson)
    }

    #[inline]
    pub(super) fn take(&mut self) -> Result<u8, NoJson> {
        let (first, rest) = self.rest.split_first().ok_or(NoJson)?;
        self.rest = rest;
        Ok(*first)
    }

    /// Takes this byte, if it is the next.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.rest.first() == Some(&byte);
        self.rest = &self.rest[usize::from(is_next)..];
        is_next
    }

    #[inline]
    pub(super) fn space(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Nothing but space is left.
    pub(super) fn end(&mut self) -> Result<(), NoJson> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(NoJson) }
    }

    /// A key with its colon.
    pub(super) fn key(&mut self) -> Result<Raw<'v>, NoJson> {
        self.space();
        let key = self.string()?;
        self.space();
        if self.eat(b':') { Ok(key) } else { Err(NoJson) }
    }

    pub(super) fn string(&mut self) -> Result<Raw<'v>, NoJson> {
        if !self.eat(b'"') {
            return Err(NoJson);
        }
        let content = self.rest;
        let mut escaped = false;
        loop {
            match self.after_plain_text()? {
                b'"' => {
                    let length = content.len() - self.rest.len() - 1;
                    return Ok(Raw { bytes: &content[..length], escaped });
                }
                _ => {
                    escaped = true;
                    self.escape()?;
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), NoJson> {
        match self.take()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let (digits, rest) = self.rest.split_first_chunk::<4>().ok_or(NoJson)?;
                self.rest = rest;
                if digits.iter().all(u8::is_ascii_hexdigit) { Ok(()) } else { Err(NoJson) }
            }
            _ => Err(NoJson),
        }
    }

    /// Takes the quote or backslash that comes next in a string, and all before it.
    #[inline]
    fn after_plain_text(&mut self) -> Result<u8, NoJson> {
        // Most strings are short, and a call would take longer than they do.
        for _ in 0..SHORT {
            let Some((chunk, rest)) = self.rest.split_first_chunk() else { break };
            let word = u64::from_le_bytes(*chunk);
            let found = zeros(word ^ each(b'"')) | zeros(word ^ each(b'\\'));
            if found != 0 {
                return Ok(self.after((found.trailing_zeros() / 8) as usize));
            }
            self.rest = rest;
        }
        memchr::memchr2(b'"', b'\\', self.rest).map(|at| self.after(at)).ok_or(NoJson)
    }

    /// Takes the byte there, and all before it.
    #[inline]
    fn after(&mut self, at: usize) -> u8 {
        let byte = self.rest[at];
        self.rest = &self.rest[at + 1..];
        byte
    }

    /// A number as JavaScript reads it: what is too large for a double is infinite.
    pub(super) fn number(&mut self) -> Result<f64, NoJson> {
        let text = self.take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(NoJson)
    }

    /// `null`, `true` or `false`.
    pub(super) fn word(&mut self, word: &str) -> Result<(), NoJson> {
        self.rest = self.rest.strip_prefix(word.as_bytes()).ok_or(NoJson)?;
        Ok(())
    }

    /// Goes over a value that does not matter as fast as its end can be found: by its strings and brackets alone,
    /// however deep they are.
    pub(super) fn jump(&mut self) -> Result<(), NoJson> {
        self.space();
        let mut depth = 0_usize;
        loop {
            match self.take()? {
                b'"' => self.rest_of_string()?,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b'}' | b']' | b',' | b':' => return Err(NoJson),
                // A number or a word; below, the search stops at nothing of that kind.
                _ => drop(self.take_while(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))),
            }
            if depth == 0 {
                return Ok(());
            }
            self.take_while(|byte| !STRUCTURE[usize::from(byte)]);
        }
    }

    #[inline]
    fn rest_of_string(&mut self) -> Result<(), NoJson> {
        while self.after_plain_text()? == b'\\' {
            self.take()?;
        }
        Ok(())
    }

    #[inline]
    fn take_while(&mut self, is_part: impl Fn(u8) -> bool) -> &'v [u8] {
        let end = self.rest.iter().position(|byte| !is_part(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

/// The bytes that begin and end strings, objects and arrays.
const STRUCTURE: [bool; 256] = {
    let mut table = [false; 256];
    let mut index = 0;
    while index < 5 {
        table[b"\"{}[]"[index] as usize] = true;
        index += 1;
    }
    table
};

/// How often eight bytes of a string are looked at here, before the rest is left to a search for long texts.
const SHORT: usize = 4;

/// A byte eight times.
const fn each(byte: u8) -> u64 {
    u64::MAX / 255 * byte as u64
}

/// Marks the first byte that is zero, the one in the lowest place; above it, others may be marked too.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}
