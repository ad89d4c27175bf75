//! A fault that tests can switch on, to see that what looks for such faults finds them. Release builds do not have it.

/// Whether positions are committed before their records are finished, which loses what a crash interrupts.
#[cfg(debug_assertions)]
pub fn commits_early() -> bool {
    use std::sync::LazyLock;

    static ASKED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("EDDYLINE_TEST_COMMITS_EARLY").is_some());
    *ASKED
}

#[cfg(not(debug_assertions))]
pub const fn commits_early() -> bool {
    false
}
