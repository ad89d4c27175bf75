//! How much an invocation may log.

/// What one invocation has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    lines: u32,
    bytes: usize,
    dropped: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { lines: 100, bytes: 64 << 10, dropped: 0 }
    }
}

impl Budget {
    /// The limits in words.
    pub const LIMITS: &str = "100 lines and 64 KiB";

    /// Asks for a line of `len` bytes; granted with the number of lines dropped before it.
    pub fn take(&mut self, len: usize) -> Option<u64> {
        if self.lines == 0 || len > self.bytes {
            self.dropped += 1;
            return None;
        }
        self.lines -= 1;
        self.bytes -= len;
        Some(std::mem::take(&mut self.dropped))
    }

    /// Lines dropped since the last that was granted.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_are_dropped_and_counted() {
        let mut budget = Budget::default();
        for _ in 0..100 {
            assert_eq!(budget.take(1), Some(0));
        }
        assert_eq!(budget.take(1), None);
        assert_eq!(budget.take(1), None);
        assert_eq!(budget.dropped(), 2);
    }

    #[test]
    fn a_line_that_is_too_long_is_dropped_and_the_next_one_tells() {
        let mut budget = Budget::default();
        assert_eq!(budget.take(65 << 10), None);
        assert_eq!(budget.take(10), Some(1));
        assert_eq!(budget.dropped(), 0);
    }
}
