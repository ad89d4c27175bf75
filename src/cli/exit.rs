//! What the exit codes of the command mean.

pub(super) const FAILURE: u8 = 1;
pub(super) const USAGE: u8 = 2;
pub(super) const BAD_CONFIGURATION: u8 = 64;
pub(super) const BAD_FUNCTIONS: u8 = 65;
pub(super) const BROKER_UNREACHABLE: u8 = 69;
pub(super) const INTERNAL: u8 = 70;

/// Every code with its meaning, for `--help` and the reference.
pub(super) const CODES: &[(u8, &str)] = &[
    (0, "it worked; for `run` and `dev`: asked to stop, and everything in flight was finished"),
    (FAILURE, "it did not work; stderr says why"),
    (USAGE, "the arguments are not understood"),
    (BAD_CONFIGURATION, "the configuration has mistakes"),
    (BAD_FUNCTIONS, "a function is broken"),
    (BROKER_UNREACHABLE, "no Kafka broker could be reached"),
    (INTERNAL, "a mistake in Eddyline itself"),
    (130, "a second SIGINT (Ctrl-C) ended it at once"),
    (143, "a second SIGTERM ended it at once"),
];

pub(super) fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (code, meaning) in CODES {
        text.push_str(&format!("  {code:<4}{meaning}\n"));
    }
    text.push_str("\nNO_COLOR turns colours off; EDDYLINE_LOG sets the level of logs.");
    text
}
