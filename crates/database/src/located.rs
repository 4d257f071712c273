use trueup_judge::{AlteredRepair, ChainKey, Difference, RowFacts, RowIdentity, Withheld};

use std::collections::BTreeMap;

use serde_json::Value;

/// What a row says of its place on chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Located {
    /// The key columns; none if one of them is NULL.
    pub key: Option<ChainKey>,
    /// What the holes of the chain key are filled with, as text, in the order of the spec's arguments. Empty for a
    /// provisional row: its key columns do not hold what the expressions expect.
    pub arguments: Vec<Option<String>>,
    /// The contract, where each row names its own.
    pub contract: Option<String>,
    /// For each further entry of the spec its contract, where the row names it.
    pub also_contracts: Vec<Option<String>>,
    /// The spec's `[provisional] when` holds.
    pub provisional: bool,
    /// The transaction's hash, 64 lower-case hex digits.
    pub hash: Option<String>,
    /// When the transaction was submitted, Unix seconds.
    pub submitted: Option<i64>,
    /// The transaction's envelope, base64.
    pub envelope: Option<String>,
    /// What an earlier look at a row of transactions remembered.
    pub checkpoint: Option<Value>,
    /// The ledger of the newest observation that was applied to the row. An older one says nothing.
    pub floor: Option<i64>,
    /// The row's version and the rules by which it is judged, as one number; none where the row must not be passed over
    /// by a later sweep, however it is judged now.
    pub mark: Option<i64>,
}

/// What a key that was enumerated on chain says of its place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedKey {
    /// See [`Located::arguments`].
    pub arguments: Vec<Option<String>>,
    /// The contract, where it is a key column.
    pub contract: Option<String>,
    /// See [`Located::also_contracts`]; likewise.
    pub also_contracts: Vec<Option<String>>,
    /// A row has this key by now (also one outside the spec's `where`).
    pub row: Option<RowIdentity>,
    /// See [`Located::floor`]; of whichever rows have had this key.
    pub floor: Option<i64>,
    /// The newest insert for this key, if something in the database made something else of it and nobody released it.
    pub altered: Option<AlteredRepair>,
}

/// What the key of a parent, the entry that rows are elements of, says of its place on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedParent {
    /// See [`Located::arguments`]; those of elements and of further entries are none.
    pub arguments: Vec<Option<String>>,
    /// The contract, where it is one of the columns that tell parents apart.
    pub contract: Option<String>,
}

/// A row to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// The row.
    pub identity: RowIdentity,
    /// The chain's values as text, in the order of the spec; none where there is nothing to compare with (absent
    /// on chain, provisional): then only the facts are wanted.
    pub values: Option<Vec<Option<String>>>,
}

/// A row that differs, or whose facts alone were wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What the row says, by the same statement as the differences.
    pub facts: RowFacts,
    /// The differences, in the order of the spec: fields, then conditions.
    pub differences: Vec<Difference>,
}

/// The row that a missing entity would get.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRow {
    /// Column to value, as text.
    pub row: BTreeMap<String, Option<String>>,
    /// Why it must not be inserted, although the spec names all that a row needs: a label that a `map` lacks.
    pub withheld: Option<Withheld>,
}
