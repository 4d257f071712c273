//! What a spec says of rows that have not got their real key yet.

use crate::{Name, Path, Sql, TableName};

/// Rows that have not got their real key yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisional {
    /// Which: SQL over the row.
    pub when: Sql,
    /// The column with the hash of the creating transaction.
    pub transaction: Option<Name>,
    /// The column with that transaction's signed envelope.
    pub envelope: Option<Name>,
    /// The timestamp column that says when that transaction was submitted.
    pub submitted: Option<Name>,
    /// Where in that transaction's return value the real key is, where no event is named.
    pub id: Path,
    /// The event that the creation emitted.
    pub event: Option<CreationEvent>,
    /// Columns of other tables that hold the provisional key too.
    pub references: Vec<Reference>,
    /// What a row whose creation failed is set to: columns and the texts that they get.
    pub failed: Vec<(Name, String)>,
    /// What a row whose creation never landed, and cannot any more, is set to.
    pub expired: Vec<(Name, String)>,
}

/// How a provisional row finds the event of its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreationEvent {
    /// What the event's topics are, from the first.
    pub topics: Vec<Topic>,
    /// Where in the event the real key is: one place for each key column, in their order.
    pub id: Vec<EventPath>,
    /// What else of the row is in the event.
    pub matches: Vec<EventMatch>,
    /// The timestamp column that says when the row was created; `changed` where the spec does not name it.
    pub at: Option<Name>,
    /// How far the row's creation and the event may lie apart, in seconds.
    pub within_secs: i64,
}

/// A column, and where in the event the same value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMatch {
    /// The column.
    pub column: Name,
    /// The place in the event.
    pub at: EventPath,
    /// How many decimals the event's integer has, where the spec says; else as many as the value that the column is
    /// compared with, or none.
    pub decimals: Option<u32>,
}

/// One topic of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// This symbol.
    Symbol(String),
    /// What this column holds.
    Column(Name),
}

/// A place in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPath {
    /// The part of the event.
    pub part: EventPart,
    /// The way into that part.
    pub path: Path,
}

/// A part of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPart {
    /// The topic of that index, from 0.
    Topic(usize),
    /// The data.
    Data,
}

/// A column of another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The table.
    pub table: TableName,
    /// The column.
    pub column: Name,
}
