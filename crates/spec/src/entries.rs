//! What a row is made of where that is not one whole entry: several entries, or an element of one.

use trueup_judge::Durability;

use crate::{ArgumentType, Contract, KeyTemplate, Name, Path, Soroban, Sql, identifier};

/// A further entry that is read for a row, so that a value spread over entries is judged as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlsoEntry {
    /// What [`Value::from`] calls it.
    pub name: Name,
    /// The contract; none where it is the row's own.
    pub contract: Option<Contract>,
    /// How long the chain keeps it.
    pub durability: Durability,
    /// The shape of its key.
    pub entry: KeyTemplate,
    /// Its absence makes its values NULL; else the row is then unknown.
    pub optional: bool,
}

/// Rows that are elements of a list or map within their entry, which is then their parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Where in the parent's value the list or map is; empty for the whole value.
    pub of: Path,
    /// Which element a row is.
    pub by: ElementBy,
    /// A parent without the list or map has no elements; else it is of another shape.
    pub optional: bool,
}

/// Which element of its parent a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementBy {
    /// The element of a list at the position that the argument of that index gives.
    Position {
        /// Of type `i64`.
        argument: usize,
        /// How rows call the first element of the list.
        first: i64,
    },
    /// The element of a map under this key.
    Key(KeyTemplate),
}

// === impl KeyTemplate ===

impl KeyTemplate {
    /// The indexes of the arguments that fill its holes, in their order.
    #[must_use]
    pub fn holes(&self) -> Vec<usize> {
        match self {
            Self::Symbol(_) | Self::Instance => Vec::new(),
            Self::Argument(index) => vec![*index],
            Self::Vec(parts) => parts.iter().flat_map(Self::holes).collect(),
            Self::Map(pairs) => pairs.iter().flat_map(|(key, value)| key.holes().into_iter().chain(value.holes())).collect(),
        }
    }
}

impl KeyTemplate {
    /// Whether it takes a hole's value to tell which member of a map is which.
    fn has_holes_in_map_keys(&self) -> bool {
        match self {
            Self::Symbol(_) | Self::Instance | Self::Argument(_) => false,
            Self::Vec(parts) => parts.iter().any(Self::has_holes_in_map_keys),
            Self::Map(pairs) => pairs.iter().any(|(key, value)| !key.holes().is_empty() || value.has_holes_in_map_keys()),
        }
    }
}

// === impl Element ===

impl Element {
    /// The indexes of the arguments that say which element a row is.
    #[must_use]
    pub fn holes(&self) -> Vec<usize> {
        match &self.by {
            ElementBy::Position { argument, .. } => vec![*argument],
            ElementBy::Key(key) => key.holes(),
        }
    }
}

// === impl Soroban ===

impl Soroban {
    /// For each hole of the element the index of the key column that it is. None where the way back from an element to
    /// the columns is not plain: rows are no elements, a hole is more than a column's name, or a column fills two.
    #[must_use]
    pub fn element_columns(&self, key: &[Name]) -> Option<Vec<usize>> {
        let element = self.element.as_ref()?;
        if matches!(&element.by, ElementBy::Key(key) if key.has_holes_in_map_keys()) {
            return None;
        }
        let mut columns = Vec::new();
        for hole in element.holes() {
            let argument = self.arguments.get(hole)?;
            // What SQL makes seconds of is a moment, and its text another.
            if matches!(argument.kind, ArgumentType::Timepoint | ArgumentType::Duration) {
                return None;
            }
            let name = bare_column(&argument.sql)?;
            let column = key.iter().position(|column| column.text == name).filter(|column| !columns.contains(column))?;
            columns.push(column);
        }
        Some(columns)
    }

    /// The indexes of the key columns that say which parent a row's element is in: those that are not the element's.
    /// None as for [`Self::element_columns`].
    #[must_use]
    pub fn parent_columns(&self, key: &[Name]) -> Option<Vec<usize>> {
        let element = self.element_columns(key)?;
        Some((0..key.len()).filter(|column| !element.contains(column)).collect())
    }
}

/// The column that an expression is, if it is nothing else.
fn bare_column(sql: &Sql) -> Option<String> {
    let mut parts = identifier::qualified(sql.text.trim()).ok()?;
    let name = parts.pop()?;
    parts.is_empty().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    fn bare(text: &str) -> Option<String> {
        bare_column(&Sql { text: text.to_owned(), at: Position { line: 1, column: 1 } })
    }

    #[test]
    fn only_the_name_of_a_column_is_one() {
        assert_eq!(bare(" Position "), Some("position".to_owned()));
        assert_eq!(bare("\"loanId\""), Some("loanId".to_owned()));
        for other in ["position - 1", "db.position", "1", "lower(a)", "a::text", ""] {
            assert_eq!(bare(other), None, "{other}");
        }
    }
}
