//! How what was measured is shown: Markdown that reads as a table in a terminal too.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{Cell, CellAlignment, Table};

/// A titled table with what a reader must know beneath it.
pub(crate) struct Section {
    title: String,
    table: Table,
    columns: usize,
    notes: Vec<String>,
}

impl Section {
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(columns);
        Self { title: title.into(), table, columns: columns.len(), notes: Vec::new() }
    }

    /// The first cell says what, the others are figures.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns, "one cell a column");
        let cells = cells.into_iter().enumerate().map(|(index, cell)| {
            let alignment = if index == 0 { CellAlignment::Left } else { CellAlignment::Right };
            Cell::new(cell).set_alignment(alignment)
        });
        self.table.add_row(cells.collect::<Vec<_>>());
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn print(&self) {
        println!("\n### {}\n\n{}", self.title, self.table);
        if !self.notes.is_empty() {
            println!();
        }
        for note in &self.notes {
            println!("- {note}");
        }
    }
}
