//! Asking before something is done that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use super::{exit, failure::Failure};

/// Asks on the terminal; where nobody can answer, `--yes` has to have said it.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::new(exit::USAGE, format!("{question} Nobody is there to answer"))
            .with_hint("--yes answers beforehand"));
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    // An input that ends or breaks is no yes.
    let _ = io::stdin().lock().read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(exit::FAILURE, "nothing was done")),
    }
}
