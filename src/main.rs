fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => eddyline::worker::main_from_fds(),
        _ => std::process::ExitCode::from(2),
    }
}
