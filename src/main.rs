//! The binary; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The other roles come first: V8 wants to begin before any thread, and they have no use for anything else.
    match std::env::args_os().nth(1) {
        Some(role) if role == "worker" => eddyline::worker::main_from_fds(),
        Some(role) if role == "snapshot" => eddyline::worker::make_snapshot_from_fds(),
        _ => eddyline::cli::main(),
    }
}
