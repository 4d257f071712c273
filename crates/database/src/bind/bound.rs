//! What a spec has become, once every name and expression in it has met the catalog. Statements are generated from
//! this and from nothing else.

use std::collections::BTreeSet;

use trueup_judge::{Class, Withheld};
use trueup_spec::{Carrier, Priority, Tolerance};

use super::catalog::{Column, Table};
use super::provisional::BoundProvisional;
use super::shape::Shape;

/// A bound spec.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub table: Table,
    /// The columns that say which row: the primary key; for a view the key.
    pub identity: Vec<Column>,
    /// The key columns, in the spec's order.
    pub key: Vec<Column>,
    /// `where`.
    pub filter: Option<String>,
    /// `[provisional] when`.
    pub provisional: Option<String>,
    /// How such a row finds its key.
    pub creation: Option<BoundProvisional>,
    pub changed: Option<Column>,
    pub fields: Vec<BoundField>,
    pub conditions: Vec<BoundCondition>,
    /// Name and carrier of each value, in the spec's order.
    pub values: Vec<(String, Carrier)>,
    /// What fills the holes of the chain key, as expressions of type text over the row.
    pub arguments: Vec<String>,
    pub contract: Option<Column>,
    /// For each further entry the column that names its contract, where it has one of its own.
    pub also_contracts: Vec<Option<Column>>,
    /// Where parents of elements are enumerated: what says where each of them is.
    pub parents: Option<BoundParents>,
    /// The hash of the transaction that creates a row's entity.
    pub created_by: Option<Column>,
    /// The hash of a row that is a transaction.
    pub hash: Option<Column>,
    pub submitted: Option<Column>,
    pub envelope: Option<Column>,
    /// Columns that a repair relies on.
    pub judged: Vec<Column>,
    /// Columns that statements read: the judged ones, and those that only say when.
    pub fetched: Vec<Column>,
    /// What a new row gets: column, and where it comes from.
    pub insert: Vec<(Column, NewValue)>,
    /// The query that enumerates keys.
    pub enumeration: Option<String>,
    /// The query that counts events of which it cannot be told which key they name.
    pub keyless_events: Option<String>,
}

/// Where the value of a new row's column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NewValue {
    /// The key column of that index.
    Key(usize),
    /// The field of that index.
    Field(usize),
    /// An expression over `chain` and `key`.
    Sql(String, Shape),
}

/// The entries that hold elements, as far as it takes to enumerate them.
#[derive(Debug, Clone)]
pub(crate) struct BoundParents {
    /// The indexes of the key columns that tell parents apart.
    pub columns: Vec<usize>,
    /// The indexes of the arguments that their keys are made of.
    pub arguments: Vec<usize>,
    /// The query that enumerates them gives their columns, not whole keys.
    pub by_query: bool,
}

/// A comparison.
#[derive(Debug, Clone)]
pub(crate) struct BoundField {
    pub column: Column,
    pub class: Class,
    /// For the state of a transaction: the label for which a difference has `class`; with any other it is stale.
    pub pending: Option<String>,
    /// The database's side, in the carrier; over `db`.
    pub db: String,
    /// The chain's side before `map`, in its own carrier; over `chain`.
    pub raw: String,
    /// The carrier of `raw`.
    pub raw_carrier: Carrier,
    /// The carrier in which the sides meet.
    pub carrier: Carrier,
    pub map: Vec<(String, String)>,
    pub tolerance: Option<Tolerance>,
    /// What the column would be set to, where that is not the chain's side; over `db` and `chain`.
    pub write: Option<(String, Shape)>,
    pub writable: Result<(), Withheld>,
}

/// Something that must hold.
#[derive(Debug, Clone)]
pub(crate) struct BoundCondition {
    pub name: String,
    pub holds: String,
    pub priority: Priority,
    /// The columns that it mentions.
    pub db: Vec<Column>,
    /// The values that it mentions.
    pub chain: BTreeSet<String>,
}

impl BoundField {
    /// The chain's side, in the carrier, after `map`; `raw` is what stands for [`Self::raw`].
    pub fn mapped(&self, raw: &str) -> String {
        if self.map.is_empty() {
            return raw.to_owned();
        }
        let label = super::shape::carrier_text(self.raw_carrier, raw);
        let arms: String =
            self.map.iter().map(|(from, to)| format!(" WHEN {} THEN {}", crate::sql::literal(from), crate::sql::literal(to))).collect();
        format!("(CASE {label}{arms} END)::text")
    }

    /// Whether the chain's label has no counterpart.
    pub fn unmapped(&self, raw: &str) -> String {
        if self.map.is_empty() {
            return "false".to_owned();
        }
        let label = super::shape::carrier_text(self.raw_carrier, raw);
        let labels = crate::sql::list(self.map.iter().map(|(from, _)| crate::sql::literal(from)));
        format!("coalesce({label} NOT IN ({labels}), false)")
    }
}
