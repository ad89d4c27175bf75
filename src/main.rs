//! The binary; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The second role comes first: V8 wants to begin before any thread, and a worker has no use for anything else.
    if std::env::args_os().nth(1).is_some_and(|role| role == "worker") {
        return eddyline::worker::main_from_fds();
    }
    eddyline::cli::main()
}
