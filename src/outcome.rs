//! What the processing of a record ended in: a closed list, with labels for metrics and stable codes for people.

/// What a record's processing ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Outcome {
    Done = 0,
    Filtered = 1,
    Failed = 2,
    Rejected = 3,
    Undecodable = 4,
    Unserialisable = 5,
    UndeclaredTopic = 6,
    OutputLimit = 7,
    CpuLimit = 8,
    WallLimit = 9,
    MemoryLimit = 10,
    Crashed = 11,
    TooOld = 12,
    TooLarge = 13,
    PendingLimit = 14,
    LogLimit = 15,
}

/// How often a failed record may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// Running again cannot help.
    Never,
    /// It hurt the isolate, so it gets one more chance at most.
    Twice,
    /// As often as the manifest allows.
    Manifest,
}

impl Outcome {
    pub const ALL: [Outcome; 16] = [
        Outcome::Done,
        Outcome::Filtered,
        Outcome::Failed,
        Outcome::Rejected,
        Outcome::Undecodable,
        Outcome::Unserialisable,
        Outcome::UndeclaredTopic,
        Outcome::OutputLimit,
        Outcome::CpuLimit,
        Outcome::WallLimit,
        Outcome::MemoryLimit,
        Outcome::Crashed,
        Outcome::TooOld,
        Outcome::TooLarge,
        Outcome::PendingLimit,
        Outcome::LogLimit,
    ];

    pub fn from_u8(byte: u8) -> Option<Outcome> {
        Outcome::ALL.get(byte as usize).copied()
    }

    pub fn is_success(self) -> bool {
        matches!(self, Outcome::Done | Outcome::Filtered)
    }

    /// The value of the `outcome` label.
    pub fn label(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Filtered => "filtered",
            Outcome::Failed => "failed",
            Outcome::Rejected => "rejected",
            Outcome::Undecodable => "undecodable",
            Outcome::Unserialisable => "unserialisable",
            Outcome::UndeclaredTopic => "undeclared topic",
            Outcome::OutputLimit => "output limit",
            Outcome::CpuLimit => "cpu limit",
            Outcome::WallLimit => "wall limit",
            Outcome::MemoryLimit => "memory limit",
            Outcome::Crashed => "crashed",
            Outcome::TooOld => "too old",
            Outcome::TooLarge => "too large",
            Outcome::PendingLimit => "pending limit",
            Outcome::LogLimit => "log limit",
        }
    }

    /// The stable error code, with its page in `docs/errors/`; a success has none.
    pub fn code(self) -> Option<&'static str> {
        Some(match self {
            Outcome::Done | Outcome::Filtered => return None,
            Outcome::Failed => "E2001",
            Outcome::Rejected => "E2002",
            Outcome::Undecodable => "E2003",
            Outcome::Unserialisable => "E2004",
            Outcome::UndeclaredTopic => "E2005",
            Outcome::OutputLimit => "E2006",
            Outcome::CpuLimit => "E2101",
            Outcome::WallLimit => "E2102",
            Outcome::MemoryLimit => "E2103",
            Outcome::Crashed => "E2104",
            Outcome::TooOld => "E2201",
            Outcome::TooLarge => "E2202",
            Outcome::PendingLimit => "E2105",
            Outcome::LogLimit => "E2106",
        })
    }

    pub fn retry_class(self) -> RetryClass {
        match self {
            Outcome::Failed => RetryClass::Manifest,
            Outcome::CpuLimit | Outcome::WallLimit | Outcome::MemoryLimit | Outcome::Crashed => RetryClass::Twice,
            _ => RetryClass::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_outcomes_map_one_to_one() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_u8(outcome as u8), Some(outcome));
        }
        assert_eq!(Outcome::from_u8(16), None);
    }

    #[test]
    fn every_failure_has_a_code_with_a_page() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.is_success(), outcome.code().is_none());
            if let Some(code) = outcome.code() {
                let page = format!("{}/docs/errors/{code}.md", env!("CARGO_MANIFEST_DIR"));
                assert!(std::path::Path::new(&page).exists(), "{page} is missing");
            }
        }
    }
}
