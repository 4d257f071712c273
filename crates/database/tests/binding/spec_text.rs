//! The text of a spec, from what a test is about.

use std::fmt;

use crate::application::CONTRACT;

/// A spec for entries. Unless said otherwise its key is `id`, and the entry `[Loan, id]` of one contract.
#[derive(Debug, Clone)]
pub struct SpecText {
    table: String,
    key: String,
    top: String,
    contract: String,
    entry: String,
    enumerate: String,
    values: String,
    rest: String,
}

/// A spec for that table, as TOML has it between single quotes.
pub fn spec(table: &str) -> SpecText {
    SpecText {
        table: table.to_owned(),
        key: "\"id\"".to_owned(),
        top: String::new(),
        contract: format!("\"{CONTRACT}\""),
        entry: "[{ symbol = \"Loan\" }, { u64 = \"id\" }]".to_owned(),
        enumerate: String::new(),
        values: String::new(),
        rest: String::new(),
    }
}

impl SpecText {
    /// `key`, as TOML.
    pub fn key(mut self, key: &str) -> Self {
        self.key = key.to_owned();
        self
    }

    /// A line before the tables.
    pub fn top(mut self, line: &str) -> Self {
        self.top += &format!("{line}\n");
        self
    }

    /// `contract`, as TOML.
    pub fn contract(mut self, contract: &str) -> Self {
        self.contract = contract.to_owned();
        self
    }

    /// `entry`, as TOML.
    pub fn entry(mut self, entry: &str) -> Self {
        self.entry = entry.to_owned();
        self
    }

    /// `enumerate`, as TOML.
    pub fn enumerate(mut self, how: &str) -> Self {
        self.enumerate = format!("enumerate = {how}\n");
        self
    }

    /// A value.
    pub fn value(mut self, name: &str, carrier: &str) -> Self {
        self.values += &format!("{name} = {{ path = \"{name}\", type = \"{carrier}\" }}\n");
        self
    }

    /// A value, and the column of that name that is compared with it.
    pub fn compare(self, column: &str, carrier: &str) -> Self {
        self.value(column, carrier).field(column, column, "")
    }

    /// A field, with more lines of its table.
    pub fn field(self, column: &str, value: &str, more: &str) -> Self {
        self.table(&format!("[[field]]\ncolumn = '{column}'\nvalue = \"{value}\"\n{more}"))
    }

    /// Another table, with its header.
    pub fn table(mut self, text: &str) -> Self {
        self.rest += &format!("\n{text}\n");
        self
    }

    /// `[repair]` of stale values and statuses.
    pub fn repaired(self) -> Self {
        self.table("[repair]\nstale_value = \"update\"\nstale_status = \"update\"")
    }
}

impl fmt::Display for SpecText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, top, contract, entry, enumerate, values, rest } = self;
        write!(
            f,
            "kind = \"it\"\ntable = '{table}'\nkey = {key}\n{top}\n[chain]\nsource = \"soroban\"\ncontract = {contract}\nentry = {entry}\n{enumerate}\n[values]\n{values}{rest}"
        )
    }
}
