//! Tables for people: a header, columns, no lines that say nothing.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Width of tables that go to a file or a pipe.
const WIDTH_WITHOUT_TERMINAL: u16 = 120;

/// A table with these column names; those that begin with `>` hold numbers and are aligned to the right.
pub(super) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width());
    table.set_header(columns.iter().map(|name| name.trim_start_matches('>')));
    for (index, name) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if name.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table
}

/// The table as text, without blanks at the ends of lines.
pub(super) fn text(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Columns that there is room for.
pub(super) fn width() -> u16 {
    if !std::io::stdout().is_terminal() {
        return WIDTH_WITHOUT_TERMINAL;
    }
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(WIDTH_WITHOUT_TERMINAL, |size| size.ws_col.max(40))
}

/// A number with its thousands apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_apart() {
        let shown = [0, 999, 1_000, 1_234_567].map(super::number);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
