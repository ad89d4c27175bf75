//! The binary; everything is in the library.

fn main() -> std::process::ExitCode {
    eddyline::cli::main()
}
