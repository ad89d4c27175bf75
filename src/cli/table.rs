//! Tables for people: a header, columns, no lines that say nothing.

use std::{io::IsTerminal, os::fd::AsFd};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Width of tables that go to a file or a pipe.
const WIDTH_WITHOUT_TERMINAL: u16 = 120;

/// A table with these column names; those that begin with `>` hold numbers and are aligned to the right.
pub(super) fn table(columns: &[&str]) -> Table {
    table_of_width(columns, width(std::io::stdout()))
}

/// The same, as wide as the terminal that shows stderr.
pub(super) fn table_for_stderr(columns: &[&str]) -> Table {
    table_of_width(columns, width(std::io::stderr()))
}

/// Gives all columns the same width.
pub(super) fn share_width(table: &mut Table) {
    let percent = 100 / u16::try_from(table.column_count().max(1)).unwrap_or(100);
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::Absolute(Width::Percentage(percent)));
    }
}

fn table_of_width(columns: &[&str], width: u16) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
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
fn width(stream: impl IsTerminal + AsFd) -> u16 {
    if !stream.is_terminal() {
        return WIDTH_WITHOUT_TERMINAL;
    }
    rustix::termios::tcgetwinsize(stream).map_or(WIDTH_WITHOUT_TERMINAL, |size| size.ws_col.max(40))
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
