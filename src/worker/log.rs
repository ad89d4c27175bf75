//! How much an invocation may log.

/// What each line counts beside its text, so that empty lines are not free.
const LINE: u64 = 32;

/// What one invocation has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    bytes: u64,
    dropped: u64,
}

impl Budget {
    pub fn new(bytes: u64) -> Budget {
        Budget { bytes, dropped: 0 }
    }

    /// Asks for a line of `len` bytes; granted with the number of lines dropped before it.
    pub fn take(&mut self, len: usize) -> Option<u64> {
        match self.bytes.checked_sub(len as u64 + LINE) {
            Some(left) => {
                self.bytes = left;
                Some(std::mem::take(&mut self.dropped))
            }
            None => {
                // What would have fitted behind it is dropped too, so that no line is missing in the middle.
                self.bytes = 0;
                self.dropped += 1;
                None
            }
        }
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
        let mut budget = Budget::new(10 * (LINE + 1));
        for _ in 0..10 {
            assert_eq!(budget.take(1), Some(0));
        }
        assert_eq!(budget.take(0), None);
        assert_eq!(budget.take(1), None);
        assert_eq!(budget.dropped(), 2);
    }

    #[test]
    fn nothing_passes_behind_a_line_that_is_too_long() {
        let mut budget = Budget::new(100);
        assert_eq!(budget.take(100), None);
        assert_eq!(budget.take(1), None);
        assert_eq!(budget.dropped(), 2);
    }
}
