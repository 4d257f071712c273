use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ChainKey, Class, Proof, Stamp};

/// One difference between a row and the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// What sort.
    pub class: Class,
    /// The column, the name of the condition, or the key column, that it is about; what is missing of the classic
    /// ledger ([`crate::Missing`]); empty for a whole row.
    pub field: String,
    /// What the database holds, as text; none for NULL or no row.
    pub db: Option<String>,
    /// What the chain holds, as text in the column's units; none for nothing.
    pub chain: Option<String>,
    /// Why the plan leaves it as it is; none where the plan mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// Why drift is reported and not repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// The spec does not ask for a repair of this class.
    NotAsked,
    /// Only a person can decide.
    NeedsPerson,
    /// The chain's value has no counterpart: the spec's `map` lacks its label.
    Unmapped,
    /// A repair of it was reverted, and is held until it is released.
    Held,
    /// Something in the database made something else of the last repair of it, and nothing has changed since
    /// ([`crate::AlteredRepair`]).
    Altered,
    /// The spec does not say all that the missing row needs.
    IncompleteInsert,
    /// An unresolved provisional row of its kind could be this entity.
    MayBeProvisional,
    /// The table cannot be written: a view, a generated column, or no right to.
    NotWritable,
    /// The transaction that creates the row's entity is not decided yet.
    InFlight,
    /// The transaction that should have created the row's entity failed.
    FailedTransaction,
    /// The transaction that should have created the row's entity never landed, and cannot any more.
    Expired,
    /// Nothing on chain is known that could be the row's entity.
    NoCandidate,
    /// One event could be that of the row's creation, but not all events of that time are known.
    EventsIncomplete,
    /// Another row has the key already that is this row's.
    Conflict,
    /// The key is the row's, and has no entry on chain.
    NoEntry,
    /// It takes the whole set to tell, and a run of touches has not got it.
    LeftToSweep,
}

impl Withheld {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::NeedsPerson => "needs_person",
            Self::Unmapped => "unmapped",
            Self::Held => "held",
            Self::Altered => "altered",
            Self::IncompleteInsert => "incomplete_insert",
            Self::MayBeProvisional => "may_be_provisional",
            Self::NotWritable => "not_writable",
            Self::InFlight => "in_flight",
            Self::FailedTransaction => "failed_transaction",
            Self::Expired => "expired",
            Self::NoCandidate => "no_candidate",
            Self::EventsIncomplete => "events_incomplete",
            Self::Conflict => "conflict",
            Self::NoEntry => "no_entry",
            Self::LeftToSweep => "left_to_sweep",
        }
    }
}

/// What a plan would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Set these columns to these values (text, cast to the column's type).
    Update {
        /// Column to value.
        set: BTreeMap<String, Option<String>>,
    },
    /// Insert a row of these columns.
    Insert {
        /// Column to value.
        row: BTreeMap<String, Option<String>>,
    },
    /// Give the row its real key, and all that refers to it too.
    Resolve {
        /// Key column to value.
        key: BTreeMap<String, Option<String>>,
        /// The same as canonical text.
        chain_key: ChainKey,
        /// Why it is the row's.
        proof: Proof,
    },
    /// Nothing but report.
    Report {
        /// Why nothing else.
        why: Withheld,
    },
}

impl Action {
    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Update { .. } => "update",
            Self::Insert { .. } => "insert",
            Self::Resolve { .. } => "resolve",
            Self::Report { .. } => "report",
        }
    }

    /// Whether it would write to the application's table.
    #[must_use]
    pub const fn writes(&self) -> bool {
        !matches!(self, Self::Report { .. })
    }
}

/// What would mend the drift of one entity: printable, stored, and the same thing in a dry run and in a real one.
///
/// All drifts of an entity are one plan and one write: they were judged together, against the same columns, so that
/// a second write would find the first one's change and stand back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The differences, at least one.
    pub drifts: Vec<Drift>,
    /// What would be done.
    pub action: Action,
    /// The columns that were judged (key, compared, inputs of conditions and of `where`) as they were, as text. A
    /// repair writes only while they are still so. Empty for a missing row.
    pub judged: BTreeMap<String, Option<String>>,
    /// What the chain's side rests on; none where the chain was not asked, as for a provisional row.
    pub stamp: Option<Stamp>,
}
