//! What a person reads.

mod reason;
mod report;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

pub(crate) use report::{after_drifts, before_drifts, drifts, summary};

/// A line under the head and nothing else: values are what the eye should find.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table as wide as the terminal allows; without one, as wide as it needs.
pub(crate) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_header(head.iter().copied());
    for row in rows {
        table.add_row(row.into_iter().map(|cell| printable(&cell)));
    }
    table.to_string()
}

/// Values come from an application's rows: what would move a terminal's cursor or hide text is shown as its escape.
pub(crate) fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// A value, or that there is none.
pub(crate) fn value(text: Option<&str>) -> String {
    text.map_or_else(|| "∅".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_row_holds_cannot_drive_the_terminal() {
        assert_eq!(super::printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(super::printable("🦀 ok"), "🦀 ok");
    }
}
