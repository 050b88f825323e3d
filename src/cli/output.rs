//! What goes to stdout: the only file of the tool that writes there.
//!
//! A verb returns an [`Answer`] with both renderings; which one is printed is decided once, in `cli::main`.

use std::io::{self, Write};

use serde_json::Value;

/// A verb's result, for people and for programs.
#[derive(Debug, Default)]
pub struct Answer {
    /// For people, without the last newline; empty prints nothing.
    pub text: String,
    /// For `--json`: an object whose keys stay what they are; null prints nothing.
    pub json: Value,
    /// Set where the verb has something to show and yet failed: the line for stderr.
    pub failure: Option<String>,
}

impl Answer {
    /// A successful answer.
    pub fn new(text: impl Into<String>, json: Value) -> Answer {
        Answer { text: text.into(), json, failure: None }
    }

    /// Writes one of the renderings. A reader that went away (`| head`) is no failure.
    pub fn print(&self, json: bool) -> io::Result<()> {
        let text = match json {
            true if self.json.is_null() => String::new(),
            true => format!("{:#}", self.json),
            false => self.text.clone(),
        };
        if text.is_empty() { Ok(()) } else { line(&text) }
    }
}

/// One line, at once: for the demo, which shows its steps while it runs.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A text without control characters: labels come from files that others may have written, and a terminal obeys
/// escape sequences.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Columns, as wide as their widest cell.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Table {
        Table { rows: vec![headings.iter().map(|heading| heading.to_uppercase()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// The rows with aligned columns; only `empty` where there are none.
    pub fn render(&self, empty: &str) -> String {
        if self.rows.len() < 2 {
            return empty.to_owned();
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width =
            |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or_default()).collect();
        let lines = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_control_characters_go() {
        let mut table = Table::new(&["a", "long"]);
        table.row(["wide one".to_owned(), "x\u{1b}[2J".to_owned()]);
        assert_eq!(table.render("-"), "A         LONG\nwide one  x\u{fffd}[2J");
        assert_eq!(Table::new(&["a"]).render("nothing"), "nothing");
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }
}
