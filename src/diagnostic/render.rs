//! Diagnostics as text, in the manner of rustc.

use super::model::Diagnostic;

pub(super) fn render(diagnostic: &Diagnostic, _colour: bool) -> String {
    diagnostic.message.clone()
}
