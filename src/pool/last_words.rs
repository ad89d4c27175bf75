//! What a worker wrote to its stderr before it died.
//!
//! A worker writes there only to say why it ends: the engine's fatal errors, and its own. So nobody reads the pipe
//! while it lives. What it holds at the end is shown, cut and cleaned, because user code may have had a hand in it.

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

/// More than a pipe of the usual size holds.
const MOST: usize = 128 << 10;
/// Characters that are shown.
const SHOWN: usize = 300;

/// The end to read from and the one that becomes a worker's stderr. Writing never blocks; what finds no room is lost.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?)
}

/// Reads what is there.
pub fn read(pipe: &OwnedFd) -> Option<String> {
    let mut bytes = vec![0; 4096];
    let mut text = Vec::new();
    while text.len() < MOST {
        match rustix::io::read(pipe, &mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(count) => text.extend_from_slice(&bytes[..count]),
        }
    }
    shown(&String::from_utf8_lossy(&text))
}

/// One line of plain text; V8 draws frames of `#` around its own.
fn shown(text: &str) -> Option<String> {
    let lines = text.lines().map(|line| line.trim_matches(|c: char| c == '#' || c.is_whitespace() || c.is_control()));
    let said: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let plain = said.join("; ");
    let plain: String = plain.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_short_line_without_frames_and_escapes() {
        let v8 = "\n\n#\n# Fatal error in , line 0\n# Fatal JavaScript invalid size error 1\n#\n#\n";
        assert_eq!(shown(v8).unwrap(), "Fatal error in , line 0; Fatal JavaScript invalid size error 1");
        assert_eq!(shown("a\u{1b}[31mb").unwrap(), "a [31mb");
        assert_eq!(shown(&"x".repeat(9999)).unwrap().len(), SHOWN);
        assert_eq!(shown("\n#\n"), None);
    }

    #[test]
    fn a_flood_neither_blocks_the_writer_nor_is_waited_for() {
        let (read_end, write_end) = pipe().unwrap();
        let line = [b'x'; 4096];
        while rustix::io::write(&write_end, &line).is_ok() {}
        assert_eq!(read(&read_end).unwrap().len(), SHOWN);
        assert_eq!(read(&read_end), None);
    }
}
