//! The binary; everything is in the library.

fn main() -> std::process::ExitCode {
    // The worker's role is taken before anything else happens, for V8 wants to be set up before there are threads.
    match std::env::args_os().nth(1) {
        Some(role) if role == "worker" => eddyline::worker::main_from_fds(),
        _ => eddyline::cli::main(),
    }
}
