//! Telling the kernel's out-of-memory killer from a person with `kill -9`: both send SIGKILL, but only one is counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// The kernel counts here each process that it ends for want of memory, of the machine or of a control group.
const COUNTS: &str = "/proc/vmstat";
const COUNT: &str = "oom_kill ";

/// The kernel's count as it was a while ago.
#[derive(Debug)]
pub struct OomWatch {
    /// The count at the last look but one, and at the last: a kill may fall between the last look and the death.
    looks: [AtomicU64; 2],
}

impl OomWatch {
    pub fn new() -> OomWatch {
        let count = count();
        OomWatch { looks: [AtomicU64::new(count), AtomicU64::new(count)] }
    }

    /// To be called every second or so; only what was counted since the look before the last is taken as evidence.
    pub fn look(&self) {
        self.looks[0].store(self.looks[1].swap(count(), Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Whether the kernel has ended somebody lately.
    pub fn has_struck(&self) -> bool {
        count() > self.looks[0].load(Ordering::Relaxed)
    }
}

/// Zero where the kernel does not tell; then a SIGKILL from nowhere is blamed on nobody.
fn count() -> u64 {
    std::fs::read_to_string(COUNTS).map_or(0, |text| parse(&text))
}

fn parse(text: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(COUNT)?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_the_others() {
        assert_eq!(parse("nr_free_pages 12\noom_kill 3\noom_kill_other 9\n"), 3);
        assert_eq!(parse("nr_free_pages 12\n"), 0);
    }

    #[test]
    fn only_a_count_that_has_grown_lately_is_evidence() {
        let watch = OomWatch::new();
        assert!(!watch.has_struck());
        watch.looks[0].fetch_sub(u64::from(count() > 0), Ordering::Relaxed);
        assert_eq!(watch.has_struck(), count() > 0);
        watch.look();
        assert!(!watch.has_struck());
    }
}
