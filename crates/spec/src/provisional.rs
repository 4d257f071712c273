//! What a spec says of rows that have not got their real key yet.

use crate::{Name, Path, Sql, TableName};

/// Rows that have not got their real key yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisional {
    /// Which: SQL over the row.
    pub when: Sql,
    /// The column with the hash of the creating transaction.
    pub transaction: Option<Name>,
    /// The event that the creation emitted.
    pub event: Option<CreationEvent>,
    /// Columns of other tables that hold the provisional key too.
    pub references: Vec<Reference>,
}

/// How a provisional row finds the event of its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreationEvent {
    /// What the event's topics are, from the first.
    pub topics: Vec<Topic>,
    /// Where in the event the real key is.
    pub id: EventPath,
    /// Columns, and where in the event the same value is.
    pub matches: Vec<(Name, EventPath)>,
    /// How far the row's creation and the event may lie apart, in seconds.
    pub within_secs: i64,
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
