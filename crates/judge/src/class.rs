use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ParseNameError;

/// What sort of difference a drift is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The chain has the entity, the table has no row for it.
    MissingRow,
    /// The row's status is not the chain's.
    StaleStatus,
    /// Another compared value is not the chain's.
    StaleValue,
    /// The row still carries a key that the application made up before the chain gave the real one.
    ProvisionalId,
    /// The row says pending, the chain has decided.
    OrphanedPendingTransaction,
    /// The chain emitted an event that the table does not show.
    MissedEvent,
    /// The row exists, the chain entry does not.
    MissingOnChain,
    /// A declared invariant does not hold.
    ConditionViolated,
    /// Several entities could be the one; a person decides.
    Ambiguous,
}

impl Class {
    /// Every class, in the order in which reports list them.
    pub const ALL: [Self; 9] = [
        Self::MissingRow,
        Self::StaleStatus,
        Self::StaleValue,
        Self::ProvisionalId,
        Self::OrphanedPendingTransaction,
        Self::MissedEvent,
        Self::MissingOnChain,
        Self::ConditionViolated,
        Self::Ambiguous,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingRow => "missing_row",
            Self::StaleStatus => "stale_status",
            Self::StaleValue => "stale_value",
            Self::ProvisionalId => "provisional_id",
            Self::OrphanedPendingTransaction => "orphaned_pending_transaction",
            Self::MissedEvent => "missed_event",
            Self::MissingOnChain => "missing_on_chain",
            Self::ConditionViolated => "condition_violated",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Class {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or_else(|| {
            ParseNameError::new(
                text,
                "missing_row, stale_status, stale_value, provisional_id, orphaned_pending_transaction, missed_event, missing_on_chain, condition_violated, ambiguous",
            )
        })
    }
}
