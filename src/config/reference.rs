//! `docs/config.md`, written from `default.toml`.

use std::fmt::Write;

use super::{DEFAULT_TOML, reserved::RESERVED};

/// The reference of the configuration as Markdown: one table for each section, and the whole file.
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Configuration of a node\n\n\
         <!-- Written by `make docs` from src/config/default.toml; do not edit. -->\n\n",
    );
    let mut prose: Vec<&str> = Vec::new();
    let mut in_table = false;
    for line in DEFAULT_TOML.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let name = section.trim_end_matches(']');
            let about = std::mem::take(&mut prose).join(" ");
            let gap = if in_table { "\n" } else { "" };
            let blank = if about.is_empty() { "" } else { "\n\n" };
            add(&mut page, format_args!("{gap}## `[{name}]`\n\n{about}{blank}"));
            page.push_str("| key | default | meaning |\n| --- | --- | --- |\n");
            in_table = true;
        } else if let Some((key, value, given)) = key_line(line) {
            let about = std::mem::take(&mut prose).join(" ").replace('|', "\\|");
            let default = if given { format!("`{value}`") } else { format!("none; for example `{value}`") };
            add(&mut page, format_args!("| `{key}` | {default} | {about} |\n"));
        } else if let Some(comment) = line.strip_prefix('#') {
            match comment.trim() {
                "" if !in_table => finish_paragraph(&mut page, &mut prose),
                comment => prose.push(comment),
            }
        } else if !in_table {
            finish_paragraph(&mut page, &mut prose);
        }
    }
    page.push_str("\n## Properties that are refused\n\n| property | why it cannot be set |\n| --- | --- |\n");
    for (property, reason) in RESERVED {
        add(&mut page, format_args!("| `{property}` | {reason} |\n"));
    }
    add(&mut page, format_args!("\n## The whole file\n\n```toml\n{DEFAULT_TOML}```\n"));
    page
}

/// Key, value, and whether it is given rather than only shown as a comment.
fn key_line(line: &str) -> Option<(&str, &str, bool)> {
    let (text, given) = match line.strip_prefix("# ") {
        Some(text) => (text, false),
        None => (line, true),
    };
    let (key, value) = text.split_once(" = ")?;
    let plain = |it: char| it.is_ascii_lowercase() || matches!(it, '-' | '.' | '"');
    key.chars().all(plain).then_some((key, value, given))
}

fn finish_paragraph(page: &mut String, prose: &mut Vec<&str>) {
    if !prose.is_empty() {
        let paragraph = std::mem::take(prose).join("\n");
        add(page, format_args!("{paragraph}\n\n"));
    }
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a String takes every write");
}
